"""Put a file into the store once, whatever happened before, and hand out a URL for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from preflight.errors import InputError, StoreError
from preflight.events import Cancel, Listener, ignore
from preflight.job import PartialUpload, Upload
from preflight.settings import Settings
from preflight.upload.multipart import Errand, Forgetful, UploadCheckpoint, begin, send_parts, send_whole
from preflight.upload.presign import presign, try_fetch
from preflight.upload.profiles import Checksum, part_size_for
from preflight.upload.reading import Meter, fingerprint, identity_of
from preflight.upload.store import Store, open_store


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
    """Send a file and return where it is and a URL that lives `life` seconds, tested with a ranged GET.

    The key is made of the content's SHA-256 and `extension`: what is there already is not sent again. `sha256` (hex)
    spares a reading when it is known. `checkpoint` remembers a multipart upload, so that a later call goes on with it.

    Raises StoreAccessError (bucket, credentials, permission), ChecksumError, StoreError (worth a retry), InputError,
    FileChangedError, UsageError, CancelledError.
    """
    size = identity_of(media_path).size
    if not size:
        raise InputError(f"{media_path} is empty.", hint="There is nothing to send.")
    with open_store(settings) as store:
        if sha256 is not None and _is_there(store, store.key(sha256, extension), sha256, size):
            return sign(store, store.key(sha256, extension), sha256=sha256, size=size, life=life, reused=True)
        part_size = part_size_for(size, store.profile)
        content = fingerprint(
            media_path, part_size=part_size, checksum=store.profile.checksum, listener=listener, cancel=cancel
        )
        key = store.key(content.sha256, extension)
        reused = _is_there(store, key, content.sha256, content.size)
        if not reused:
            meter = Meter(content.size, listener, rate=settings.upload_rate, cancel=cancel)
            _send(Errand(store=store, key=key, content=content, meter=meter, checkpoint=checkpoint or Forgetful()))
        return sign(store, key, sha256=content.sha256, size=content.size, life=life, reused=reused)


def sign(store: Store, key: str, *, sha256: str, size: int, life: float, reused: bool = True) -> Upload:
    """Return the object with a fresh, tested URL. Raises StoreAccessError, StoreError."""
    url, expires = presign(store, key, life=life)
    try_fetch(store, url, size=size)
    return Upload(bucket=store.bucket, key=key, size=size, sha256=sha256, url=url, expires=expires, reused=reused)


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
