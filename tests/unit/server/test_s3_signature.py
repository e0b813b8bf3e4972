"""The store's signature check accepts what botocore signs, and nothing that differs from it."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from preflight.server.s3_signature import (
    CLOCK_WINDOW,
    MAX_EXPIRES,
    AccessKey,
    SignatureError,
    SignedRequest,
    verify,
)
from preflight.settings import Secret

KEY, SECRET, HOST = "local", "hush", "127.0.0.1:9000"


def signed(
    method: str = "PUT", target: str = "/b/clip.mp4", secret: str = SECRET, key: str = KEY, **headers: str
) -> SignedRequest:
    """Sign with botocore, now, in the headers."""
    request = AWSRequest(method=method, url=f"http://{HOST}{target}", headers=headers, data=b"video")
    S3SigV4Auth(Credentials(key, secret), "s3", "us-east-1").add_auth(request)
    return as_sent(request, target)


def presigned(life: int = 60, target: str = "/b/clip.mp4") -> SignedRequest:
    request = AWSRequest(method="GET", url=f"http://{HOST}{target}")
    S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", "us-east-1", expires=life).add_auth(request)
    return as_sent(request, request.url.removeprefix(f"http://{HOST}"))


def as_sent(request: AWSRequest, target: str) -> SignedRequest:
    headers = {"host": HOST} | {name.lower(): str(value) for name, value in request.headers.items()}
    parts = urlsplit(target)
    return SignedRequest(method=request.method, path=parts.path, query=parts.query, headers=headers)


def check(request: SignedRequest, later: float = 0.0) -> None:
    key = AccessKey(name=KEY, secret=Secret(SECRET), region="us-east-1")
    verify(request, key, now=datetime.now(UTC).timestamp() + later)


@pytest.mark.parametrize(
    "target", ["/b", "/b?uploads", "/b/k%20%C3%A4+x.mp4?partNumber=1&uploadId=a%2Fb", "/b/k?x=&a=1"]
)
def test_signed_request_is_accepted(target: str) -> None:
    check(signed(target=target))


def test_presigned_url_is_accepted() -> None:
    check(presigned())


@given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20))
def test_any_key_can_be_signed(name: str) -> None:
    from urllib.parse import quote

    check(signed(target=f"/b/{quote(name, safe='')}"))


def altered(request: SignedRequest, **changes: object) -> SignedRequest:
    values = {name: getattr(request, name) for name in ("method", "path", "query", "headers")}
    return SignedRequest(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [{"method": "DELETE"}, {"path": "/b/other.mp4"}, {"query": "delete"}, {"headers": {}}],
    ids=["method", "path", "query", "headers"],
)
def test_changed_request_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SignatureError):
        check(altered(signed(), **changes))


def test_other_host_and_unsigned_header_are_refused() -> None:
    request = signed()
    for more in ({"host": "evil.example"}, {"x-amz-copy-source": "/b/secret"}):
        with pytest.raises(SignatureError):
            check(altered(request, headers={**request.headers, **more}))


@pytest.mark.parametrize("how", [{"secret": "guess"}, {"key": "other"}])
def test_other_key_is_refused(how: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        check(signed(**how))


def test_old_signature_is_refused() -> None:
    request = signed()
    for later in (CLOCK_WINDOW - 10, 10 - CLOCK_WINDOW):
        check(request, later)
    for later in (CLOCK_WINDOW + 10, -CLOCK_WINDOW - 10):
        with pytest.raises(SignatureError, match="RequestTimeTooSkewed"):
            check(request, later)
    assert CLOCK_WINDOW == 900


def test_presigned_url_expires() -> None:
    request = presigned(life=1000)
    check(request, 990)
    with pytest.raises(SignatureError, match="AccessDenied"):
        check(request, 1001)


def test_presigned_url_lives_seven_days() -> None:
    assert MAX_EXPIRES == 7 * 24 * 3600
    check(presigned(life=MAX_EXPIRES))
    with pytest.raises(SignatureError, match="AuthorizationQueryParametersError"):
        check(presigned(life=MAX_EXPIRES + 1))


@given(
    st.dictionaries(st.sampled_from(["authorization", "x-amz-date", "host"]), st.text(max_size=80)),
    st.text(max_size=80),
)
def test_any_nonsense_is_refused(headers: dict[str, str], query: str) -> None:
    with pytest.raises(SignatureError):
        check(SignedRequest(method="GET", path="/b/k", query=query, headers=headers))
