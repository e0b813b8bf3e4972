import pytest

from preflight.settings import Secret, Settings


def account(domain: str) -> str:
    return Settings(service="aidge", access_key_name="k", access_key_secret=Secret("s"), api_domain=domain).account


@pytest.mark.parametrize(
    "domain",
    [
        "api.example.com",
        "API.example.com.",
        "api.example.com/",
        "https://api.example.com//",
        "https://api.example.com:443",
        "http://user:word@api.example.com:80/",
    ],
)
def test_one_account_for_every_spelling_of_a_domain(domain: str) -> None:
    assert account(domain) == "k@api.example.com"


@pytest.mark.parametrize("domain", ["api.example.com:8443", "api.example.com/v2", "http://[::1]:80", "http://h:443"])
def test_other_ports_and_paths_are_other_accounts(domain: str) -> None:
    assert account(domain) not in {"k@api.example.com", "k@h"}
