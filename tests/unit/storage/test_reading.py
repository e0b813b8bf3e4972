import hashlib
import io
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.errors import CancelledError, FileChangedError
from preflight.events import Progress, ignore
from preflight.storage import source_file
from preflight.storage.profiles import Checksum
from preflight.storage.source_file import Fingerprint, Meter, PartBody, Stopped, fingerprint


def read(path: Path, part_size: int, checksum: Checksum = Checksum.CRC32) -> Fingerprint:
    return fingerprint(path, part_size=part_size, checksum=checksum, listener=ignore)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 120), st.sampled_from(Checksum), st.integers(1, 400))
def test_one_reading_gives_every_sum(
    tmp_path: Path, content: bytes, part_size: int, checksum: Checksum, stride: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_file, "_STRIDE", stride)
        found = read(path, part_size, checksum)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    spans = [found.span(number) for number in range(1, len(found.parts) + 1)]
    pieces = [content[offset : offset + length] for offset, length in spans]
    assert b"".join(pieces) == content
    for piece, part in zip(pieces, found.parts, strict=True):
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
        fingerprint(path, part_size=4, checksum=Checksum.MD5, listener=ignore, cancel=cancel)


def test_bytes_sent_again_are_not_counted_twice(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    heard: list[Progress] = []
    meter = Meter(50, heard.append)
    with PartBody(path, 20, 50, meter) as body:
        assert len(body) == 50
        assert body.seek(0, io.SEEK_END) == 50
        assert body.seek(0) == 0
        assert body.read(30) == bytes(range(20, 70))
        body.seek(0)
        assert body.read() == bytes(range(20, 70))
        assert body.read(1) == b""
        assert body.tell() == 50
    assert heard[-1].done == 50


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
