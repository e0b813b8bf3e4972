"""What the store's and botocore's errors mean, and the next step for each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from preflight.errors import ChecksumError, PreflightError, StoreAccessError, StoreError
from preflight.settings import Settings

_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or s3_key and s3_secret), or log in with the AWS CLI."
CLOCK = "Set the clock (let NTP do it) and run it again; what was sent so far is kept."
_NAME = "Set PREFLIGHT_BUCKET to 3 to 63 lower-case letters, digits, dots and hyphens."
_REGION = "Set PREFLIGHT_S3_REGION to the bucket's region."
_ACCESS = {
    "NoSuchBucket": ("does not exist", "Create it, or name another with PREFLIGHT_BUCKET."),
    "InvalidBucketName": ("has a name that the store does not allow", "Name another with PREFLIGHT_BUCKET."),
    "AccessDenied": (
        "is forbidden to these credentials",
        "Allow s3:PutObject, s3:GetObject and s3:AbortMultipartUpload on it.",
    ),
    "InvalidAccessKeyId": ("can't be used: the store does not know the access key", _KEYS),
    "SignatureDoesNotMatch": ("can't be used: the secret of the access key is wrong", _KEYS),
    "ExpiredToken": ("can't be used: the credentials have expired", "Log in again."),
    "InvalidToken": ("can't be used: the session token is not valid", "Log in again."),
    "RequestTimeTooSkewed": ("can't be used: this machine's clock is wrong", CLOCK),
    "PermanentRedirect": ("is in another region", _REGION),
    "AuthorizationHeaderMalformed": ("is in another region", _REGION),
    "IllegalLocationConstraintException": ("is in another region", _REGION),
}
_SYNONYMS = {"403": "AccessDenied", "Forbidden": "AccessDenied", "401": "AccessDenied", "301": "PermanentRedirect"}
_UNSIGNED = {"RequestTimeTooSkewed", "AccessDenied", "SignatureDoesNotMatch"}
"""What stores answer when the time in a signature is not theirs."""
_SKEW = 300.0
"""Seconds that are a wrong clock: stores allow 15 minutes (Amazon S3, "RequestTimeTooSkewed"), some only 5."""
_DIGEST = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_REDIRECTED = 301
"""HTTP status of a request to the wrong region (Amazon S3, "PermanentRedirect")."""


def clock_skew(date: str | None) -> str | None:
    """Return how far this machine's clock is off a reply's `Date` header, or None.

    As in "20 min ahead of".
    """
    try:
        server = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    off = time.time() - server.timestamp()
    if abs(off) < _SKEW:
        return None
    return f"{round(abs(off) / 60)} min {'ahead of' if off > 0 else 'behind'}"


@contextmanager
def translated(settings: Settings, action: str) -> Iterator[None]:
    """Turn what botocore raises inside the block into a StoreError that names `action`, the bucket and the mend.

    Args:
        settings: whose bucket and endpoint the error names.
        action: what was done, such as `Sending a part`.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise _meaning(error, settings, action) from error
    except ResponseParserError as error:
        # No BotoCoreError: something between us and the store answered in its place.
        raise unintelligible(action) from error


def unintelligible(action: str) -> StoreError:
    """Return the error for an answer that no store gives."""
    return StoreError(
        f"{action}: the answer was not a store's.", hint="Try again; a proxy or a login page may be in the way."
    )


def demand(reply: Mapping[str, Any], name: str, action: str) -> Any:
    """Return what a store's reply has to hold under `name`. Raises StoreError when it does not.

    Args:
        reply: the store's reply.
        name: a key of it.
        action: what was done, for the error.
    """
    if name not in reply:
        raise unintelligible(action)
    return reply[name]


def code_of(error: BaseException | None) -> str:
    """Return the store's error code behind `error` ('' when the store did not answer)."""
    response: Any = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _meaning(error: Exception, settings: Settings, action: str) -> PreflightError:
    code = code_of(error)
    return _answered(error, code, settings, action) if code else _unanswered(error, settings, action)


def _answered(error: Exception, code: str, settings: Settings, action: str) -> PreflightError:
    response: Any = getattr(error, "response", {})
    metadata = response.get("ResponseMetadata", {})
    request_id, status = metadata.get("RequestId"), metadata.get("HTTPStatusCode", 0)
    known = _SYNONYMS.get(code, "PermanentRedirect" if status == _REDIRECTED else code)
    if known in _ACCESS:
        what, hint = _ACCESS[known]
        if known in _UNSIGNED and (skew := clock_skew(metadata.get("HTTPHeaders", {}).get("date"))):
            what, hint = f"can't be used: this machine's clock is {skew} the store's", CLOCK
        where = settings.s3_endpoint or "Amazon S3"
        return StoreAccessError(
            f"{action}: bucket {settings.bucket!r} at {where} {what}.", hint=hint, code=code, request_id=request_id
        )
    message = f"{action}: the store answered {code} ({response.get('Error', {}).get('Message', '')})."
    if code in _DIGEST:
        return ChecksumError(message, hint="Run it again: the bytes were spoiled on the way.", code=code)
    return StoreError(
        message,
        hint="Try again; `preflight doctor` tests the store." if status >= 500 else "Run `preflight doctor`.",
        code=code,
        request_id=request_id,
        retryable=status >= 500 or status == 429,
    )


def _unanswered(error: Exception, settings: Settings, action: str) -> PreflightError:
    from botocore import exceptions as boto

    missing = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)
    tokens = (boto.TokenRetrievalError, boto.SSOError, boto.ProfileNotFound)
    if isinstance(error, (*missing, *tokens)):
        return StoreAccessError(f"{action}: no usable credentials for the store ({error}).", hint=_KEYS)
    if isinstance(error, boto.ParamValidationError) and "bucket name" in str(error):
        return StoreAccessError(f"{settings.bucket!r} can't be the name of a bucket.", hint=_NAME)
    if isinstance(error, (boto.ParamValidationError, boto.InvalidRegionError)):
        return StoreAccessError(f"{action}: {error}", hint="Mend the bucket, region or endpoint setting.")
    where = settings.s3_endpoint or "Amazon S3"
    if isinstance(error, boto.SSLError):
        return StoreError(
            f"{action}: the certificate of {where} was not accepted.",
            hint="Set PREFLIGHT_CA_BUNDLE to the CA that signed it.",
            retryable=False,
        )
    return StoreError(
        f"{action}: {where} can't be reached ({_cause(error)}).", hint="Check the endpoint and the network."
    )


def _cause(error: BaseException) -> str:
    """Return the operating system's word for what went wrong, which botocore wraps in a URL as long as a line."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, OSError) and behind.strerror:
            return behind.strerror
        behind = behind.__cause__ or behind.__context__
    return str(error)
