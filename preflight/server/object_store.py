"""The objects of the embedded S3 server: bytes in a private folder, names and checksums in memory."""

from __future__ import annotations

import base64
import hashlib
import secrets
import shutil
import threading
import zlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.errors import ToolError
from preflight.server.home_folder import make_private, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

_COPY_BLOCK = 1 << 20
"""Bytes copied at once when the parts of an upload are joined."""


class ObjectStoreError(Exception):
    """A request that S3 refuses. `code` and `status` are the documented error code and its HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBytes:
    """A file of received bytes: its size in bytes, its MD5 and its CRC-32 (4 bytes, big-endian)."""

    path: Path
    size: int
    md5: bytes
    crc32: bytes
    written: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a client says of an object beside its bytes. `crc32` is true when it sends CRC-32 checksums."""

    key: str
    content_type: str
    metadata: Mapping[str, str]
    crc32: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object: `etag` without quotes, `crc32` in base64 as S3 gives it, None when the client sent none."""

    description: Description
    content: StoredBytes
    etag: str
    crc32: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunUpload:
    """A multipart upload that is not completed. `parts` maps part numbers to received bytes."""

    upload_id: str
    description: Description
    begun: datetime
    parts: dict[int, StoredBytes] = field(default_factory=dict)


class BodyWriter:
    """Writes a request's body to a new file and computes its checksums meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb", buffering=0)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._crc32 = 0
        self._size = 0

    def write(self, block: bytes, *, sha256: bool) -> None:
        """Append `block`; `sha256` says whether the SHA-256 is needed in the end."""
        self._file.write(block)
        self._md5.update(block)
        self._crc32 = zlib.crc32(block, self._crc32)
        self._size += len(block)
        if sha256:
            self._sha256.update(block)

    def finish(self, expected: ExpectedBody) -> StoredBytes:
        """Close the file and return what was received. Raises ObjectStoreError when it is not what was `expected`."""
        self._file.close()
        crc32 = self._crc32.to_bytes(4, "big")
        if self._size != expected.size:
            raise ObjectStoreError(400, "IncompleteBody", "The body is shorter or longer than Content-Length.")
        if expected.sha256 is not None and expected.sha256 != self._sha256.hexdigest():
            raise ObjectStoreError(400, "XAmzContentSHA256Mismatch", "The SHA-256 of the body is another one.")
        if expected.md5 not in {None, to_base64(self._md5.digest())} or expected.crc32 not in {None, to_base64(crc32)}:
            raise ObjectStoreError(400, "BadDigest", "The checksum of the body is another one.")
        return StoredBytes(
            path=self._path, size=self._size, md5=self._md5.digest(), crc32=crc32, written=datetime.now(UTC)
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedBody:
    """What a request's headers say of its body: size in bytes, MD5 and CRC-32 in base64, SHA-256 in hex."""

    size: int
    md5: str | None
    crc32: str | None
    sha256: str | None


class ObjectStore:
    """One bucket whose bytes lie in `folder` until `close`. Safe to use from several threads.

    Files of stores that were killed are removed when a store is opened.
    """

    def __init__(self, folder: Path) -> None:
        """Open an empty store below `folder`. Raises ToolError when the folder can't be used."""
        self._mutex = threading.Lock()
        self._objects: dict[str, StoredObject] = {}
        self._uploads: dict[str, BegunUpload] = {}
        try:
            make_private(folder)
            _remove_orphans(folder)
            self._folder = folder / secrets.token_hex(8)
            make_private(self._folder)
            lock = try_lock(self._folder / _LOCK)
        except OSError as error:
            raise ToolError(
                f"The local store can't keep its objects in {folder}: {error}.",
                hint="Make room or mend the folder's permissions.",
            ) from error
        assert lock is not None  # noqa: S101 - no other process knows the name
        self._lock = lock

    def close(self) -> None:
        """Remove every object."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()

    @contextmanager
    def receive(self) -> Iterator[BodyWriter]:
        """Yield a writer to a new file, which is removed when the block raises."""
        path = self._folder / secrets.token_hex(16)
        writer = BodyWriter(path)
        try:
            yield writer
        except BaseException:
            writer.close()
            path.unlink(missing_ok=True)
            raise

    def put(self, description: Description, content: StoredBytes) -> StoredObject:
        """Store received bytes as an object and return it; an object of the same key is replaced.

        Args:
            description: key, type and checksums that the client stated.
            content: the received bytes.
        """
        crc32 = to_base64(content.crc32) if description.crc32 else None
        return self._place(StoredObject(description=description, content=content, etag=content.md5.hex(), crc32=crc32))

    def get(self, key: str) -> StoredObject:
        """Return an object. Raises ObjectStoreError when there is none."""
        with self._mutex:
            found = self._objects.get(key)
        if found is None:
            raise ObjectStoreError(404, "NoSuchKey", "There is no such object.")
        return found

    def delete(self, key: str) -> None:
        """Delete an object; a missing one is no error."""
        with self._mutex:
            _unlink([found.content] if (found := self._objects.pop(key, None)) else [])

    def begin(self, description: Description) -> BegunUpload:
        """Begin a multipart upload."""
        upload = BegunUpload(upload_id=secrets.token_hex(16), description=description, begun=datetime.now(UTC))
        with self._mutex:
            self._uploads[upload.upload_id] = upload
        return upload

    def put_part(self, key: str, upload_id: str, number: int, content: StoredBytes) -> BegunUpload:
        """Add a part to a begun upload; a part of the same number is replaced. Raises ObjectStoreError.

        Args:
            key: the object's key.
            upload_id: of the begun upload.
            number: of the part, from 1.
            content: the received bytes.
        """
        with self._mutex:
            upload = self._upload(key, upload_id)
            _unlink([old] if (old := upload.parts.get(number)) else [])
            upload.parts[number] = content
        return upload

    def parts(self, key: str, upload_id: str) -> list[tuple[int, StoredBytes]]:
        """Return the parts of a begun upload by number. Raises ObjectStoreError.

        Args:
            key: the object's key.
            upload_id: of the begun upload.
        """
        with self._mutex:
            return sorted(self._upload(key, upload_id).parts.items())

    def begun(self, prefix: str) -> list[BegunUpload]:
        """Return the begun uploads whose keys start with `prefix`, ordered by key and time."""
        with self._mutex:
            found = [one for one in self._uploads.values() if one.description.key.startswith(prefix)]
        return sorted(found, key=lambda upload: (upload.description.key, upload.begun))

    def abort(self, key: str, upload_id: str) -> None:
        """Give up a begun upload and free its parts. Raises ObjectStoreError.

        Args:
            key: the object's key.
            upload_id: of the begun upload.
        """
        with self._mutex:
            upload = self._upload(key, upload_id)
            del self._uploads[upload_id]
            _unlink(upload.parts.values())

    def complete(self, key: str, upload_id: str, listed: list[tuple[int, str]]) -> StoredObject:
        """Join the parts of an upload into an object and return it.

        Args:
            key: the object's key.
            upload_id: the begun upload.
            listed: part numbers, in order, and their ETags without quotes, as the client knows them.

        Raises:
            ObjectStoreError: NoSuchUpload, InvalidPart, InvalidPartOrder.
        """
        with self._mutex:
            upload = self._upload(key, upload_id)
            parts = _listed_parts(upload, listed)
            del self._uploads[upload_id]
        try:
            with self.receive() as writer:
                for part in parts:
                    with part.path.open("rb") as file:
                        while block := file.read(_COPY_BLOCK):
                            writer.write(block, sha256=False)
                size = sum(part.size for part in parts)
                content = writer.finish(ExpectedBody(size=size, md5=None, crc32=None, sha256=None))
        except OSError:
            # For example a full disk: the client may complete the upload again.
            with self._mutex:
                self._uploads[upload_id] = upload
            raise
        _unlink(upload.parts.values())
        md5 = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False).hexdigest()
        crc32 = zlib.crc32(b"".join(part.crc32 for part in parts)).to_bytes(4, "big")
        return self._place(
            StoredObject(
                description=upload.description,
                content=content,
                etag=f"{md5}-{len(parts)}",
                crc32=f"{to_base64(crc32)}-{len(parts)}" if upload.description.crc32 else None,
            )
        )

    def _place(self, new: StoredObject) -> StoredObject:
        key = new.description.key
        with self._mutex:
            old = self._objects.get(key)
            self._objects[key] = new
            _unlink([old.content] if old else [])
        return new

    def _upload(self, key: str, upload_id: str) -> BegunUpload:
        found = self._uploads.get(upload_id)
        if found is None or found.description.key != key:
            raise ObjectStoreError(404, "NoSuchUpload", "There is no such upload.")
        return found


_LOCK = "lock"


def to_base64(digest: bytes) -> str:
    """Return a digest as S3 headers write it."""
    return base64.b64encode(digest).decode()


def _listed_parts(upload: BegunUpload, listed: list[tuple[int, str]]) -> list[StoredBytes]:
    numbers = [number for number, _ in listed]
    if not numbers or numbers != sorted(set(numbers)):
        raise ObjectStoreError(400, "InvalidPartOrder", "The parts are not in ascending order.")
    parts = [upload.parts.get(number) for number in numbers]
    found = [part for part, (_, etag) in zip(parts, listed, strict=True) if part and part.md5.hex() == etag]
    if len(found) != len(listed):
        raise ObjectStoreError(400, "InvalidPart", "A part is missing or has another ETag.")
    return found


def _unlink(contents: Iterable[StoredBytes]) -> None:
    for content in contents:
        content.path.unlink(missing_ok=True)


def _remove_orphans(folder: Path) -> None:
    """Remove the folders of stores whose process is gone: nobody holds their lock."""
    for path in folder.iterdir():
        with ExitStack() as stack:
            try:
                lock = try_lock(path / _LOCK)
            except OSError:
                # Just being made, or just being removed by another process.
                continue
            if lock is not None:
                stack.enter_context(lock)
                shutil.rmtree(path, ignore_errors=True)
