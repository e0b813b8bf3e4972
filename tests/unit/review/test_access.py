import pytest

from preflight.review.access import AccessRules, Admission

RULES = AccessRules(port=4000, token="t" * 43, session="s" * 43)
HOST = {"host": "127.0.0.1:4000"}
COOKIE = {"cookie": f"other=1; preflight-review-4000={'s' * 43}"}


@pytest.mark.parametrize(
    ("headers", "token", "admission"),
    [
        (HOST | COOKIE, None, Admission.ADMITTED),
        ({"host": "localhost:4000"} | COOKIE, None, Admission.ADMITTED),
        (HOST, "t" * 43, Admission.EXCHANGED),
        (HOST, None, Admission.NO_TOKEN),
        (HOST, "u" * 43, Admission.NO_TOKEN),
        (HOST, "\u00e9", Admission.NO_TOKEN),
        (HOST | {"cookie": "preflight-review-4000=wrong"}, None, Admission.NO_TOKEN),
        (HOST | {"cookie": "preflight-review-4001=" + "s" * 43}, None, Admission.NO_TOKEN),
        ({"host": "evil.example:4000"} | COOKIE, None, Admission.WRONG_HOST),
        (COOKIE, None, Admission.WRONG_HOST),
        (HOST | COOKIE | {"origin": "http://evil.example"}, None, Admission.FOREIGN_ORIGIN),
        (HOST | COOKIE | {"origin": "null"}, None, Admission.FOREIGN_ORIGIN),
        (HOST | COOKIE | {"origin": "http://127.0.0.1:4000"}, None, Admission.ADMITTED),
        (HOST | COOKIE | {"sec-fetch-site": "cross-site"}, None, Admission.FOREIGN_ORIGIN),
        (HOST | COOKIE | {"sec-fetch-site": "same-origin"}, None, Admission.ADMITTED),
    ],
)
def test_only_the_own_page_with_the_secret_is_admitted(
    headers: dict[str, str], token: str | None, admission: Admission
) -> None:
    assert RULES.admit(headers, token) is admission


def test_a_used_token_is_worth_nothing() -> None:
    used = AccessRules(port=4000, token=None, session="s" * 43)
    assert used.admit(HOST, "t" * 43) is Admission.NO_TOKEN
