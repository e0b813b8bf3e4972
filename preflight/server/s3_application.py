"""The embedded S3 server as an ASGI application: the calls that preflight makes, signed with one key, and no other.

Every request is verified before its body is read. There are no CORS headers, no listing of objects, no anonymous
access and no other buckets; any other call is answered with NotImplemented.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from preflight.server.loopback_gate import Receive, Scope, Send
from preflight.server.object_store import (
    Description,
    ExpectedBody,
    ObjectStore,
    ObjectStoreError,
    StoredBytes,
    StoredObject,
    to_base64,
)
from preflight.server.s3_signature import (
    UNSIGNED_PAYLOAD,
    AccessKey,
    SignatureError,
    SignedRequest,
    query_pairs,
    verify,
)

MAX_BODY = 5 << 30
"""Largest body in bytes of a PUT (Amazon S3 user guide, "Uploading objects")."""

MAX_COMPLETE_BODY = 4 << 20
"""Largest list of parts in bytes: 10,000 parts of about 300 bytes each."""

MAX_PART_NUMBER = 10_000
"""Highest part number (Amazon S3 user guide, "Multipart upload limits")."""

READ_BLOCK = 1 << 20
"""Bytes read at once while an object is sent."""

_PRESIGNED_METHODS = ("GET", "HEAD")
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_META = "x-amz-meta-"
_log = logging.getLogger(__name__)


class ObjectResponse(FileResponse):
    """A file, whole or in ranges, read in large blocks."""

    chunk_size = READ_BLOCK


_Operation = Callable[[Request, str, dict[str, str]], Awaitable[Response]]


class S3Application:
    """Answers the calls on one bucket of `store`, for requests signed with `key` and sent to `host`."""

    def __init__(self, store: ObjectStore, *, bucket: str, key: AccessKey, host: str | None) -> None:
        """Serve `store` as `bucket`. `host` is the only Host header that is accepted; None accepts any signed one."""
        self._store = store
        self._bucket = bucket
        self._key = key
        self._host = host
        # The calls, by method, whether a key is named, and the names in the query.
        self._operations: dict[tuple[str, bool, frozenset[str]], _Operation] = {
            ("PUT", False, frozenset()): self._make_bucket,
            ("GET", False, frozenset({"lifecycle"})): self._lifecycle,
            ("GET", False, frozenset({"uploads"})): self._uploads,
            ("PUT", True, frozenset()): self._put,
            ("GET", True, frozenset()): self._get,
            ("HEAD", True, frozenset()): self._get,
            ("DELETE", True, frozenset()): self._delete,
            ("POST", True, frozenset({"uploads"})): self._begin,
            ("PUT", True, frozenset({"partNumber", "uploadId"})): self._put_part,
            ("GET", True, frozenset({"uploadId"})): self._parts,
            ("POST", True, frozenset({"uploadId"})): self._complete,
            ("DELETE", True, frozenset({"uploadId"})): self._abort,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the start and the end of the server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except SignatureError as error:
            response = _error(request, 403, error.code, error.message)
        except ObjectStoreError as error:
            response = _error(request, error.status, error.code, error.message)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001 - S3's answer to whatever goes wrong here
            _log.exception("%s %s", request.method, request.url.path)
            response = _error(request, 500, "InternalError", "The store failed.")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
        headers = _joined(request.scope["headers"])
        if self._host is not None and headers.get("host") != self._host:
            raise ObjectStoreError(403, "AccessDenied", "The Host header is not the store's.")
        signed = SignedRequest(method=request.method, path=path, query=query, headers=headers)
        verify(signed, self._key, now=time.time())
        presigned = "authorization" not in headers
        if presigned and request.method not in _PRESIGNED_METHODS:
            raise ObjectStoreError(403, "AccessDenied", "A presigned URL is for reading only.")
        bucket, _, key = unquote(path).removeprefix("/").partition("/")
        if bucket != self._bucket:
            raise ObjectStoreError(404, "NoSuchBucket", "There is no such bucket.")
        fields = {name: value for name, value in query_pairs(query) if not name.startswith("X-Amz-")}
        shape = (request.method, bool(key), frozenset(fields.keys() - _PAGING))
        operation = self._operations.get(shape)
        if operation is None or "x-amz-copy-source" in headers:
            raise ObjectStoreError(501, "NotImplemented", "The local store does not have this call.")
        return await operation(request, key, fields)

    async def _make_bucket(self, *_: Any) -> Response:
        return Response(status_code=200, headers={"Location": f"/{self._bucket}"})

    async def _lifecycle(self, *_: Any) -> Response:
        raise ObjectStoreError(404, "NoSuchLifecycleConfiguration", "There are no lifecycle rules.")

    async def _put(self, request: Request, key: str, _: dict[str, str]) -> Response:
        description = _description(request, key)
        return _stored(self._store.put(description, await self._received(request)))

    async def _get(self, request: Request, key: str, _: dict[str, str]) -> Response:
        found = self._store.get(key)
        headers = {"ETag": f'"{found.etag}"'}
        headers |= {f"{_META}{name}": value for name, value in found.description.metadata.items()}
        if found.crc32 and request.headers.get("x-amz-checksum-mode") == "ENABLED":
            headers["x-amz-checksum-crc32"] = found.crc32
        return ObjectResponse(found.content.path, headers=headers, media_type=found.description.content_type)

    async def _delete(self, _: Request, key: str, __: dict[str, str]) -> Response:
        self._store.delete(key)
        return Response(status_code=204)

    async def _begin(self, request: Request, key: str, _: dict[str, str]) -> Response:
        upload = self._store.begin(_description(request, key))
        fields = [("Bucket", self._bucket), ("Key", key), ("UploadId", upload.upload_id)]
        return _xml("InitiateMultipartUploadResult", _elements(fields))

    async def _put_part(self, request: Request, key: str, fields: dict[str, str]) -> Response:
        text = fields["partNumber"]
        number = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
        if not 1 <= number <= MAX_PART_NUMBER:
            raise ObjectStoreError(400, "InvalidArgument", f"partNumber is not 1 to {MAX_PART_NUMBER}.")
        # An upload that is gone is told before its part is sent.
        self._store.parts(key, fields["uploadId"])
        content = await self._received(request)
        try:
            upload = self._store.put_part(key, fields["uploadId"], number, content)
        except ObjectStoreError:
            content.path.unlink(missing_ok=True)
            raise
        headers = {"ETag": f'"{content.md5.hex()}"'}
        if upload.description.crc32:
            headers["x-amz-checksum-crc32"] = to_base64(content.crc32)
        return Response(status_code=200, headers=headers)

    async def _parts(self, _: Request, key: str, fields: dict[str, str]) -> Response:
        parts = self._store.parts(key, fields["uploadId"])
        named = [("Bucket", self._bucket), ("Key", key), ("UploadId", fields["uploadId"]), ("IsTruncated", "false")]
        listed = "".join(
            f"<Part>{_elements([('PartNumber', str(number)), *_part_fields(content)])}</Part>"
            for number, content in parts
        )
        return _xml("ListPartsResult", _elements(named) + listed)

    async def _complete(self, request: Request, key: str, fields: dict[str, str]) -> Response:
        body = bytearray()
        async for block in request.stream():
            body += block
            if len(body) > MAX_COMPLETE_BODY:
                raise ObjectStoreError(400, "EntityTooLarge", "The list of parts is too long.")
        listed = _completed_parts(bytes(body))
        found = await run_in_threadpool(self._store.complete, key, fields["uploadId"], listed)
        named = [("Bucket", self._bucket), ("Key", key), ("ETag", f'"{found.etag}"')]
        named += [("ChecksumCRC32", found.crc32)] if found.crc32 else []
        return _xml("CompleteMultipartUploadResult", _elements(named))

    async def _abort(self, _: Request, key: str, fields: dict[str, str]) -> Response:
        self._store.abort(key, fields["uploadId"])
        return Response(status_code=204)

    async def _uploads(self, _: Request, __: str, fields: dict[str, str]) -> Response:
        named = [("Bucket", self._bucket), ("IsTruncated", "false")]
        listed = "".join(
            "<Upload>"
            + _elements(
                [
                    ("Key", upload.description.key),
                    ("UploadId", upload.upload_id),
                    ("Initiated", _timestamp(upload.begun)),
                ]
            )
            + "</Upload>"
            for upload in self._store.begun(fields.get("prefix", ""))
        )
        return _xml("ListMultipartUploadsResult", _elements(named) + listed)

    async def _received(self, request: Request) -> StoredBytes:
        expected = _expected_body(request)
        with self._store.receive() as writer:
            async for block in request.stream():
                writer.write(block, sha256=expected.sha256 is not None)
            return writer.finish(expected)


_PAGING = frozenset({"prefix", "max-parts", "max-uploads", "part-number-marker"})
"""Parameters of the two lists; every list is answered whole, so only `prefix` has an effect."""


async def _lifespan(receive: Receive, send: Send) -> None:
    """Tell the server that nothing has to be started or stopped here."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined by commas, as a signature sees them."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _description(request: Request, key: str) -> Description:
    headers = request.headers
    crc32 = "x-amz-checksum-crc32" in headers or headers.get("x-amz-checksum-algorithm") == "CRC32"
    metadata = {name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)}
    content_type = headers.get("content-type", "application/octet-stream")
    return Description(key=key, content_type=content_type, metadata=metadata, crc32=crc32)


