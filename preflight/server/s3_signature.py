"""Verification of AWS Signature Version 4, in headers and in presigned URLs, for one access key. Pure.

Source: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from preflight.settings import Secret

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

CLOCK_WINDOW = 900.0
"""Seconds that the time of a signature may differ from this machine's clock (Amazon S3, "RequestTimeTooSkewed")."""

MAX_EXPIRES = 604_800
"""Longest life of a presigned URL in seconds (AWS Signature Version 4, "X-Amz-Expires")."""

_TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=([^,\s]{{1,256}}), *SignedHeaders=([a-z0-9;-]{{1,1024}}), *Signature=([0-9a-f]{{64}})"
)


class SignatureError(Exception):
    """A request is not signed as it has to be. `code` is the error code that S3 documents for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """The parts of an HTTP request that a signature covers.

    `path` and `query` are percent-encoded as they were sent, without the question mark. Header names are lower-case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """The one key whose signatures are accepted, and the region that they name."""

    name: str
    secret: Secret
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What a request says of its own signature. `expires` is None for a signature in the headers."""

    credential: str
    signed_headers: str
    signature: str
    time: str
    expires: int | None
    payload: str


def verify(request: SignedRequest, key: AccessKey, *, now: float) -> None:
    """Check that a request is signed with `key` and that its signature is valid now.

    Args:
        request: the request as it was received.
        key: the key that has to have signed it.
        now: this machine's time, seconds since the epoch.

    Raises:
        SignatureError: AccessDenied (unsigned, expired), InvalidAccessKeyId, AuthorizationHeaderMalformed,
            AuthorizationQueryParametersError, RequestTimeTooSkewed or SignatureDoesNotMatch.
    """
    claim = _claim(request)
    name, *scope = claim.credential.split("/")
    if not hmac.compare_digest(name.encode(), key.name.encode()):
        raise SignatureError("InvalidAccessKeyId", "The access key is unknown.")
    if scope != [claim.time[:8], key.region, "s3", "aws4_request"]:
        raise SignatureError("AuthorizationHeaderMalformed", f"The signature is not for S3 in {key.region}.")
    names = claim.signed_headers.split(";")
    _require_signed(request, names)
    signature = _signature(request, claim, key, names, "/".join(scope))
    if not hmac.compare_digest(claim.signature, signature):
        raise SignatureError("SignatureDoesNotMatch", "The signature does not match the request.")
    _require_valid_now(claim, now)


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the decoded names and values of a query string in order; `+` stands for itself, as in SigV4."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _claim(request: SignedRequest) -> _Claim:
    authorization = request.headers.get("authorization")
    pairs = query_pairs(request.query)
    presigned = dict(pairs)
    if (authorization is None) == ("X-Amz-Signature" not in presigned) or len(presigned) != len(pairs):
        raise SignatureError("AccessDenied", "The request has to carry exactly one signature.")
    if authorization is not None:
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise SignatureError("AccessDenied", f"The signature has to be {ALGORITHM}.")
        return _Claim(
            credential=match[1],
            signed_headers=match[2],
            signature=match[3],
            time=request.headers.get("x-amz-date", ""),
            expires=None,
            payload=request.headers.get("x-amz-content-sha256", ""),
        )
    expires = presigned.get("X-Amz-Expires", "")
    if presigned.get("X-Amz-Algorithm") != ALGORITHM or not re.fullmatch(r"[0-9]{1,7}", expires):
        raise SignatureError("AuthorizationQueryParametersError", "The presigned URL is incomplete.")
    return _Claim(
        credential=presigned.get("X-Amz-Credential", ""),
        signed_headers=presigned.get("X-Amz-SignedHeaders", ""),
        signature=presigned["X-Amz-Signature"],
        time=presigned.get("X-Amz-Date", ""),
        expires=int(expires),
        payload=UNSIGNED_PAYLOAD,
    )


def _require_signed(request: SignedRequest, names: list[str]) -> None:
    """Raise SignatureError unless `Host` and every `x-amz-` header are among the signed ones."""
    needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if not needed <= set(names):
        raise SignatureError("AccessDenied", "Host and every x-amz- header have to be signed.")


def _require_valid_now(claim: _Claim, now: float) -> None:
    try:
        signed = datetime.strptime(claim.time, _TIME_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise SignatureError("AccessDenied", "The time of the signature is malformed.") from None
    if claim.expires is None:
        if abs(now - signed) > CLOCK_WINDOW:
            raise SignatureError("RequestTimeTooSkewed", "The time of the signature is too far from the store's.")
    elif not 1 <= claim.expires <= MAX_EXPIRES or signed > now + CLOCK_WINDOW:
        raise SignatureError("AuthorizationQueryParametersError", "The presigned URL lives too long, or not yet.")
    elif now > signed + claim.expires:
        raise SignatureError("AccessDenied", "Request has expired.")


def _signature(request: SignedRequest, claim: _Claim, key: AccessKey, names: list[str], scope: str) -> str:
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names)
    canonical = "\n".join(
        (request.method, request.path, _canonical_query(request.query), headers, claim.signed_headers, claim.payload)
    )
    to_sign = "\n".join((ALGORITHM, claim.time, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    derived = f"AWS4{key.secret!s}".encode()
    for part in (*scope.split("/"), to_sign):
        derived = hmac.digest(derived, part.encode(), "sha256")
    return derived.hex()


def _canonical_query(query: str) -> str:
    encoded = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in query_pairs(query)
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in encoded)
