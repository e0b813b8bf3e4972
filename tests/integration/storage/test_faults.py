"""Between us and the store, every call fails in every way; the content arrives whole or a retry brings it there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import stores
from preflight.errors import StoreError
from preflight.ledger import Ledger
from preflight.settings import Settings
from preflight.storage import incomplete, upload
from tests.faultproxy import HARMLESS, Fault, FaultProxy, once, times

CALLS = {
    "look for the content": ("HEAD", 1),
    "begin": ("POST", 1),
    "first part": ("PUT", 1),
    "last part": ("PUT", 3),
    "complete": ("POST", 2),
    "verify": ("HEAD", 2),
    "test the URL": ("GET", 1),
}
TRIES = 4


@pytest.fixture(scope="module")
def direct() -> Iterator[Settings]:
    with stores.moto() as settings:
        yield settings


def arrive(settings: Settings, path: Path, ledger: Ledger) -> int:
    """Upload until it succeeds, as a person would after an error that says how, and return how often that took."""
    errors: list[StoreError] = []
    while len(errors) < TRIES:
        try:
            upload(path, settings=settings, extension="mp4", life=600, checkpoint=ledger.uploads)
        except StoreError as error:
            errors.append(error)
        else:
            break
    assert len(errors) < TRIES, errors
    assert all(error.hint and "X-Amz-Signature" not in str(error) for error in errors)
    return len(errors) + 1


def check(direct: Settings, path: Path, folder: Path, fault: Fault, call: str, store: str = "generic") -> FaultProxy:
    method, number = CALLS[call]
    script = once("*", fault, method=method, number=number)
    with FaultProxy(str(direct.s3_endpoint), script, silence=0.5) as proxy, Ledger(folder / "ledger") as ledger:
        settings = replace(direct, s3_endpoint=proxy.url, prefix=stores.fresh_prefix(), store=store)
        attempts = arrive(settings, path, ledger)
        assert attempts == 1 or fault not in HARMLESS, (fault, call, attempts)
        whole = replace(direct, prefix=settings.prefix)
        client = stores.client_of(direct)
        (found,) = client.list_objects_v2(Bucket=direct.bucket, Prefix=settings.prefix)["Contents"]
        with client.get_object(Bucket=direct.bucket, Key=found["Key"])["Body"] as body:
            assert body.read() == path.read_bytes()
        client.close()
        left = incomplete(whole)
        # A begin whose reply was lost leaves an upload that nobody knows the id of; `preflight uploads` shows it.
        assert len(left) <= (call == "begin"), (fault, call)
    return proxy


def test_a_begin_whose_reply_is_lost_is_begun_again(direct: Settings, big: Path, tmp_path: Path) -> None:
    check(direct, big, tmp_path, Fault.DROP_REPLY, "begin")


@pytest.mark.parametrize("fault", [Fault.DROP_REPLY, Fault.ANSWER_504])
def test_a_completed_upload_whose_reply_is_lost_is_not_sent_again(
    direct: Settings, big: Path, tmp_path: Path, fault: Fault
) -> None:
    proxy = check(direct, big, tmp_path, fault, "complete")
    assert len([seen for seen in proxy.log if seen.method == "PUT"]) == 3


def test_spoiled_parts_are_refused(direct: Settings, big: Path, tmp_path: Path) -> None:
    check(direct, big, tmp_path, Fault.TRUNCATE_REQUEST, "first part")


def test_a_store_that_always_fails_is_told(direct: Settings, big: Path, tmp_path: Path) -> None:
    script = times("*", Fault.RESET_REQUEST, method="PUT")
    with FaultProxy(str(direct.s3_endpoint), script) as proxy, Ledger(tmp_path / "ledger") as ledger:
        settings = replace(direct, s3_endpoint=proxy.url, prefix=stores.fresh_prefix())
        with pytest.raises(StoreError, match="Uploading part") as caught:
            upload(big, settings=settings, extension="mp4", life=600, checkpoint=ledger.uploads)
    assert caught.value.retryable


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("store", ["generic", "minio"])
@pytest.mark.parametrize("call", list(CALLS))
@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_at_every_call(
    direct: Settings, big: Path, tmp_path: Path, fault: Fault, call: str, store: str
) -> None:
    check(direct, big, tmp_path, fault, call, store)
