import time
from email.utils import formatdate

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from preflight.errors import ChecksumError, PreflightError, StoreAccessError, StoreError
from preflight.settings import Settings
from preflight.storage.s3_errors import clock_skew, translated

SETTINGS = Settings(bucket="videos", s3_endpoint="https://store.example")


def said(error: Exception) -> PreflightError:
    with pytest.raises(PreflightError) as caught, translated(SETTINGS, "Testing"):
        raise error
    return caught.value


def answer(code: str, status: int) -> ClientError:
    metadata = {"HTTPStatusCode": status, "RequestId": "r1", "HTTPHeaders": {}, "RetryAttempts": 0, "HostId": ""}
    return ClientError({"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": metadata}, "PutObject")


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("NoSuchBucket", 404, "does not exist"),
        ("AccessDenied", 403, "forbidden"),
        ("403", 403, "forbidden"),
        ("InvalidAccessKeyId", 403, "access key"),
        ("SignatureDoesNotMatch", 403, "secret"),
        ("ExpiredToken", 400, "expired"),
        ("RequestTimeTooSkewed", 403, "clock"),
        ("PermanentRedirect", 301, "region"),
        ("301", 301, "region"),
        ("Moved", 301, "region"),
        ("AuthorizationHeaderMalformed", 400, "region"),
    ],
)
def test_a_refusal_names_the_bucket_and_the_mend(code: str, status: int, word: str) -> None:
    error = said(answer(code, status))
    assert isinstance(error, StoreAccessError)
    assert "'videos'" in error.message
    assert word in error.message
    assert error.hint
    assert not error.retryable
    assert error.request_id == "r1"


@pytest.mark.parametrize(("code", "status"), [("InternalError", 500), ("SlowDown", 503), ("TooManyRequests", 429)])
def test_trouble_of_the_store_is_worth_a_retry(code: str, status: int) -> None:
    error = said(answer(code, status))
    assert type(error) is StoreError
    assert error.retryable


def test_an_unknown_refusal_is_not() -> None:
    assert not said(answer("MalformedXML", 400)).retryable


def test_spoiled_bytes_are_a_checksum_error() -> None:
    assert isinstance(said(answer("BadDigest", 400)), ChecksumError)


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (boto.NoCredentialsError(), StoreAccessError, False),
        (boto.ProfileNotFound(profile="p"), StoreAccessError, False),
        (boto.ParamValidationError(report="bad bucket"), StoreAccessError, False),
        (boto.SSLError(endpoint_url="https://store.example", error="self-signed"), StoreError, False),
        (boto.EndpointConnectionError(endpoint_url="https://store.example"), StoreError, True),
        (boto.ReadTimeoutError(endpoint_url="https://store.example"), StoreError, True),
    ],
)
def test_no_answer_says_why(error: Exception, kind: type[StoreError], retryable: bool) -> None:
    found = said(error)
    assert type(found) is kind
    assert found.retryable is retryable
    assert found.hint


@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "AccessDenied", "SignatureDoesNotMatch"])
def test_a_wrong_clock_is_told_by_the_store_s_own(code: str) -> None:
    refused = answer(code, 403)
    refused.response["ResponseMetadata"]["HTTPHeaders"] = {"date": formatdate(time.time() + 3600, usegmt=True)}
    error = said(refused)
    assert "60 min behind the store's" in error.message
    assert "clock" in (error.hint or "")


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_a_date_that_tells_nothing_blames_no_clock(date: str | None) -> None:
    assert clock_skew(date) is None


def test_a_right_clock_is_not_blamed() -> None:
    assert clock_skew(formatdate(time.time() + 60, usegmt=True)) is None
