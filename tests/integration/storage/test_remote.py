"""Objects as inputs and outputs: listings, ranges, copies, conditional writes."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import stores
from preflight.errors import FileChangedError, InputError
from preflight.model.address import S3Address
from preflight.settings import Settings
from preflight.storage import open_store
from preflight.storage.remote import download, head, list_objects, put_new, read_range, require


@pytest.fixture(scope="module")
def bucket() -> Iterator[Settings]:
    with stores.moto() as settings:
        yield settings


@pytest.fixture
def folder(bucket: Settings) -> S3Address:
    return S3Address(bucket=bucket.bucket, key=stores.fresh_prefix().rstrip("/"))


def put(settings: Settings, address: S3Address, data: bytes) -> None:
    with open_store(settings) as store:
        store.client.put_object(Bucket=address.bucket, Key=address.key, Body=data)


def test_patterns_mean_names_or_whole_trees(bucket: Settings, folder: S3Address) -> None:
    for key in ("a.mp4", "b.mov", "sub/c.mp4", "sub/deep/d.mp4", "axmp4"):
        put(bucket, folder / key, b"x")

    def names(pattern: str) -> list[str]:
        listed = list_objects(bucket, folder / pattern)
        return [found.address.key.removeprefix(f"{folder.key}/") for found in listed]

    assert names("*.mp4") == ["a.mp4"]
    assert names("**/*.mp4") == ["a.mp4", "sub/c.mp4", "sub/deep/d.mp4"]
    assert names("sub/") == ["sub/c.mp4", "sub/deep/d.mp4"]
    assert names("?.mo?") == ["b.mov"]


def test_listings_are_read_page_by_page(bucket: Settings, folder: S3Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.storage.remote.PAGE_SIZE", 3)
    for number in range(5):
        put(bucket, folder / f"{number}.mp4", b"x")
    requests = []
    with open_store(bucket) as store:
        store.client.meta.events.register("before-call.s3.ListObjectsV2", lambda **_: requests.append(1))
        found = list_objects(bucket, folder / "*.mp4")
        assert len(list(itertools.islice(found, 3))) == 3
        assert len(requests) == 1
        assert len(list(found)) == 2
        assert len(requests) == 2


def test_ranges_of_a_replaced_object_are_refused(bucket: Settings, folder: S3Address) -> None:
    address = folder / "clip.mp4"
    put(bucket, address, b"0123456789")
    found = require(bucket, address)
    assert read_range(bucket, found, 8, 100) == b"89"
    assert read_range(bucket, found, 10, 5) == b""
    put(bucket, address, b"abcdefghij")
    with pytest.raises(FileChangedError):
        read_range(bucket, found, 0, 4)
    with pytest.raises(InputError, match="does not exist"):
        require(bucket, folder / "none.mp4")


def test_copy_is_whole_or_not_there(bucket: Settings, folder: S3Address, tmp_path: Path) -> None:
    address = folder / "clip.mp4"
    put(bucket, address, b"0123456789")
    found = require(bucket, address)
    file = download(bucket, found, tmp_path / "in" / "clip.mp4")
    assert file.read_bytes() == b"0123456789"
    put(bucket, address, b"abcdefghij")
    with pytest.raises(FileChangedError):
        download(bucket, found, tmp_path / "in" / "again.mp4")
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["clip.mp4"]


def test_write_never_replaces_an_object(bucket: Settings, folder: S3Address, tmp_path: Path) -> None:
    file = tmp_path / "result.mp4"
    file.write_bytes(b"first")
    address = folder / "result.mp4"
    assert put_new(bucket, file, address, metadata={"preflight-group": "g"})
    file.write_bytes(b"second")
    assert not put_new(bucket, file, address, metadata={})
    found = head(bucket, address)
    assert found is not None
    assert (found.size, found.metadata["preflight-group"]) == (5, "g")


def test_store_without_conditions_is_asked_before(
    bucket: Settings, folder: S3Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "result.mp4"
    file.write_bytes(b"first")
    address = folder / "result.mp4"
    monkeypatch.setattr("preflight.storage.remote._UNCONDITIONAL", {"PreconditionFailed"})
    monkeypatch.setattr("preflight.storage.remote._TAKEN", set())
    assert put_new(bucket, file, address, metadata={})
    assert not put_new(bucket, file, address, metadata={})
