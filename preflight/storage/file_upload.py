"""Put a file into the store once, whatever happened before, and return a URL for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TypeVar

from preflight.errors import InputError, StoreError
from preflight.events import Cancel, Listener, ignore
from preflight.model.job import PartialUpload, Placed, Upload
from preflight.settings import Settings
from preflight.storage.multipart import NoCheckpoint, Transfer, UploadCheckpoint, begin, send_parts, send_whole
from preflight.storage.presign import presign, try_fetch
from preflight.storage.profiles import Checksum, part_size_for, profile_of
from preflight.storage.source_file import Meter, PartReader, SourceFile, compute_digest, identity_of
from preflight.storage.store import Store, open_store

_log = logging.getLogger(__name__)


_A = TypeVar("_A")
_B = TypeVar("_B")


def digest(path: Path, listener: Listener = ignore, cancel: Cancel | None = None) -> str:
    """Return the SHA-256 of a file in hex. Raises InputError, FileChangedError, CancelledError.

    Args:
        path: the file.
        listener: hears the bytes that were read.
        cancel: ends the read when it is set.
    """
    read = compute_digest(path, part_size=2**63, checksum=Checksum.CRC32, listener=listener, cancel=cancel)
    return read.sha256


def upload(
    media_path: Path,
    *,
    settings: Settings,
    sha256: str | None = None,
    extension: str,
    life: float,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
    checkpoint: UploadCheckpoint | None = None,
) -> Upload:
    """Send a file as `place` does and return where it is and a URL that lives `life` seconds, tested as by `sign`.

    Args:
        media_path: the file.
        settings: bucket, credentials and rate.
        sha256: its digest in hex, where known.
        extension: of the object's key.
        life: seconds that the URL is good for.
        listener: hears the bytes that were sent.
        cancel: ends the upload when it is set.
        checkpoint: records begun uploads, so that a later call resumes them.
    """
    with open_store(settings):
        placed = place(
            media_path,
            settings=settings,
            sha256=sha256,
            extension=extension,
            listener=listener,
            cancel=cancel,
            checkpoint=checkpoint,
        )
        return sign(placed, settings=settings, life=life)


def place(
    media_path: Path,
    *,
    settings: Settings,
    sha256: str | None = None,
    extension: str,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
    checkpoint: UploadCheckpoint | None = None,
) -> Placed:
    """Send a file, unless its content is in the store, and return where it is.

    The key is made of the content's SHA-256 and `extension`. A file whose digest is known is read once.

    Args:
        media_path: the file.
        settings: bucket, endpoint, credentials, rate and the number of parts that are sent at a time.
        sha256: the digest of the content in hex when it is known; the file is compared with it while it is sent.
        extension: the end of the key, without a dot.
        listener: called with each `Progress`, in bytes.
        cancel: stops the upload when it is set.
        checkpoint: where a begun upload is recorded, so that a later call continues it.

    Raises:
        StoreAccessError: bucket, credentials or permission.
        ChecksumError, StoreError: the store failed; `retryable` says whether another try makes sense.
        InputError, FileChangedError: the file can't be read, is empty, or is no longer the one that was announced.
        UsageError: a setting is wrong.
        CancelledError: `cancel` was set.
    """
    identity = identity_of(media_path)
    if not identity.size:
        raise InputError(f"{media_path} is empty.", hint="There is nothing to send.")
    profile, _ = profile_of(settings)
    part_size = part_size_for(identity.size, profile)

    def read() -> SourceFile:
        return compute_digest(
            media_path, part_size=part_size, checksum=profile.checksum, listener=listener, cancel=cancel
        )

    with ExitStack() as stack:
        if sha256 is None:
            source, store = _run_both(read, partial(stack.enter_context, open_store(settings)))
        else:
            store = stack.enter_context(open_store(settings))
            source = SourceFile(
                path=media_path, identity=identity, sha256=sha256, part_size=part_size, checksum=profile.checksum
            )
        key = store.key(source.sha256, extension)
        reused = _is_stored(store, key, source)
        _log.info("%s: %d bytes, %s", key, source.size, "in the store already" if reused else "sending")
        if not reused:
            meter = Meter(source.size, listener, rate=settings.upload_rate, cancel=cancel)
            _send(
                Transfer(
                    store=store,
                    key=key,
                    source=source,
                    reader=PartReader(source),
                    meter=meter,
                    checkpoint=checkpoint or NoCheckpoint(),
                )
            )
        return Placed(bucket=store.bucket, key=key, size=source.size, sha256=source.sha256, reused=reused)


def _run_both(work: Callable[[], _A], other: Callable[[], _B]) -> tuple[_A, _B]:
    """Return the results of both: digests are computed outside the interpreter, and a client opens meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="open-store") as pool:
        opening = pool.submit(other)
        done = work()
        return done, opening.result()


def sign(placed: Placed, *, settings: Settings, life: float) -> Upload:
    """Return the object with a fresh URL that lives `life` seconds, tested with a ranged GET.

    Raises StoreAccessError when the service could not fetch it, StoreError.

    Args:
        placed: the object.
        settings: bucket and credentials.
        life: seconds that the URL is good for.
    """
    with open_store(settings) as store:
        url, expires = presign(store, placed.key, life=life)
        try_fetch(store, url, size=placed.size)
    there = {field.name: getattr(placed, field.name) for field in fields(placed)}
    return Upload(**there, url=url, expires=expires)


def _is_stored(store: Store, key: str, source: SourceFile) -> bool:
    stored = store.head(key)
    return stored is not None and stored.size == source.size and stored.sha256 == source.sha256


def _send(transfer: Transfer) -> None:
    if transfer.source.part_count == 1:
        send_whole(transfer)
        return
    begun = _begun_upload(transfer)
    if begun is not None:
        try:
            send_parts(transfer, begun)
        except StoreError:
            if _begun_upload(transfer) is not None:
                raise
            transfer = transfer.restarted()
        else:
            return
    send_parts(transfer, begin(transfer), fresh=True)


def _begun_upload(transfer: Transfer) -> PartialUpload | None:
    """Return the recorded upload of this very content, cut into the same parts."""
    source, store = transfer.source, transfer.store
    begun = transfer.checkpoint.load_upload(endpoint=store.endpoint, bucket=store.bucket, key=transfer.key)
    fits = begun and (begun.sha256, begun.size, begun.part_size) == (source.sha256, source.size, source.part_size)
    return begun if fits else None
