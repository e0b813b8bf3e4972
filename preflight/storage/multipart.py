"""A multipart upload that survives its process: begun once, gone on from what the store has, completed once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from preflight.errors import CancelledError, ChecksumError, StoreError
from preflight.model.job import PartialUpload
from preflight.storage.profiles import Checksum
from preflight.storage.s3_errors import code_of, demand, translated
from preflight.storage.source_file import Fingerprint, Meter, PartBody, Stopped, TruncatedSource, changed
from preflight.storage.store import META_DIGEST, META_TOKEN, Store, Stored

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_GONE = {"NoSuchUpload", "404"}


class UploadCheckpoint(Protocol):
    """Where begun uploads are remembered, durably, across processes."""

    def load_upload(self, *, endpoint: str, bucket: str, key: str) -> PartialUpload | None:
        """Return the upload that was begun for this object, or None."""
        ...

    def save_upload(self, upload: PartialUpload) -> None:
        """Remember `upload`; durable when this returns."""
        ...

    def forget_upload(self, upload: PartialUpload) -> None:
        """Forget `upload`, which is completed or gone."""
        ...


class Forgetful:
    """A checkpoint that remembers nothing: every upload starts anew."""

    def load_upload(self, *, endpoint: str, bucket: str, key: str) -> PartialUpload | None:
        """Return None."""
        del endpoint, bucket, key
        return None

    def save_upload(self, upload: PartialUpload) -> None:
        """Do nothing."""

    def forget_upload(self, upload: PartialUpload) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is sent where, and who counts it."""

    store: Store
    key: str
    content: Fingerprint
    meter: Meter
    checkpoint: UploadCheckpoint


def content_type(key: str) -> str:
    """Return the media type a video's extension stands for."""
    import mimetypes

    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def send_whole(errand: Errand) -> Stored:
    """Send a file in one request. Raises StoreError, ChecksumError."""
    store, content = errand.store, errand.content
    with _spoiled_means_changed(errand), translated(store.settings, f"Uploading {content.path.name}"):
        with _body(errand, 1) as (body, checks):
            reply = store.client.put_object(
                Bucket=store.bucket,
                Key=errand.key,
                Body=body,
                ContentType=content_type(errand.key),
                Metadata={META_DIGEST: content.sha256, META_TOKEN: secrets.token_hex(8)},
                **store.put_options(),
                **checks,
            )
        _require_echo(errand, 1, dict(reply))
    return verified(errand)


def send_parts(errand: Errand, begun: PartialUpload, *, fresh: bool = False) -> Stored:
    """Send the parts the store does not have yet, and complete. Raises StoreError, ChecksumError, FileChangedError."""
    try:
        there = {} if fresh else _parts_there(errand, begun)
        missing = [n for n in range(1, len(errand.content.parts) + 1) if n not in there]
        errand.meter.add(sum(errand.content.span(number)[1] for number in there))
        there |= _send_missing(errand, begun, missing)
        errand.content.require_unchanged()
        _complete(errand, begun, there)
    except _UploadGoneError:
        # Either an earlier Complete went through and its reply was lost, or somebody aborted the upload.
        found = errand.store.head(errand.key)
        errand.checkpoint.forget_upload(begun)
        if found is None or found.token != begun.token:
            raise StoreError(
                f"The begun upload of {errand.content.path.name} is gone from the store.", hint="Run it again."
            ) from None
    stored = verified(errand)
    errand.checkpoint.forget_upload(begun)
    return stored


def begin(errand: Errand) -> PartialUpload:
    """Start a multipart upload and remember it. Raises StoreError."""
    store, content = errand.store, errand.content
    token = secrets.token_hex(8)
    algorithm: dict[str, Any] = {"ChecksumAlgorithm": "CRC32"} if content.checksum is Checksum.CRC32 else {}
    with translated(store.settings, f"Beginning the upload of {content.path.name}"):
        reply = store.client.create_multipart_upload(
            Bucket=store.bucket,
            Key=errand.key,
            ContentType=content_type(errand.key),
            Metadata={META_DIGEST: content.sha256, META_TOKEN: token},
            **store.put_options(),
            **algorithm,
        )
    begun = PartialUpload(
        endpoint=store.endpoint,
        bucket=store.bucket,
        key=errand.key,
        upload_id=demand(reply, "UploadId", f"Beginning the upload of {content.path.name}"),
        part_size=content.part_size,
        size=content.size,
        sha256=content.sha256,
        token=token,
    )
    errand.checkpoint.save_upload(begun)
    return begun


class _UploadGoneError(Exception):
    """The store does not know the upload id."""


@contextmanager
def _gone_is_told() -> Iterator[None]:
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code_of(error) in _GONE:
            raise _UploadGoneError from error
        raise


@contextmanager
def _spoiled_means_changed(errand: Errand) -> Iterator[None]:
    """A part that the store finds spoiled was changed on disk, when the file is no longer the one that was read."""
    try:
        yield
    except ChecksumError:
        errand.content.require_unchanged()
        raise


