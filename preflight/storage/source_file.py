"""The file that is sent: its digest, and its parts in memory with their checksums."""

from __future__ import annotations

import hashlib
import io
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Protocol

from preflight.errors import CancelledError, FileChangedError, InputError
from preflight.events import Cancel, Listener, Progress, Stage
from preflight.model.media import FileIdentity
from preflight.storage.profiles import Checksum

PROGRESS_STEP = 1_048_576
"""Bytes between two progress events of an upload."""

SEND_BLOCK = 262_144
"""Bytes given to the socket at once: http.client asks for 16 KiB, and 16 times fewer calls halve the work."""

DIGEST_BLOCK = 4_194_304
"""Bytes read at once for the digest: below, handing blocks from thread to thread takes longer than a hash."""


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    """CRC-32 in the shape of a hashlib object."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def new_hash(kind: Checksum) -> _Hash:
    """Return a fresh hash of the kind that the store compares with."""
    return _Crc32() if kind is Checksum.CRC32 else hashlib.md5(usedforsecurity=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file and how it is cut into parts.

    Attributes:
        path: the file.
        identity: size, modification time and inode when its digest was computed or its upload began.
        sha256: the SHA-256 of its content in hex.
        part_size: bytes of each part but the last.
        checksum: the kind of checksum that each part carries.
        checksums: the checksum of each part when they were computed together with the digest; otherwise empty.
    """

    path: Path
    identity: FileIdentity
    sha256: str
    part_size: int
    checksum: Checksum
    checksums: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.identity.size

    @property
    def part_count(self) -> int:
        """Number of parts; an empty file has one."""
        return max(1, -(-self.size // self.part_size))

    def span(self, number: int) -> tuple[int, int]:
        """Return offset and length in bytes of part `number`, which counts from 1."""
        offset = (number - 1) * self.part_size
        return offset, min(self.part_size, self.size - offset)

    def require_unchanged(self) -> None:
        """Raise FileChangedError when the path no longer shows the file that was read."""
        if identity_of(self.path) != self.identity:
            raise changed(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Part `number` of a file: its bytes, and their checksum of the kind that the store compares with."""

    number: int
    data: memoryview
    checksum: bytes


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


class PartReader:
    """Reads the parts of a file in order, once, into memory.

    When the digest of the file was known before, it is computed again from the parts, so that a file that is no longer
    the same is never completed in the store. Each part under way takes `part_size` bytes of memory.
    """

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._whole = hashlib.sha256()
        self._spare: list[bytearray] = []
        self.checksums: list[bytes] = list(source.checksums)
        """The checksums of the parts that were read so far, or of all when they were known before."""

    @property
    def is_reading_all(self) -> bool:
        """True when every part has to be read, since its checksum is not known yet."""
        return not self._source.checksums

    @contextmanager
    def open(self) -> Iterator[Callable[[int], Part]]:
        """Yield a function that reads the part of a number. Raises InputError; the function raises FileChangedError."""
        try:
            file = self._source.path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"{self._source.path} can't be read: {error.strerror}.") from error
        with file:
            yield lambda number: self._read(file, number)

    def release(self, part: Part) -> None:
        """Take back the memory of a part that is in the store, for a part to come: new memory costs page faults."""
        if isinstance(part.data.obj, bytearray):
            self._spare.append(part.data.obj)

    def finish(self) -> None:
        """Raise FileChangedError when the file is not the one whose digest is known."""
        self._source.require_unchanged()
        if self.is_reading_all and self._whole.hexdigest() != self._source.sha256:
            raise changed(self._source.path)

    def _read(self, file: BinaryIO, number: int) -> Part:
        offset, size = self._source.span(number)
        data = self._spare.pop() if self._spare else bytearray(min(self._source.part_size, self._source.size))
        view, done = memoryview(data)[:size], 0
        file.seek(offset)
        try:
            while done < size:
                count = file.readinto(view[done:])  # type: ignore[attr-defined]
                if not count:
                    # Shorter than it was: somebody truncates the file just now.
                    raise changed(self._source.path)
                done += count
        except OSError as error:
            raise InputError(f"{self._source.path} can't be read: {error.strerror}.") from error
        if self.is_reading_all:
            checksum = new_hash(self._source.checksum)
            checksum.update(view)
            self._whole.update(view)
            self.checksums.append(checksum.digest())
        return Part(number=number, data=view, checksum=self.checksums[number - 1])


def compute_digest(
    path: Path, *, part_size: int, checksum: Checksum, listener: Listener, cancel: Cancel | None = None
) -> SourceFile:
    """Read a file once for its SHA-256 and the checksums of its parts.

    Args:
        path: the file.
        part_size: bytes of a part.
        checksum: the kind of the parts' checksums.
        listener: called with each `Progress` in bytes, whose note is "digest".
        cancel: stops the reading when it is set.

    Raises:
        FileChangedError: the file changed meanwhile.
        InputError: it can't be read.
        CancelledError: `cancel` was set.
    """
    identity = identity_of(path)
    whole, done = hashlib.sha256(), 0
    parts: list[_Hash] = []
    try:
        with path.open("rb") as file, ThreadPoolExecutor(1) as second:
            lengths = [*_block_lengths(identity.size, part_size), 0]
            block = file.read(lengths[0])
            for length, following in pairwise(lengths):
                if len(block) < length:
                    raise changed(path)
                if done % part_size == 0:
                    parts.append(new_hash(checksum))
                # Hashes release the interpreter: during one, the other is computed and the next block is read.
                ahead = second.submit(_update_and_read, parts[-1], block, file, following)
                whole.update(block)
                block = ahead.result()
                done += length
                listener(Progress(stage=Stage.UPLOAD, done=done, total=identity.size, unit="B", note="digest"))
                raise_if_set(cancel)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error
    found = SourceFile(
        path=path,
        identity=identity,
        sha256=whole.hexdigest(),
        part_size=part_size,
        checksum=checksum,
        checksums=tuple(part.digest() for part in parts),
    )
    found.require_unchanged()
    return found


def _block_lengths(size: int, part_size: int) -> Iterator[int]:
    """Yield the lengths of the blocks of all parts in order; an empty file is one empty block."""
    for start in range(0, size or 1, part_size):
        end = min(start + part_size, size)
        for at in range(start, end or 1, DIGEST_BLOCK):
            yield min(DIGEST_BLOCK, end - at)


def _update_and_read(part: _Hash, block: bytes, file: BinaryIO, amount: int) -> bytes:
    part.update(block)
    return file.read(amount)


def raise_if_set(cancel: Cancel | None) -> None:
    """Raise CancelledError when `cancel` is set."""
    if cancel is not None and cancel.is_set():
        raise CancelledError("Stopped on request.", hint="Run it again to go on from here.")


class Stopped(BaseException):
    """Leaves a request from inside its body. No `Exception`: botocore would wrap that and send the request again."""


class Meter:
    """Counts the bytes that all threads have sent, reports them about once a MiB, and keeps to a rate in bytes/s."""

    def __init__(self, total: int, listener: Listener, *, rate: int = 0, cancel: Cancel | None = None) -> None:
        self._total, self._listener, self._rate, self._cancel = total, listener, rate, cancel
        self._lock = threading.Lock()
        self._done = 0
        self._reported = -PROGRESS_STEP
        self._free_at = time.monotonic()
        self.stopped = threading.Event()

    def restarted(self) -> Meter:
        """Return a meter for the same bytes that starts from nothing."""
        return Meter(self._total, self._listener, rate=self._rate, cancel=self._cancel)

    def add(self, count: int) -> None:
        """Count `count` bytes as sent (negative: they have to be sent again)."""
        with self._lock:
            self._done += count
            if abs(self._done - self._reported) >= PROGRESS_STEP or self._done >= self._total:
                self._reported = self._done
                self._listener(Progress(stage=Stage.UPLOAD, done=self._done, total=self._total, unit="B"))

    def take(self, count: int) -> None:
        """Wait until `count` more bytes may be sent. Raises Stopped."""
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
    """The bytes of a part as a request body: seekable for retries, counted and throttled while it is read."""

    def __init__(self, data: memoryview, meter: Meter) -> None:
        super().__init__()
        self._data, self._meter = data, meter
        self._at = self._counted = 0

    def __len__(self) -> int:
        return len(self._data)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def read(self, amount: int | None = -1, /) -> bytes:
        """Return the next bytes of the part without copying them; each counts as sent."""
        left = len(self._data) - self._at
        # http.client sends whatever it gets, also more than it asked for.
        count = left if amount is None or amount < 0 else min(max(amount, SEND_BLOCK), left)
        if count:
            self._meter.take(count)
        block = self._data[self._at : self._at + count]
        self._at += count
        if self._at > self._counted:
            self._meter.add(self._at - self._counted)
            self._counted = self._at
        return block  # type: ignore[return-value]

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move inside the part; bytes before a move back count as not sent.

        Args:
            offset: bytes.
            whence: as for `io.IOBase.seek`.
        """
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        target = max(0, min(len(self._data), base + offset))
        if target < self._counted:
            self._meter.add(target - self._counted)
            self._counted = target
        self._at = target
        return target

    def tell(self) -> int:
        """Return the place inside the part."""
        return self._at
