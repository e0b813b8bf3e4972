"""The URL under which the service fetches the object: signed late, capped, tested before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from preflight.errors import StoreAccessError, StoreError
from preflight.model.job import SecretUrl
from preflight.storage.s3_errors import CLOCK, clock_skew, translated
from preflight.storage.store import Store, is_loopback

MAX_LIFE = 7 * 24 * 3600
"""Seconds; Signature Version 4 allows no more (AWS Signature Version 4, X-Amz-Expires)."""
_MIN_LIFE = 60
"""Shortest life in seconds of a URL: with less left of the credentials, the service could hardly fetch in time."""

_TIMEOUT = (10, 30)
"""Seconds for connecting and for each read of the trial."""


def presign(store: Store, key: str, *, life: float) -> tuple[SecretUrl, datetime | None]:
    """Return a URL for `key` good for `life` seconds, at most 7 days and the credentials' own life, and its end.

    With `settings.public_url` the URL comes from that template and has no end. Raises StoreAccessError.

    Args:
        store: the store.
        key: the object's key.
        life: seconds.
    """
    template = store.settings.public_url
    if template:
        return SecretUrl(template.replace("{key}", quote(key)).replace("{bucket}", store.bucket)), None
    now = datetime.now(UTC)
    seconds = min(max(life, _MIN_LIFE), MAX_LIFE)
    if store.credentials_expire is not None:
        seconds = min(seconds, (store.credentials_expire - now).total_seconds())
    if seconds < _MIN_LIFE:
        raise StoreAccessError(
            "The store's credentials expire within a minute, and a presigned URL expires with them.",
            hint="Log in again, or use credentials that last longer than the job.",
        )
    with translated(store.settings, "Signing the URL"):
        url = store.client.generate_presigned_url(
            "get_object", Params={"Bucket": store.bucket, "Key": key}, ExpiresIn=int(seconds)
        )
    return SecretUrl(url), now + timedelta(seconds=int(seconds))


def try_fetch(store: Store, url: SecretUrl, *, size: int) -> None:
    """Fetch one byte as the service would. Raises StoreAccessError when it is refused, StoreError for the rest.

    Args:
        store: the store.
        url: a presigned URL.
        size: bytes that the object has.
    """
    import requests

    hint = "Run `preflight doctor`; a wrong clock, region or addressing style spoils a signature."
    try:
        with requests.Session() as session:
            session.trust_env = not is_loopback(url.reveal())
            verify = store.settings.ca_bundle or True
            one_byte = {"Range": "bytes=0-0"}
            with session.get(url.reveal(), headers=one_byte, stream=True, timeout=_TIMEOUT, verify=verify) as reply:
                status, length = reply.status_code, _total(reply.headers)
                skew = clock_skew(reply.headers.get("Date"))
    except requests.RequestException as error:
        # Its text holds the URL with the signature.
        raise StoreError(f"{url} can't be fetched ({type(error).__name__}).", hint="Check the endpoint.") from None
    if skew is not None and status in {401, 403}:
        hint = f"This machine's clock is {skew} the store's. {CLOCK}"
    if status in {401, 403, 404}:
        raise StoreAccessError(f"{url} answers HTTP {status}, so the service could not fetch it.", hint=hint)
    if status not in {200, 206} or (length is not None and length != size):
        raise StoreError(f"{url} answers HTTP {status} with {length} bytes, not {size}.", hint=hint)


def _total(headers: Mapping[str, str]) -> int | None:
    """Return the object's size from Content-Range or Content-Length."""
    total = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    return int(total) if total.isdigit() else None