@contextmanager
def _body(errand: Errand, number: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    content = errand.content
    check = base64.b64encode(content.parts[number - 1]).decode()
    field = "ChecksumCRC32" if content.checksum is Checksum.CRC32 else "ContentMD5"
    try:
        with PartBody(content.path, *content.span(number), errand.meter) as body:
            yield body, {field: check}
    except Stopped:
        raise CancelledError("Stopped on request.", hint="Run it again to go on from here.") from None
    except TruncatedSource:
        raise changed(content.path) from None


def _require_echo(errand: Errand, number: int, reply: dict[str, Any]) -> None:
    """Raise ChecksumError when the store says it holds other bytes than part `number`."""
    if _is_spoiled(errand, number, reply):
        raise ChecksumError(
            f"The store holds other bytes than part {number} of {errand.content.path.name}.", hint="Run it again."
        )


def _is_spoiled(errand: Errand, number: int, reply: dict[str, Any]) -> bool:
    said, ours = reply.get("ChecksumCRC32"), errand.content.parts[number - 1]
    if errand.content.checksum is Checksum.CRC32:
        return said is not None and said != base64.b64encode(ours).decode()
    # With KMS the ETag is no MD5 (Amazon S3 API reference, "ETag").
    etag = str(reply.get("ETag", "")).strip('"')
    encryption = reply.get("ServerSideEncryption") or errand.store.settings.encryption
    return encryption != "aws:kms" and _is_md5(etag) and etag != ours.hex()


def _is_md5(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


def _parts_there(errand: Errand, begun: PartialUpload) -> dict[int, CompletedPartTypeDef]:
    """Return the parts that the store already holds with the right size and checksum, as Complete wants them."""
    store = errand.store
    there: dict[int, CompletedPartTypeDef] = {}
    with translated(store.settings, f"Listing the parts of {errand.content.path.name}"), _gone_is_told():
        pages = store.client.get_paginator("list_parts").paginate(
            Bucket=store.bucket, Key=errand.key, UploadId=begun.upload_id
        )
        for part in (part for page in pages for part in page.get("Parts", [])):
            number = part["PartNumber"]
            known = number <= len(errand.content.parts) and part["Size"] == errand.content.span(number)[1]
            if known and not _is_spoiled(errand, number, dict(part)):
                there[number] = _for_complete(number, dict(part))
    return there


def _for_complete(number: int, reply: dict[str, Any]) -> CompletedPartTypeDef:
    part: CompletedPartTypeDef = {"PartNumber": number, "ETag": demand(reply, "ETag", f"Uploading part {number}")}
    if "ChecksumCRC32" in reply:
        part["ChecksumCRC32"] = reply["ChecksumCRC32"]
    return part


def _send_missing(errand: Errand, begun: PartialUpload, numbers: list[int]) -> dict[int, CompletedPartTypeDef]:
    """Send parts side by side; the first failure stops the others."""
    with ThreadPoolExecutor(errand.store.settings.upload_threads, thread_name_prefix="upload") as pool:
        tasks = {number: pool.submit(_send_part, errand, begun, number) for number in numbers}
        try:
            wait(tasks.values(), return_when=FIRST_EXCEPTION)
            failed = next((t for t in tasks.values() if t.done() and t.exception()), None)
            if failed is not None:
                failed.result()
        except BaseException:
            errand.meter.stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
        return {number: task.result() for number, task in tasks.items()}


def _send_part(errand: Errand, begun: PartialUpload, number: int) -> CompletedPartTypeDef:
    store = errand.store
    action = f"Uploading part {number} of {errand.content.path.name}"
    with _spoiled_means_changed(errand):
        with translated(store.settings, action), _gone_is_told(), _body(errand, number) as (body, checks):
            reply = store.client.upload_part(
                Bucket=store.bucket,
                Key=errand.key,
                UploadId=begun.upload_id,
                PartNumber=number,
                Body=body,
                **checks,
            )
        _require_echo(errand, number, dict(reply))
    return _for_complete(number, dict(reply))


def _complete(errand: Errand, begun: PartialUpload, parts: dict[int, CompletedPartTypeDef]) -> None:
    store = errand.store
    with translated(store.settings, f"Completing the upload of {errand.content.path.name}"), _gone_is_told():
        store.client.complete_multipart_upload(
            Bucket=store.bucket,
            Key=errand.key,
            UploadId=begun.upload_id,
            MultipartUpload={"Parts": [parts[number] for number in sorted(parts)]},
        )


def verified(errand: Errand) -> Stored:
    """Return what the store holds now; raise ChecksumError unless it is the content that was sent."""
    stored, content = errand.store.head(errand.key), errand.content
    if stored is None:
        raise StoreError(
            f"{errand.key} is not to be seen in the bucket after its upload.",
            hint="Run it again; the credentials need s3:GetObject too.",
        )
    if stored.size != content.size or stored.sha256 != content.sha256 or _composite_differs(stored, content):
        raise ChecksumError(f"The store holds other bytes under {errand.key} than were sent.", hint="Run it again.")
    return stored


def _composite_differs(stored: Stored, content: Fingerprint) -> bool:
    """Compare the checksum of checksums that stores give to objects made of parts."""
    if "-" not in (stored.crc32 or stored.etag):
        return False
    joined, count = b"".join(content.parts), len(content.parts)
    if content.checksum is Checksum.CRC32:
        import zlib

        value = base64.b64encode(zlib.crc32(joined).to_bytes(4, "big")).decode()
        return stored.crc32 not in {None, f"{value}-{count}"}
    md5 = hashlib.md5(joined, usedforsecurity=False).hexdigest()
    etag, _, _ = stored.etag.partition("-")
    return _is_md5(etag) and stored.encryption != "aws:kms" and stored.etag != f"{md5}-{count}"