def _expected_body(request: Request) -> ExpectedBody:
    """Return what the headers say of the body. Raises ObjectStoreError for bodies that are not taken."""
    headers = request.headers
    size, sha256 = headers.get("content-length", ""), headers.get("x-amz-content-sha256", "")
    if not re.fullmatch(r"[0-9]{1,12}", size) or int(size) > MAX_BODY:
        raise ObjectStoreError(411, "MissingContentLength", f"Content-Length has to be 0 to {MAX_BODY}.")
    if sha256 != UNSIGNED_PAYLOAD and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ObjectStoreError(501, "NotImplemented", "The local store does not take signed chunks.")
    return ExpectedBody(
        size=int(size),
        md5=headers.get("content-md5"),
        crc32=headers.get("x-amz-checksum-crc32"),
        sha256=None if sha256 == UNSIGNED_PAYLOAD else sha256,
    )


def _completed_parts(body: bytes) -> list[tuple[int, str]]:
    """Return part numbers and ETags from the body of CompleteMultipartUpload. Raises ObjectStoreError."""
    malformed = ObjectStoreError(400, "MalformedXML", "The list of parts is not well-formed.")
    if b"<!" in body:
        # No entities: a list of parts has no use for them.
        raise malformed
    try:
        parts = ET.fromstring(body).findall("{*}Part")  # noqa: S314 - no entities, and signed by our own key
        return [
            (int(part.findtext("{*}PartNumber", "")), part.findtext("{*}ETag", "").strip().strip('"')) for part in parts
        ]
    except (ET.ParseError, ValueError):
        raise malformed from None


def _stored(found: StoredObject) -> Response:
    headers = {"ETag": f'"{found.etag}"'}
    if found.crc32:
        headers["x-amz-checksum-crc32"] = found.crc32
    return Response(status_code=200, headers=headers)


def _part_fields(content: StoredBytes) -> list[tuple[str, str]]:
    return [
        ("ETag", f'"{content.md5.hex()}"'),
        ("Size", str(content.size)),
        ("LastModified", _timestamp(content.written)),
        ("ChecksumCRC32", to_base64(content.crc32)),
    ]


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _elements(fields: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields)


def _xml(root: str, inner: str, status: int = 200) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">{inner}</{root}>'
    return Response(text, status_code=status, media_type="application/xml")


def _error(request: Request, status: int, code: str, message: str) -> Response:
    if request.method == "HEAD":
        return Response(status_code=status)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{_elements([("Code", code), ("Message", message)])}</Error>'
    return Response(text, status_code=status, media_type="application/xml")
