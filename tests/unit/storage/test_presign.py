from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from preflight.errors import StoreAccessError
from preflight.settings import Secret, Settings
from preflight.storage.presign import MAX_LIFE, presign
from preflight.storage.store import Store, open_store

SETTINGS = Settings(bucket="videos", s3_key="key", s3_secret=Secret("secret"), s3_endpoint="https://s3.example")


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store(SETTINGS) as opened:
        yield opened


def life_of(store: Store, wished: float) -> float:
    _, expires = presign(store, "a.mp4", life=wished)
    assert expires is not None
    return (expires - datetime.now(UTC)).total_seconds()


def test_a_url_lives_as_long_as_wished(store: Store) -> None:
    assert life_of(store, 5000) == pytest.approx(5000, abs=5)


def test_no_url_outlives_seven_days(store: Store) -> None:
    assert life_of(store, 10 * MAX_LIFE) == pytest.approx(MAX_LIFE, abs=5)


def test_no_url_outlives_its_credentials(store: Store) -> None:
    soon = replace(store, credentials_expire=datetime.now(UTC) + timedelta(seconds=600))
    assert life_of(soon, 5000) == pytest.approx(600, abs=5)


def test_credentials_about_to_end_are_told(store: Store) -> None:
    ending = replace(store, credentials_expire=datetime.now(UTC) + timedelta(seconds=10))
    with pytest.raises(StoreAccessError, match="expire"):
        presign(ending, "a.mp4", life=5000)


def test_the_signature_is_version_4_and_hidden(store: Store) -> None:
    url, _ = presign(store, "folder/a b.mp4", life=100)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url.reveal()
    assert str(url) == "https://s3.example/videos/folder/a%20b.mp4?[hidden]"


def test_a_template_needs_no_signature(store: Store) -> None:
    public = replace(store, settings=replace(SETTINGS, public_url="https://cdn.example/{bucket}/{key}"))
    url, expires = presign(public, "p/a b.mp4", life=100)
    assert url.reveal() == "https://cdn.example/videos/p/a%20b.mp4"
    assert expires is None


@pytest.mark.parametrize("name", ["aws", "oss"])
def test_virtual_hosts_where_the_store_wants_them(name: str) -> None:
    endpoint = {"aws": None, "oss": "https://oss-cn-shanghai.aliyuncs.com"}[name]
    with open_store(replace(SETTINGS, s3_endpoint=endpoint)) as store:
        url, _ = presign(store, "a.mp4", life=100)
    assert str(url).startswith("https://videos.")
