"""A multipart upload that survives its process: begun once, continued from what the store has, completed once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from preflight.errors import CancelledError, ChecksumError, StoreError
from preflight.model.job import PartialUpload
from preflight.storage.profiles import Checksum
from preflight.storage.s3_errors import code_of, demand, translated
from preflight.storage.source_file import Meter, Part, PartBody, PartReader, SourceFile, Stopped
from preflight.storage.store import META_DIGEST, META_TOKEN, Store, Stored, content_type

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_GONE = {"NoSuchUpload", "404"}
"""Error codes of stores that don't know an upload id."""


class UploadCheckpoint(Protocol):
    """Where begun uploads are recorded, durably, across processes."""

    def load_upload(self, *, endpoint: str, bucket: str, key: str) -> PartialUpload | None:
        """Return the upload that was begun for this object, or None.

        Args:
            endpoint: the store's address.
            bucket: the bucket.
            key: the object's key.
        """
        ...

    def save_upload(self, upload: PartialUpload) -> None:
        """Record `upload`; durable when this returns."""
        ...

    def forget_upload(self, upload: PartialUpload) -> None:
        """Remove the record of `upload`, which is completed or gone."""
        ...


class NoCheckpoint:
    """A checkpoint that records nothing: every upload starts anew."""

    def load_upload(self, *, endpoint: str, bucket: str, key: str) -> PartialUpload | None:
        """Return None."""
        del endpoint, bucket, key
        return None

    def save_upload(self, upload: PartialUpload) -> None:
        """Do nothing."""

    def forget_upload(self, upload: PartialUpload) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One file on its way to one object: `reader` gives its parts, `meter` counts them."""

    store: Store
    key: str
    source: SourceFile
    reader: PartReader
    meter: Meter
    checkpoint: UploadCheckpoint

    def restarted(self) -> Transfer:
        """Return the same transfer from its beginning."""
        return replace(self, reader=PartReader(self.source), meter=self.meter.restarted())


def send_whole(transfer: Transfer) -> Stored:
    """Send a file of one part in one request. Raises StoreError, ChecksumError, FileChangedError, CancelledError."""
    store, source = transfer.store, transfer.source
    with transfer.reader.open() as read:
        part = read(1)
    transfer.reader.finish()
    with _changed_file_explains(transfer):
        with translated(store.settings, f"Uploading {source.path.name}"), _body(transfer, part) as (body, checks):
            reply = store.client.put_object(
                Bucket=store.bucket,
                Key=transfer.key,
                Body=body,
                ContentType=content_type(transfer.key),
                Metadata={META_DIGEST: source.sha256, META_TOKEN: secrets.token_hex(8)},
                **store.put_options(),
                **checks,
            )
        _require_echo(transfer, part, dict(reply))
    source.require_unchanged()
    return verify_stored(transfer)


def send_parts(transfer: Transfer, begun: PartialUpload, *, fresh: bool = False) -> Stored:
    """Send the parts that the store does not have yet, and complete the upload.

    Args:
        transfer: what is sent where.
        begun: the upload that was begun.
        fresh: True when nothing of it can be in the store yet.

    Raises:
        StoreError, ChecksumError: the store failed or holds other bytes.
        FileChangedError: the file is not the one whose digest is known; the upload is not completed.
        CancelledError: the upload was stopped; a later call continues it.
    """
    try:
        listed = {} if fresh else _listed_parts(transfer, begun)
        parts = _send_missing(transfer, begun, listed)
        transfer.reader.finish()
        _complete(transfer, begun, parts)
    except _UploadGoneError:
        # Either an earlier Complete went through and its reply was lost, or somebody aborted the upload.
        found = transfer.store.head(transfer.key)
        transfer.checkpoint.forget_upload(begun)
        if found is None or found.token != begun.token:
            raise StoreError(
                f"The begun upload of {transfer.source.path.name} is gone from the store.", hint="Run it again."
            ) from None
    stored = verify_stored(transfer)
    transfer.checkpoint.forget_upload(begun)
    return stored


def begin(transfer: Transfer) -> PartialUpload:
    """Start a multipart upload and record it. Raises StoreError."""
    store, source = transfer.store, transfer.source
    token = secrets.token_hex(8)
    algorithm: dict[str, Any] = {"ChecksumAlgorithm": "CRC32"} if source.checksum is Checksum.CRC32 else {}
    action = f"Beginning the upload of {source.path.name}"
    with translated(store.settings, action):
        reply = store.client.create_multipart_upload(
            Bucket=store.bucket,
            Key=transfer.key,
            ContentType=content_type(transfer.key),
            Metadata={META_DIGEST: source.sha256, META_TOKEN: token},
            **store.put_options(),
            **algorithm,
        )
    begun = PartialUpload(
        endpoint=store.endpoint,
        bucket=store.bucket,
        key=transfer.key,
        upload_id=demand(reply, "UploadId", action),
        part_size=source.part_size,
        size=source.size,
        sha256=source.sha256,
        token=token,
    )
    transfer.checkpoint.save_upload(begun)
    return begun


class _UploadGoneError(Exception):
    """The store does not know the upload id."""


@contextmanager
def _raises_upload_gone() -> Iterator[None]:
    """Turn a store's answer that it does not know the upload into _UploadGoneError."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code_of(error) in _GONE:
            raise _UploadGoneError from error
        raise


