"""Put a file into the store once, whatever happened before, and hand out a URL for it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from preflight.errors import InputError, StoreError
from preflight.events import Cancel, Listener, ignore
from preflight.model.job import PartialUpload, Placed, Upload
from preflight.settings import Settings
from preflight.storage.multipart import Errand, Forgetful, UploadCheckpoint, begin, send_parts, send_whole
from preflight.storage.presign import presign, try_fetch
from preflight.storage.profiles import Checksum, part_size_for, profile_of
from preflight.storage.source_file import Fingerprint, Meter, fingerprint, identity_of
from preflight.storage.store import Store, open_store


def digest(path: Path, listener: Listener = ignore, cancel: Cancel | None = None) -> str:
    """Return the SHA-256 of a file in hex. Raises InputError, FileChangedError, CancelledError."""
    read = fingerprint(path, part_size=2**63, checksum=Checksum.CRC32, listener=listener, cancel=cancel)
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
    """Send a file as `place` does and return where it is and a URL that lives `life` seconds, tested as by `sign`."""
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
    """Send a file and return where it is.

    The key is made of the content's SHA-256 and `extension`: what is there already is not sent again. `sha256` (hex)
    spares a reading when it is known. `checkpoint` remembers a multipart upload, so that a later call goes on with it.

    Raises StoreAccessError (bucket, credentials, permission), ChecksumError, StoreError (worth a retry), InputError,
    FileChangedError, UsageError, CancelledError.
    """
    size = identity_of(media_path).size
    if not size:
        raise InputError(f"{media_path} is empty.", hint="There is nothing to send.")
    profile, _ = profile_of(settings)

    def read() -> Fingerprint:
        part_size = part_size_for(size, profile)
        return fingerprint(media_path, part_size=part_size, checksum=profile.checksum, listener=listener, cancel=cancel)

    with open_store(settings) as store:
        if sha256 is not None and _is_there(store, key := store.key(sha256, extension), sha256, size):
            return Placed(bucket=store.bucket, key=key, size=size, sha256=sha256, reused=True)
        content = read()
        key = store.key(content.sha256, extension)
        reused = _is_there(store, key, content.sha256, content.size)
        if not reused:
            meter = Meter(content.size, listener, rate=settings.upload_rate, cancel=cancel)
            _send(Errand(store=store, key=key, content=content, meter=meter, checkpoint=checkpoint or Forgetful()))
        return Placed(bucket=store.bucket, key=key, size=content.size, sha256=content.sha256, reused=reused)


def sign(placed: Placed, *, settings: Settings, life: float) -> Upload:
    """Return the object with a fresh URL that lives `life` seconds, tested with a ranged GET.

    Raises StoreAccessError when the service could not fetch it, StoreError.
    """
    with open_store(settings) as store:
        url, expires = presign(store, placed.key, life=life)
        try_fetch(store, url, size=placed.size)
    there = {field.name: getattr(placed, field.name) for field in fields(placed)}
    return Upload(**there, url=url, expires=expires)


def _is_there(store: Store, key: str, sha256: str, size: int) -> bool:
    stored = store.head(key)
    return stored is not None and stored.size == size and stored.sha256 == sha256


def _send(errand: Errand) -> None:
    if len(errand.content.parts) == 1:
        send_whole(errand)
        return
    begun = _known(errand)
    if begun is not None:
        try:
            send_parts(errand, begun)
        except StoreError:
            if _known(errand) is not None:
                raise
            errand = replace(errand, meter=errand.meter.again())
        else:
            return
    send_parts(errand, begin(errand), fresh=True)


def _known(errand: Errand) -> PartialUpload | None:
    """Return the begun upload of this very content, cut into the same parts."""
    content, store = errand.content, errand.store
    begun = errand.checkpoint.load_upload(endpoint=store.endpoint, bucket=store.bucket, key=errand.key)
    fits = begun and (begun.sha256, begun.size, begun.part_size) == (content.sha256, content.size, content.part_size)
    return begun if fits else None
