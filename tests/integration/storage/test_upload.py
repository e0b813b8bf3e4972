import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from fixtures import stores
from preflight.errors import (
    CancelledError,
    FileChangedError,
    InputError,
    StoreAccessError,
    StoreError,
    UsageError,
)
from preflight.events import Progress
from preflight.ledger import Ledger
from preflight.model.job import Upload
from preflight.settings import Settings
from preflight.storage import abort, doctor, incomplete, upload


def sent(settings: Settings, path: Path, **more: object) -> Upload:
    return upload(path, settings=settings, extension="mp4", life=600, **more)  # type: ignore[arg-type]


def stored(settings: Settings, key: str) -> bytes:
    client = stores.client_of(settings)
    data: bytes = client.get_object(Bucket=settings.bucket, Key=key)["Body"].read()
    client.close()
    return data


@pytest.mark.parametrize("store", ["generic", "minio"])
@pytest.mark.parametrize("large", [False, True])
def test_bytes_arrive_whole(settings: Settings, small_mp4: Path, big: Path, store: str, large: bool) -> None:
    path = big if large else small_mp4
    settings = replace(settings, store=store)
    result = sent(settings, path)
    assert stored(settings, result.key) == path.read_bytes()
    assert result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert result.key == f"{settings.prefix}{result.sha256}.mp4"
    assert not result.reused
    assert "Signature" not in repr(result)
    reply = requests.get(result.url.reveal(), timeout=10, verify=settings.ca_bundle or True)
    assert reply.content == path.read_bytes()
    assert reply.headers["Content-Type"] == "video/mp4"


def test_an_empty_file_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="empty"):
        sent(settings, tmp_path / "empty")


def test_the_same_content_is_sent_once(settings: Settings, small_mp4: Path, tmp_path: Path) -> None:
    first = sent(settings, small_mp4)
    copy = tmp_path / "another name.mp4"
    copy.write_bytes(small_mp4.read_bytes())
    for sha256 in (None, first.sha256):
        again = sent(settings, copy, sha256=sha256)
        assert again.reused
        assert again.key == first.key


def test_an_object_of_other_size_is_replaced(settings: Settings, small_mp4: Path) -> None:
    first = sent(settings, small_mp4)
    client = stores.client_of(settings)
    client.put_object(Bucket=settings.bucket, Key=first.key, Body=b"cut", Metadata={"preflight-sha256": first.sha256})
    client.close()
    assert not sent(settings, small_mp4).reused
    assert stored(settings, first.key) == small_mp4.read_bytes()


def test_progress_ends_at_the_size(settings: Settings, big: Path) -> None:
    heard: list[Progress] = []
    sent(settings, big, listener=heard.append)
    size = big.stat().st_size
    assert [p.done for p in heard if p.note == "digest"][-1] == size
    assert [p.done for p in heard if not p.note][-1] == size
    assert {p.unit for p in heard} == {"B"}


