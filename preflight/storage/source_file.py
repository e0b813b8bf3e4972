"""Reading a file once for its digest and its parts' checksums, and again, throttled and counted, to send it."""

from __future__ import annotations

import hashlib
import io
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Protocol

from preflight.errors import CancelledError, FileChangedError, InputError
from preflight.events import Cancel, Listener, Progress, Stage
from preflight.model.media import FileIdentity
from preflight.storage.profiles import Checksum

_EVERY = 1_048_576
"""Bytes between two reports of progress."""

_BLOCK = 262_144
"""Smallest read in bytes for a request's body: http.client asks for 16 KiB at a time."""

_STRIDE = 4_194_304
"""Bytes read at once for the digests: below, handing blocks from thread to thread takes longer than a hash."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    """CRC-32 in the shape of a hashlib object."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def new_hash(kind: Checksum) -> _Hash:
    """Return a fresh hash of the kind that the store compares with."""
    return _Crc32() if kind is Checksum.CRC32 else hashlib.md5(usedforsecurity=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """A file's SHA-256 (hex) and the checksum of each of its parts of `part_size` bytes, from one reading."""

    path: Path
    identity: FileIdentity
    sha256: str
    part_size: int
    checksum: Checksum
    parts: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.identity.size

    def span(self, number: int) -> tuple[int, int]:
        """Return offset and length in bytes of part `number`, which counts from 1."""
        offset = (number - 1) * self.part_size
        return offset, min(self.part_size, self.size - offset)

    def require_unchanged(self) -> None:
        """Raise FileChangedError when the path no longer shows the file that was read."""
        if identity_of(self.path) != self.identity:
            raise changed(self.path)


def changed(path: Path) -> FileChangedError:
    """Return the error for a file that is not what it was."""
    return FileChangedError(
        f"{path} was changed while it was being sent.", hint="Run it again once the file is complete."
    )


def identity_of(path: Path) -> FileIdentity:
    """Return the identity of the file at `path`. Raises InputError."""
    try:
        return FileIdentity.of(path)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", hint="Check the path and permissions.") from error


def fingerprint(
    path: Path, *, part_size: int, checksum: Checksum, listener: Listener, cancel: Cancel | None = None
) -> Fingerprint:
    """Read `path` once. Raises FileChangedError when it changes meanwhile, InputError, CancelledError."""
    identity = identity_of(path)
    whole, done = hashlib.sha256(), 0
    parts: list[_Hash] = []
    lengths = (*_lengths(identity.size, part_size), 0)
    try:
        with path.open("rb") as file, ThreadPoolExecutor(1) as beside:
            block = file.read(lengths[0])
            for length, following in pairwise(lengths):
                if len(block) < length:
                    raise changed(path)
                if done % part_size == 0:
                    parts.append(new_hash(checksum))
                # Hashes let go of the interpreter: during one, the other is computed and the next block read.
                ahead = beside.submit(_add_and_read, parts[-1], block, file, following)
                whole.update(block)
                block = ahead.result()
                done += length
                listener(Progress(stage=Stage.UPLOAD, done=done, total=identity.size, unit="B", note="digest"))
                _stop_if(cancel)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error
    found = Fingerprint(
        path=path,
        identity=identity,
        sha256=whole.hexdigest(),
        part_size=part_size,
        checksum=checksum,
        parts=tuple(part.digest() for part in parts),
    )
    found.require_unchanged()
    return found


def _lengths(size: int, part_size: int) -> Iterator[int]:
    """Yield the lengths of the blocks of all parts in order; an empty file is one empty block."""
    for start in range(0, size or 1, part_size):
        end = min(start + part_size, size)
        for at in range(start, end or 1, _STRIDE):
            yield min(_STRIDE, end - at)


def _add_and_read(part: _Hash, block: bytes, file: BinaryIO, amount: int) -> bytes:
    part.update(block)
    return file.read(amount)


def _stop_if(cancel: Cancel | None) -> None:
    if cancel is not None and cancel.is_set():
        raise CancelledError("Stopped on request.", hint="Run it again to go on from here.")


class Stopped(BaseException):
    """Leaves a request from inside its body. No `Exception`: botocore would wrap that and send the request again."""


class TruncatedSource(BaseException):
    """Leaves a request from inside its body: the file has become shorter than what was announced."""


class Meter:
    """Counts bytes of all threads towards one total, says so about once a MiB, and keeps to a rate in bytes/s."""

    def __init__(self, total: int, listener: Listener, *, rate: int = 0, cancel: Cancel | None = None) -> None:
        self._total, self._listener, self._rate, self._cancel = total, listener, rate, cancel
        self._lock = threading.Lock()
        self._done = 0
        self._said = -_EVERY
        self._free_at = time.monotonic()
        self.stopped = threading.Event()

    def again(self) -> Meter:
        """Return a meter for the same bytes that starts from nothing."""
        return Meter(self._total, self._listener, rate=self._rate, cancel=self._cancel)

    def add(self, count: int) -> None:
        """Count `count` bytes as gone (negative: they have to go again)."""
        with self._lock:
            self._done += count
            if abs(self._done - self._said) >= _EVERY or self._done >= self._total:
                self._said = self._done
                self._listener(Progress(stage=Stage.UPLOAD, done=self._done, total=self._total, unit="B"))

    def take(self, count: int) -> None:
        """Wait until `count` more bytes may go. Raises Stopped."""
        if self.stopped.is_set() or (self._cancel is not None and self._cancel.is_set()):
            raise Stopped
        if self._rate:
            with self._lock:
                now = time.monotonic()
                self._free_at = max(self._free_at, now) + count / self._rate
                pause = self._free_at - now
            # An event's wait ends at once when the upload is given up.
            self.stopped.wait(pause)


class PartBody(io.RawIOBase):
    """A stretch of a file as a request body: seekable for retries, counted and throttled while it is read."""

    def __init__(self, path: Path, offset: int, size: int, meter: Meter) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._offset, self._size, self._meter = offset, size, meter
        self._at = self._counted = 0
        self._file.seek(offset)

    def __len__(self) -> int:
        return self._size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def read(self, amount: int | None = -1, /) -> bytes:
        """Return the next bytes of the stretch; each counts as sent."""
        left = self._size - self._at
        # http.client asks for 16 KiB at a time and sends whatever it gets: larger blocks halve the work.
        count = left if amount is None or amount < 0 else min(max(amount, _BLOCK), left)
        if count:
            self._meter.take(count)
        block = self._file.read(count)
        if count and not block:
            # The store would wait for the rest until its time-out, and botocore would try again.
            raise TruncatedSource
        self._at += len(block)
        if self._at > self._counted:
            self._meter.add(self._at - self._counted)
            self._counted = self._at
        return block

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move inside the stretch; bytes before a move back count as not sent."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        target = max(0, min(self._size, base + offset))
        if target < self._counted:
            self._meter.add(target - self._counted)
            self._counted = target
        self._at = target
        self._file.seek(self._offset + target)
        return target

    def tell(self) -> int:
        """Return the place inside the stretch."""
        return self._at

    def close(self) -> None:
        """Close the file behind."""
        self._file.close()
        super().close()