@contextmanager
def _changed_file_explains(transfer: Transfer) -> Iterator[None]:
    """Raise FileChangedError in place of a ChecksumError when the file is no longer the one that was read."""
    try:
        yield
    except ChecksumError:
        transfer.source.require_unchanged()
        raise


@contextmanager
def _body(transfer: Transfer, part: Part) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the body of a request and the checksum argument that goes with it. Raises CancelledError."""
    check = base64.b64encode(part.checksum).decode()
    field = "ChecksumCRC32" if transfer.source.checksum is Checksum.CRC32 else "ContentMD5"
    try:
        with PartBody(part.data, transfer.meter) as body:
            yield body, {field: check}
    except Stopped:
        raise CancelledError("Stopped on request.", hint="Run it again to go on from here.") from None


def _require_echo(transfer: Transfer, part: Part, reply: dict[str, Any]) -> None:
    """Raise ChecksumError when the store's reply says that it holds other bytes than `part`."""
    if _differs(transfer, part.checksum, reply):
        raise ChecksumError(
            f"The store holds other bytes than part {part.number} of {transfer.source.path.name}.",
            hint="Run it again.",
        )


def _differs(transfer: Transfer, checksum: bytes, reply: dict[str, Any]) -> bool:
    """Return whether a reply or a listed part names another checksum than ours."""
    if transfer.source.checksum is Checksum.CRC32:
        return reply.get("ChecksumCRC32") not in {None, base64.b64encode(checksum).decode()}
    # With KMS the ETag is no MD5 (Amazon S3 API reference, "ETag").
    etag = str(reply.get("ETag", "")).strip('"')
    encryption = reply.get("ServerSideEncryption") or transfer.store.settings.encryption
    return encryption != "aws:kms" and _is_md5(etag) and etag != checksum.hex()