def test_the_ledger_forgets_a_completed_upload(settings: Settings, big: Path, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        result = sent(settings, big, checkpoint=ledger.uploads)
        assert ledger.uploads.load_upload(endpoint=str(settings.s3_endpoint), bucket="videos", key=result.key) is None
    assert incomplete(settings) == ()


def stop_after(count: int, cancel: threading.Event) -> Callable[[Progress], None]:
    def listen(progress: Progress) -> None:
        if not progress.note and progress.done >= count:
            cancel.set()

    return listen


def test_a_stopped_upload_goes_on(settings: Settings, big: Path, tmp_path: Path) -> None:
    settings = replace(settings, upload_rate=60_000_000)
    cancel = threading.Event()
    with Ledger(tmp_path / "ledger") as ledger:
        with pytest.raises(CancelledError):
            sent(settings, big, checkpoint=ledger.uploads, cancel=cancel, listener=stop_after(11_500_000, cancel))
        (begun,) = incomplete(settings)
        heard: list[Progress] = []
        result = sent(settings, big, checkpoint=ledger.uploads, listener=heard.append)
    assert begun.key == result.key
    assert stored(settings, result.key) == big.read_bytes()
    assert incomplete(settings) == ()


def test_an_aborted_upload_starts_anew(settings: Settings, big: Path, tmp_path: Path) -> None:
    cancel = threading.Event()
    with Ledger(tmp_path / "ledger") as ledger:
        with pytest.raises(CancelledError):
            sent(settings, big, checkpoint=ledger.uploads, cancel=cancel, listener=stop_after(1, cancel))
        for begun in incomplete(settings):
            abort(settings, begun)
        assert stored(settings, sent(settings, big, checkpoint=ledger.uploads).key) == big.read_bytes()


def test_a_file_that_changes_is_not_sent(settings: Settings, big: Path, tmp_path: Path) -> None:
    path = tmp_path / "growing.mp4"
    path.write_bytes(big.read_bytes())

    def grow(progress: Progress) -> None:
        if not progress.note:
            with path.open("ab") as file:
                file.write(b"more")

    with pytest.raises(FileChangedError):
        sent(settings, path, listener=grow)


def test_bytes_changed_in_place_are_not_sent(settings: Settings, big: Path, tmp_path: Path) -> None:
    path = tmp_path / "edited.mp4"
    path.write_bytes(big.read_bytes())

    def edit(progress: Progress) -> None:
        if progress.note and progress.done == progress.total:
            with path.open("r+b") as file:
                file.seek(19 * 2**20)
                file.write(b"edited")

    with pytest.raises(FileChangedError):
        sent(settings, path, listener=edit)


def test_missing_bucket_and_file_are_told(settings: Settings, small_mp4: Path) -> None:
    with pytest.raises(StoreAccessError, match=r"'nowhere'.*does not exist.*PREFLIGHT_BUCKET"):
        sent(replace(settings, bucket="nowhere"), small_mp4)
    with pytest.raises(StoreAccessError, match=r"^'My Bucket' can't be the name of a bucket"):
        sent(replace(settings, bucket="My Bucket"), small_mp4)
    with pytest.raises(UsageError, match="bucket"):
        sent(replace(settings, bucket=""), small_mp4)
    with pytest.raises(InputError, match="No such file"):
        sent(settings, small_mp4.with_name("missing.mp4"))


def test_an_unreachable_store_is_worth_a_retry(small_mp4: Path) -> None:
    with pytest.raises(StoreError, match=r"can't be reached \(Connection refused\)") as caught:
        sent(stores.settings_for("http://127.0.0.1:9"), small_mp4)
    assert caught.value.retryable


def test_without_credentials_the_mend_is_told(
    settings: Settings, small_mp4: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreAccessError, match="AWS_ACCESS_KEY_ID"):
        sent(replace(settings, s3_key="", s3_secret=""), small_mp4)


def test_explicit_keys_ignore_the_aws_setup(
    settings: Settings, small_mp4: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/not/there.pem")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert sent(settings, small_mp4).size == small_mp4.stat().st_size


def test_doctor_tries_everything(settings: Settings) -> None:
    checks = {check.name: check for check in doctor(settings)}
    assert all(check.ok for check in checks.values())
    assert list(checks) == [
        "bucket write",
        "bucket read",
        "presigned URL",
        "bucket delete",
        "begun uploads",
        "lifecycle",
    ]
    assert "lifecycle rule" in str(checks["lifecycle"].mend)
    (broken,) = doctor(replace(settings, bucket="nowhere"))
    assert not broken.ok
    assert broken.mend


def test_a_public_url_is_used_as_it_is(settings: Settings, small_mp4: Path) -> None:
    # A URL signed for this very key stands for a CDN in front of the bucket.
    first = sent(settings, small_mp4)
    cdn = first.url.reveal().replace(first.key, "{key}")
    result = sent(replace(settings, public_url=cdn), small_mp4)
    assert result.url == first.url
    assert result.expires is None


def test_a_url_that_serves_nothing_is_not_handed_out(settings: Settings, small_mp4: Path) -> None:
    nowhere = replace(settings, public_url=f"{settings.s3_endpoint}/videos/nowhere/{{key}}")
    with pytest.raises(StoreError, match="HTTP 40"):
        sent(nowhere, small_mp4)
    closed = replace(settings, public_url="http://127.0.0.1:9/{key}?token=VERYSECRET")
    with pytest.raises(StoreError, match="can't be fetched") as caught:
        sent(closed, small_mp4)
    assert "VERYSECRET" not in repr(caught.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, small_mp4: Path) -> None:
    with stores.moto_tls(tmp_path) as settings:
        with pytest.raises(StoreError, match="certificate") as caught:
            sent(replace(settings, ca_bundle=None), small_mp4)
        assert "PREFLIGHT_CA_BUNDLE" in str(caught.value)
        assert sent(settings, small_mp4).size


def test_objects_are_encrypted_when_that_is_wished(big: Path) -> None:
    with stores.moto() as settings:
        result = sent(replace(settings, encryption="aws:kms", kms_key="alias/films"), big)
        client = stores.client_of(settings)
        found = client.head_object(Bucket=settings.bucket, Key=result.key)
        client.close()
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/films")
