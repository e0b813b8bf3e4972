from preflight.removal.signing import sign, signed_query


def test_signature_of_the_documented_recipe() -> None:
    # printf 'hush1700000000000' | openssl dgst -sha256 -hmac hush
    assert sign("hush", "1700000000000") == "53E719FC83456839B9ED88607450ECF0790094C3E7D7D1AA1652C394943FCE1D"


def test_query_carries_what_every_call_needs() -> None:
    query = signed_query("key", "hush", now=1_700_000_000.0)
    assert query["sign"] == sign("hush", "1700000000000")
    assert {name: query[name] for name in ("partner_id", "sign_method", "sign_ver", "app_key", "timestamp")} == {
        "partner_id": "aidge",
        "sign_method": "sha256",
        "sign_ver": "v2",
        "app_key": "key",
        "timestamp": "1700000000000",
    }
