"""What the store still holds of ours, and whether it can do what a run needs of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from preflight.errors import PreflightError
from preflight.settings import Settings
from preflight.storage.presign import presign, try_fetch
from preflight.storage.s3_errors import code_of, translated
from preflight.storage.store import Store, open_store

_NO_RULES = {"NoSuchLifecycleConfiguration"}
_PROBE = b"preflight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """A multipart upload under our prefix that was begun and not completed; its parts cost storage."""

    bucket: str
    key: str
    upload_id: str
    begun: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCheck:
    """One thing that `doctor` tried: `mend` is the next step when it is not `ok`, or advice when it is."""

    name: str
    ok: bool
    detail: str
    mend: str | None = None


def incomplete(settings: Settings) -> tuple[Incomplete, ...]:
    """Return the begun uploads under our prefix, oldest first. Raises StoreError."""
    with open_store(settings) as store:
        return _incomplete(store)


def _incomplete(store: Store) -> tuple[Incomplete, ...]:
    with translated(store.settings, "Listing begun uploads"):
        pages = store.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=store.bucket, Prefix=store.settings.prefix
        )
        found = [
            Incomplete(bucket=store.bucket, key=u["Key"], upload_id=u["UploadId"], begun=u["Initiated"])
            for page in pages
            for u in page.get("Uploads", [])
        ]
    return tuple(sorted(found, key=lambda upload: upload.begun))


def abort(settings: Settings, upload: Incomplete) -> None:
    """Give up a begun upload and free its parts; one that is gone already is fine. Raises StoreError.

    Args:
        settings: bucket and credentials.
        upload: the begun upload.
    """
    with open_store(settings) as store, translated(settings, f"Aborting the upload of {upload.key}"):
        try:
            store.client.abort_multipart_upload(Bucket=store.bucket, Key=upload.key, UploadId=upload.upload_id)
        except store.client.exceptions.NoSuchUpload:
            return


def make_bucket(settings: Settings) -> None:
    """Create the bucket; one that is ours already is fine. Raises StoreError."""
    with open_store(settings) as store, translated(settings, f"Making the bucket {settings.bucket}"):
        try:
            store.client.create_bucket(Bucket=store.bucket)
        except store.client.exceptions.BucketAlreadyOwnedByYou:
            return


def delete(settings: Settings, key: str) -> None:
    """Delete an uploaded object after its job; a missing one is fine. Raises StoreError.

    Args:
        settings: bucket and credentials.
        key: the object's key.
    """
    with open_store(settings) as store:
        store.delete(key)


def doctor(settings: Settings) -> list[StoreCheck]:
    """Write, read, presign and delete a small object, look at begun uploads and lifecycle rules; say what to mend."""
    try:
        with open_store(settings) as store:
            return _tour(store)
    except PreflightError as error:
        return [StoreCheck(name="store", ok=False, detail=error.message, mend=error.hint)]


def _tour(store: Store) -> list[StoreCheck]:
    key = f"{store.settings.prefix}doctor-{secrets.token_hex(8)}.txt"
    where = f"{store.profile.title}, bucket {store.bucket}, region {store.region}"
    checks = [_tried("bucket write", lambda: _write(store, key, where))]
    if checks[0].ok:
        checks.append(_tried("bucket read", lambda: _read(store, key)))
        checks.append(_tried("presigned URL", lambda: _sign(store, key)))
        checks.append(_tried("bucket delete", lambda: _delete(store, key)))
        checks.append(_tried("begun uploads", lambda: _begun(store)))
        checks.append(_lifecycle(store))
    return checks


def _tried(name: str, action: Callable[[], tuple[str, str | None]]) -> StoreCheck:
    try:
        detail, advice = action()
    except PreflightError as error:
        return StoreCheck(name=name, ok=False, detail=error.message, mend=error.hint)
    return StoreCheck(name=name, ok=True, detail=detail, mend=advice)


def _write(store: Store, key: str, where: str) -> tuple[str, str | None]:
    with translated(store.settings, "Writing a test object"):
        store.client.put_object(Bucket=store.bucket, Key=key, Body=_PROBE, **store.put_options())
    return where, None


def _read(store: Store, key: str) -> tuple[str, str | None]:
    with translated(store.settings, "Reading the test object"):
        reply = store.client.get_object(Bucket=store.bucket, Key=key)
        with reply["Body"] as body:
            same = body.read() == _PROBE
    return ("as written" if same else "OTHER BYTES than were written"), None


def _sign(store: Store, key: str) -> tuple[str, str | None]:
    url, expires = presign(store, key, life=300)
    try_fetch(store, url, size=len(_PROBE))
    return f"fetched one byte of {url}", None if expires else "The public URL never expires; delete uploads after jobs."


def _delete(store: Store, key: str) -> tuple[str, str | None]:
    store.delete(key)
    return "allowed", None


def _begun(store: Store) -> tuple[str, str | None]:
    count = len(_incomplete(store))
    return f"{count} not completed", "`preflight uploads --abort` frees their storage." if count else None


def _lifecycle(store: Store) -> StoreCheck:
    """Advise a rule that clears forgotten parts; not being allowed to look is no fault."""
    from botocore.exceptions import BotoCoreError, ClientError

    advice = (
        f"Add a lifecycle rule for the prefix {store.settings.prefix!r}: abort incomplete multipart uploads after "
        "1 day, expire objects after 7."
    )
    try:
        rules = store.client.get_bucket_lifecycle_configuration(Bucket=store.bucket).get("Rules", [])
    except (ClientError, BotoCoreError) as error:
        detail = "no rules" if code_of(error) in _NO_RULES else "can't be read"
        return StoreCheck(name="lifecycle", ok=True, detail=detail, mend=advice)
    clears = any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    return StoreCheck(name="lifecycle", ok=True, detail=f"{len(rules)} rules", mend=None if clears else advice)
