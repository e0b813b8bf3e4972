"""Videos and results that are objects: listed page by page, read by ranges, written where nothing is yet."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.errors import CancelledError, FileChangedError, InputError, StoreError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.address import S3Address
from preflight.settings import Settings
from preflight.storage.profiles import Checksum
from preflight.storage.s3_errors import code_of, demand, translated
from preflight.storage.store import Store, open_store

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

BLOCK = 1 << 20
"""Bytes that are read from a connection at a time."""

PAGE_SIZE = 1000
"""Objects in one answer to a listing, the most that Amazon S3 gives (ListObjectsV2, "max-keys")."""

_MISSING = {"404", "NoSuchKey", "NotFound"}
_TAKEN = {"412", "PreconditionFailed", "ConditionalRequestConflict", "409"}
"""Answers to a conditional PUT when an object of this name exists, or is being written."""

_UNCONDITIONAL = {"NotImplemented", "501", "InvalidArgument"}
"""Answers of stores that don't know conditional PUT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteObject:
    """An object as a listing or HEAD describes it: size in bytes, ETag with its quotes, our own metadata."""

    address: S3Address
    size: int
    etag: str
    metadata: Mapping[str, str]


@contextmanager
def open_bucket(settings: Settings, bucket: str) -> Iterator[Store]:
    """Open another bucket of the configured store for a block; see `open_store`."""
    with open_store(replace(settings, bucket=bucket)) as store:
        yield store


def list_objects(settings: Settings, pattern: S3Address) -> Iterator[RemoteObject]:
    """Yield the objects that an address means, in the order of their keys, as the store's pages arrive.

    A folder means everything below it. `*` and `?` stand for characters of one name, `**` for folders too. Raises
    StoreError, StoreAccessError.
    """
    prefix = re.split(r"[*?\[]", pattern.key, maxsplit=1)[0]
    is_pattern = prefix != pattern.key
    with open_bucket(settings, pattern.bucket) as store:
        pages = store.client.get_paginator("list_objects_v2").paginate(
            Bucket=store.bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE_SIZE}
        )
        iterator = iter(pages)
        while True:
            with translated(store.settings, f"Listing {pattern}"):
                page: Any = next(iterator, None)
            if page is None:
                return
            for found in page.get("Contents", ()):
                key = found["Key"]
                if key.endswith("/") or (is_pattern and not _expression(pattern.key).fullmatch(key)):
                    continue
                address = S3Address(bucket=pattern.bucket, key=key)
                yield RemoteObject(address=address, size=found["Size"], etag=found.get("ETag", ""), metadata={})


@functools.lru_cache(maxsize=32)
def _expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression for a pattern of keys."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    meaning = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)


def head(settings: Settings, address: S3Address) -> RemoteObject | None:
    """Return what is stored at an address, None when nothing is. Raises StoreError, StoreAccessError."""
    from botocore.exceptions import ClientError

    with open_bucket(settings, address.bucket) as store, translated(store.settings, f"Looking at {address}"):
        try:
            found = store.client.head_object(Bucket=address.bucket, Key=address.key)
        except ClientError as error:
            if code_of(error) in _MISSING:
                return None
            raise
        metadata = {name.lower(): value for name, value in found.get("Metadata", {}).items()}
        size = demand(found, "ContentLength", f"Looking at {address}")
        return RemoteObject(address=address, size=size, etag=found.get("ETag", ""), metadata=metadata)


def require(settings: Settings, address: S3Address) -> RemoteObject:
    """Return what is stored at an address. Raises InputError when nothing is, StoreError, StoreAccessError."""
    found = head(settings, address)
    if found is None:
        raise InputError(f"{address} does not exist.", hint="Check the bucket and the key.")
    return found


