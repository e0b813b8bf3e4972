"""Which requests the embedded store answers: those signed with its own key (AWS Signature Version 4). Pure.

Source: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API Reference, for headers and for
presigned URLs.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

CLOCK_WINDOW = 900.0
"""Seconds by which the time of a signature may differ from now. Amazon S3: 15 minutes."""

LONGEST_LIFE = 604_800
"""Longest life of a presigned URL in seconds. Amazon S3: 7 days."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_HEADER = re.compile(rf"{_ALGORITHM} Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{{64}})")


class NotSignedError(Exception):
    """The request is not to be answered; `code` is S3's name of the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What a signature covers. `path` and `query` are as they were sent; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What a request says about its signature."""

    credential: str
    signed_headers: str
    signature: str
    time: str
    payload: str


def require_signature(request: SignedRequest, *, key: str, secret: str, now: float) -> None:
    """Return when a request was signed with `key` and `secret`, and is not too old at `now` (seconds, epoch).

    Raises NotSignedError.
    """
    query = parse_qsl(request.query, keep_blank_values=True)
    claim = _presigned(dict(query), now) if "X-Amz-Signature" in dict(query) else _in_header(request.headers, now)
    parts = claim.credential.split("/")
    if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"] or parts[1] != claim.time[:8]:
        raise NotSignedError("AuthorizationHeaderMalformed")
    if not hmac.compare_digest(parts[0].encode(), key.encode()):
        raise NotSignedError("InvalidAccessKeyId")
    names = claim.signed_headers.split(";")
    # A header that changes what is done has to be covered, or a presigned URL would allow more than was meant.
    uncovered = {name for name in request.headers if name.startswith("x-amz-")} - set(names)
    if "host" not in names or uncovered:
        raise NotSignedError("AccessDenied")
    canonical = "\n".join(
        (
            request.method,
            request.path,
            _canonical_query(query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            claim.signed_headers,
            claim.payload,
        )
    )
    scope = "/".join(parts[1:])
    text = "\n".join((_ALGORITHM, claim.time, scope, hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()))
    expected = hmac.new(_signing_key(secret, parts[1:]), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claim.signature):
        raise NotSignedError("SignatureDoesNotMatch")


def _presigned(query: Mapping[str, str], now: float) -> _Claim:
    if query.get("X-Amz-Algorithm") != _ALGORITHM:
        raise NotSignedError("AuthorizationQueryParametersError")
    signed, life = _seconds(query.get("X-Amz-Date", "")), query.get("X-Amz-Expires", "")
    if not re.fullmatch(r"\d{1,6}", life, re.ASCII) or not 0 < int(life) <= LONGEST_LIFE:
        raise NotSignedError("AuthorizationQueryParametersError")
    if not signed - CLOCK_WINDOW <= now < signed + int(life):
        raise NotSignedError("AccessDenied")
    return _Claim(
        credential=query.get("X-Amz-Credential", ""),
        signed_headers=query.get("X-Amz-SignedHeaders", ""),
        signature=query["X-Amz-Signature"],
        time=query.get("X-Amz-Date", ""),
        payload=_UNSIGNED,
    )


def _in_header(headers: Mapping[str, str], now: float) -> _Claim:
    match = _HEADER.fullmatch(headers.get("authorization", "").strip())
    if match is None:
        raise NotSignedError("AccessDenied")
    time = headers.get("x-amz-date", "")
    if abs(_seconds(time) - now) > CLOCK_WINDOW:
        raise NotSignedError("RequestTimeTooSkewed")
    return _Claim(
        credential=match[1],
        signed_headers=match[2],
        signature=match[3],
        time=time,
        payload=headers.get("x-amz-content-sha256", _UNSIGNED),
    )


def _seconds(time: str) -> float:
    """Return the epoch seconds of `20260102T030405Z`. Raises NotSignedError."""
    try:
        return datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise NotSignedError("AccessDenied") from None


def _canonical_query(query: list[tuple[str, str]]) -> str:
    encoded = ((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded) if name != "X-Amz-Signature")


def _signing_key(secret: str, scope: list[str]) -> bytes:
    derived = f"AWS4{secret}".encode()
    for part in scope:
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    return derived