def _is_md5(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


def _listed_parts(transfer: Transfer, begun: PartialUpload) -> dict[int, dict[str, Any]]:
    """Return the parts that the store lists with the right size, by number."""
    store, source = transfer.store, transfer.source
    with translated(store.settings, f"Listing the parts of {source.path.name}"), _raises_upload_gone():
        pages = store.client.get_paginator("list_parts").paginate(
            Bucket=store.bucket, Key=transfer.key, UploadId=begun.upload_id
        )
        listed = {part["PartNumber"]: dict(part) for page in pages for part in page.get("Parts", [])}
    return {
        number: part
        for number, part in listed.items()
        if number <= source.part_count and part["Size"] == source.span(number)[1]
    }


def _for_complete(number: int, reply: dict[str, Any]) -> CompletedPartTypeDef:
    part: CompletedPartTypeDef = {"PartNumber": number, "ETag": demand(reply, "ETag", f"Uploading part {number}")}
    if "ChecksumCRC32" in reply:
        part["ChecksumCRC32"] = reply["ChecksumCRC32"]
    return part


def _send_missing(
    transfer: Transfer, begun: PartialUpload, listed: dict[int, dict[str, Any]]
) -> dict[int, CompletedPartTypeDef]:
    """Send several parts at a time; return all parts as CompleteMultipartUpload takes them.

    One more part than are sent at a time is in memory: the next one is read meanwhile.
    """
    source, reader = transfer.source, transfer.reader
    done: dict[int, CompletedPartTypeDef] = {}
    running: dict[Future[CompletedPartTypeDef], int] = {}
    threads = transfer.store.settings.upload_threads
    with ThreadPoolExecutor(threads, thread_name_prefix="upload") as pool, reader.open() as read:
        try:
            for number in range(1, source.part_count + 1):
                known = listed.get(number)
                part = None if known and not reader.is_reading_all else read(number)
                if known and not _differs(transfer, reader.checksums[number - 1], known):
                    done[number] = _for_complete(number, known)
                    transfer.meter.add(source.span(number)[1])
                else:
                    running[pool.submit(_send_part, transfer, begun, part or read(number))] = number
                _collect(running, done, leave=threads)
            _collect(running, done, leave=0)
        except BaseException:
            transfer.meter.stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    return done


def _collect(
    running: dict[Future[CompletedPartTypeDef], int], done: dict[int, CompletedPartTypeDef], *, leave: int
) -> None:
    """Move finished parts from `running` to `done`, and wait until at most `leave` are running. Raises their errors."""
    while True:
        too_many = len(running) > leave
        finished, _ = wait(running, timeout=None if too_many else 0, return_when=FIRST_COMPLETED)
        # The first that failed by itself, not one of those that were stopped because of it.
        for part in sorted(finished, key=lambda one: isinstance(one.exception(), CancelledError)):
            done[running.pop(part)] = part.result()
        if len(running) <= leave:
            return


def _send_part(transfer: Transfer, begun: PartialUpload, part: Part) -> CompletedPartTypeDef:
    store = transfer.store
    action = f"Uploading part {part.number} of {transfer.source.path.name}"
    with _changed_file_explains(transfer):
        with translated(store.settings, action), _raises_upload_gone(), _body(transfer, part) as (body, checks):
            reply = store.client.upload_part(
                Bucket=store.bucket,
                Key=transfer.key,
                UploadId=begun.upload_id,
                PartNumber=part.number,
                Body=body,
                **checks,
            )
        _require_echo(transfer, part, dict(reply))
    transfer.reader.release(part)
    return _for_complete(part.number, dict(reply))


def _complete(transfer: Transfer, begun: PartialUpload, parts: dict[int, CompletedPartTypeDef]) -> None:
    store = transfer.store
    with translated(store.settings, f"Completing the upload of {transfer.source.path.name}"), _raises_upload_gone():
        store.client.complete_multipart_upload(
            Bucket=store.bucket,
            Key=transfer.key,
            UploadId=begun.upload_id,
            MultipartUpload={"Parts": [parts[number] for number in sorted(parts)]},
        )


def verify_stored(transfer: Transfer) -> Stored:
    """Return what the store holds now. Raises ChecksumError unless it is the content that was sent, StoreError."""
    stored, source = transfer.store.head(transfer.key), transfer.source
    if stored is None:
        raise StoreError(
            f"{transfer.key} is not to be seen in the bucket after its upload.",
            hint="Run it again; the credentials need s3:GetObject too.",
        )
    if stored.size != source.size or stored.sha256 != source.sha256 or _composite_differs(stored, transfer):
        raise ChecksumError(f"The store holds other bytes under {transfer.key} than were sent.", hint="Run it again.")
    return stored


def _composite_differs(stored: Stored, transfer: Transfer) -> bool:
    """Compare the checksum of checksums that stores give to objects made of parts."""
    checksums, count = transfer.reader.checksums, transfer.source.part_count
    if "-" not in (stored.crc32 or stored.etag) or len(checksums) != count:
        return False
    joined = b"".join(checksums)
    if transfer.source.checksum is Checksum.CRC32:
        import zlib

        value = base64.b64encode(zlib.crc32(joined).to_bytes(4, "big")).decode()
        return stored.crc32 not in {None, f"{value}-{count}"}
    md5 = hashlib.md5(joined, usedforsecurity=False).hexdigest()
    etag, _, _ = stored.etag.partition("-")
    return _is_md5(etag) and stored.encryption != "aws:kms" and stored.etag != f"{md5}-{count}"
