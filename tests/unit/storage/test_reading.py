import hashlib
import io
import os
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.errors import CancelledError, FileChangedError
from preflight.events import Progress, ignore
from preflight.model.media import FileIdentity
from preflight.storage import source_file
from preflight.storage.profiles import Checksum
from preflight.storage.source_file import Meter, PartBody, PartReader, SourceFile, Stopped, compute_digest


def read(path: Path, part_size: int, checksum: Checksum = Checksum.CRC32) -> SourceFile:
    return compute_digest(path, part_size=part_size, checksum=checksum, listener=ignore)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 120), st.sampled_from(Checksum), st.integers(1, 400))
def test_one_reading_gives_every_sum(
    tmp_path: Path, content: bytes, part_size: int, checksum: Checksum, stride: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_file, "DIGEST_BLOCK", stride)
        found = read(path, part_size, checksum)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    spans = [found.span(number) for number in range(1, found.part_count + 1)]
    pieces = [content[offset : offset + length] for offset, length in spans]
    assert b"".join(pieces) == content
    for piece, part in zip(pieces, found.checksums, strict=True):
        crc = zlib.crc32(piece).to_bytes(4, "big")
        assert part == (crc if checksum is Checksum.CRC32 else hashlib.md5(piece).digest())  # noqa: S324


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    found = read(path, 4)
    path.write_bytes(b"behind!")
    with pytest.raises(FileChangedError, match="changed"):
        found.require_unchanged()


def test_reading_stops_on_request(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        compute_digest(path, part_size=4, checksum=Checksum.MD5, listener=ignore, cancel=cancel)


def test_bytes_sent_again_are_not_counted_twice() -> None:
    content = bytes(range(20, 70))
    heard: list[Progress] = []
    meter = Meter(50, heard.append)
    with PartBody(memoryview(content), meter) as body:
        assert len(body) == 50
        assert body.seek(0, io.SEEK_END) == 50
        assert body.seek(0) == 0
        assert body.read(30) == content
        body.seek(0)
        assert body.read() == content
        assert body.read(1) == b""
        assert body.tell() == 50
    assert heard[-1].done == 50


def known(path: Path, part_size: int, *, content: bytes | None = None) -> SourceFile:
    """The file with a digest that was computed before, of `content` when it has changed since."""
    sha256 = hashlib.sha256(path.read_bytes() if content is None else content).hexdigest()
    identity = FileIdentity.of(path)
    return SourceFile(path=path, identity=identity, sha256=sha256, part_size=part_size, checksum=Checksum.CRC32)


def test_parts_are_read_once_for_data_checksums_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first-second-end")
    reader = PartReader(known(path, 6))
    with reader.open() as read_part:
        parts = [read_part(number) for number in (1, 2, 3)]
    assert [bytes(part.data) for part in parts] == [b"first-", b"second", b"-end"]
    assert reader.checksums == [zlib.crc32(part.data).to_bytes(4, "big") for part in parts]
    reader.finish()


def test_file_of_another_digest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"edited")
    reader = PartReader(known(path, 6, content=b"before"))
    with reader.open() as read_part:
        read_part(1)
    with pytest.raises(FileChangedError):
        reader.finish()


def test_truncated_file_is_noticed_at_the_next_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 20)
    with PartReader(known(path, 5)).open() as read_part:
        read_part(1)
        os.truncate(path, 12)
        read_part(2)
        with pytest.raises(FileChangedError):
            read_part(3)


class Clock(threading.Event):
    """Counts the seconds that were to be waited."""

    waited = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.waited += timeout or 0
        return False


def test_a_rate_makes_bytes_wait() -> None:
    meter = Meter(3000, ignore, rate=1000)
    meter.stopped = clock = Clock()
    for _ in range(3):
        meter.take(1000)
    # Nothing really waits here, so each pause is counted from the same moment: 1 + 2 + 3 seconds.
    assert 5.5 < clock.waited <= 6


def test_without_a_rate_nothing_waits() -> None:
    meter = Meter(3000, ignore)
    meter.stopped = clock = Clock()
    meter.take(1000)
    assert clock.waited == 0
    clock.set()
    with pytest.raises(Stopped):
        meter.take(1)
