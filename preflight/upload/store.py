"""One bucket: the boto3 client for it, and the few questions asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from preflight.errors import UsageError
from preflight.settings import Settings
from preflight.upload.failures import code_of, translated
from preflight.upload.profiles import StoreProfile, profile_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 4
META_DIGEST = "preflight-sha256"
META_TOKEN = "preflight-token"  # noqa: S105
_MISSING = {"404", "NoSuchKey", "NotFound"}
_FORBIDDEN = {"403", "AccessDenied", "Forbidden"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What HEAD says of an object: size in bytes, checksums as sent by the store, our own metadata."""

    size: int
    etag: str
    crc32: str | None
    sha256: str | None
    token: str | None
    encryption: str | None


@dataclass(frozen=True, slots=True)
class Store:
    """The bucket of `settings` and how to talk to it. Opening it makes no request."""

    settings: Settings
    profile: StoreProfile
    region: str
    client: S3Client
    credentials_expire: datetime | None = field(default=None)

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.settings.bucket

    @property
    def endpoint(self) -> str:
        """The endpoint as it is configured, 'aws' for the default one."""
        return self.settings.s3_endpoint or "aws"

    def key(self, sha256: str, extension: str) -> str:
        """Return the object key of a content: the URL ends in `extension`, which is how the service tells formats."""
        return f"{self.settings.prefix}{sha256}.{extension.lstrip('.')}"

    def head(self, key: str) -> Stored | None:
        """Return what is stored under `key`, or None when nothing is. Raises StoreError.

        A refusal counts as nothing: without s3:ListBucket, Amazon answers 403 for a missing key.
        """
        from botocore.exceptions import ClientError

        with translated(self.settings, f"Looking for {key}"):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if code_of(error) in _MISSING | _FORBIDDEN:
                    return None
                raise
        metadata = {name.lower(): value for name, value in found.get("Metadata", {}).items()}
        return Stored(
            size=found["ContentLength"],
            etag=found.get("ETag", "").strip('"'),
            crc32=found.get("ChecksumCRC32"),
            sha256=metadata.get(META_DIGEST),
            token=metadata.get(META_TOKEN),
            encryption=found.get("ServerSideEncryption"),
        )

    def delete(self, key: str) -> None:
        """Delete an object; a missing one is fine. Raises StoreError."""
        with translated(self.settings, f"Deleting {key}"):
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def put_options(self) -> dict[str, Any]:
        """Return the encryption arguments of PutObject and CreateMultipartUpload."""
        options: dict[str, Any] = {}
        if self.settings.encryption:
            options["ServerSideEncryption"] = self.settings.encryption
        if self.settings.kms_key:
            options["SSEKMSKeyId"] = self.settings.kms_key
        return options


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open the store of `settings` for a block.

    Raises UsageError without a bucket, StoreAccessError for unusable credentials.
    """
    import boto3
    from botocore.config import Config

    if not settings.bucket:
        raise UsageError("No bucket is set.", hint="Set PREFLIGHT_BUCKET, or bucket in preflight.toml.")
    profile, region = profile_of(settings)
    config = Config(
        signature_version="s3v4",
        # Each part carries a checksum header of its own, which is signed; hashing the body again adds nothing.
        s3={"addressing_style": profile.addressing, "payload_signing_enabled": False},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=THREADS + 1,
        connect_timeout=10,
        read_timeout=60,
    )
    with translated(settings, "Opening the store"):
        session = boto3.session.Session(
            aws_access_key_id=settings.s3_key or None,
            aws_secret_access_key=str(settings.s3_secret) or None,
            region_name=region,
        )
        client = session.client(
            "s3", endpoint_url=settings.s3_endpoint, config=config, verify=settings.ca_bundle or None
        )
        credentials = session.get_credentials()
    # botocore keeps the expiry of refreshed credentials private, and there is no other way to learn it.
    expire = getattr(credentials, "_expiry_time", None)
    try:
        yield Store(settings, profile, region, client, expire)
    finally:
        client.close()