def read_range(settings: Settings, found: RemoteObject, start: int, count: int) -> bytes:
    """Return `count` bytes of an object from `start`, fewer at its end. Raises FileChangedError, StoreError."""
    from botocore.exceptions import ClientError

    address, end = found.address, min(found.size, start + count) - 1
    if end < start:
        return b""
    action = f"Reading {address}"
    with open_bucket(settings, address.bucket) as store, translated(store.settings, action):
        try:
            reply = store.client.get_object(
                Bucket=address.bucket, Key=address.key, Range=f"bytes={start}-{end}", IfMatch=found.etag
            )
        except ClientError as error:
            raise _changed(error, address) from error
        data: bytes = reply["Body"].read()
    if len(data) != end + 1 - start:
        raise StoreError(f"{action}: the store sent {len(data)} of {end + 1 - start} bytes.", retryable=True)
    return data


def _changed(error: ClientError, address: S3Address) -> Exception:
    if code_of(error) in {"412", "PreconditionFailed"}:
        return FileChangedError(f"{address} was replaced while it was read.", hint="Run it again.")
    return error


def download(
    settings: Settings,
    found: RemoteObject,
    destination: Path,
    *,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Copy an object to a file, at once or not at all, and return the file. A file that is there is left alone.

    Raises FileChangedError, InputError, StoreError, StoreAccessError, CancelledError.
    """
    from botocore.exceptions import ClientError

    if destination.is_file() and destination.stat().st_size == found.size:
        return destination
    destination.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.part")
    address, action = found.address, f"Reading {found.address}"
    try:
        with (
            open_bucket(settings, address.bucket) as store,
            translated(store.settings, action),
            draft.open("xb") as file,
        ):
            try:
                reply = store.client.get_object(Bucket=address.bucket, Key=address.key, IfMatch=found.etag)
            except ClientError as error:
                raise _changed(error, address) from error
            for block in reply["Body"].iter_chunks(BLOCK):
                if cancel is not None and cancel.is_set():
                    raise CancelledError("Stopped on request.", hint="`preflight resume` continues.")
                file.write(block)
                listener(Progress(stage=Stage.CHECK, done=file.tell(), total=found.size, unit="B"))
        if draft.stat().st_size != found.size:
            raise StoreError(f"{action}: the store sent {draft.stat().st_size} of {found.size} bytes.", retryable=True)
        draft.replace(destination)
    finally:
        draft.unlink(missing_ok=True)
    return destination


def put_new(settings: Settings, file: Path, address: S3Address, *, metadata: Mapping[str, str]) -> bool:
    """Store a file where no object is; return False when there is one, which is left as it is.

    The store decides this itself (`If-None-Match`) where it can; other stores are asked before. Raises StoreError,
    StoreAccessError.
    """
    from botocore.exceptions import ClientError

    action = f"Writing {address}"
    with open_bucket(settings, address.bucket) as store, translated(store.settings, action):
        options: dict[str, Any] = {**store.put_options(), **_checksum(file, store), "Metadata": dict(metadata)}
        conditions: tuple[dict[str, Any] | None, ...] = ({"IfNoneMatch": "*"}, None)
        for condition in conditions:
            if condition is None and head(settings, address) is not None:
                return False
            try:
                with file.open("rb") as body:
                    store.client.put_object(
                        Bucket=address.bucket, Key=address.key, Body=body, **options, **(condition or {})
                    )
            except ClientError as error:
                if condition and code_of(error) in _TAKEN:
                    return False
                if condition and code_of(error) in _UNCONDITIONAL:
                    continue
                raise
            return True
    return False


def _checksum(file: Path, store: Store) -> dict[str, str]:
    """Return the header by which the store proves that it got the file's bytes."""
    md5, crc = hashlib.md5(usedforsecurity=False), 0
    with file.open("rb", buffering=0) as reading:
        while block := reading.read(BLOCK):
            if store.profile.checksum is Checksum.CRC32:
                crc = zlib.crc32(block, crc)
            else:
                md5.update(block)
    if store.profile.checksum is Checksum.CRC32:
        return {"ChecksumCRC32": base64.b64encode(crc.to_bytes(4, "big")).decode()}
    return {"ContentMD5": base64.b64encode(md5.digest()).decode()}
