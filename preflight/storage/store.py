"""One bucket: the boto3 client for it, and the few questions asked of it."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from preflight.errors import UsageError
from preflight.settings import Settings
from preflight.storage.profiles import Checksum, StoreProfile, profile_of
from preflight.storage.s3_errors import code_of, demand, translated

if TYPE_CHECKING:
    import boto3.session
    from botocore.config import Config
    from botocore.loaders import Loader
    from mypy_boto3_s3 import S3Client

FILES_PER_CLIENT = 4
"""Files sent at a time by one client for which connections are kept open."""

META_DIGEST = "preflight-sha256"
"""Metadata field of an object: the SHA-256 of its content in hex."""

META_TOKEN = "preflight-token"  # noqa: S105
"""Metadata field of an object: a random text that tells one upload of a content from another."""

_LOOKING = "Looking for the content in the store"
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
        """Return the object key of a content: the URL ends in `extension`, which is how the service tells formats.

        Args:
            sha256: digest of the content in hex.
            extension: of the file's name, with or without its dot.
        """
        return f"{self.settings.prefix}{sha256}.{extension.lstrip('.')}"

    def head(self, key: str) -> Stored | None:
        """Return what is stored under `key`, or None when nothing is. Raises StoreError.

        A refusal counts as nothing: without s3:ListBucket, Amazon answers 403 for a missing key.
        """
        from botocore.exceptions import ClientError

        # Stores that don't know checksum headers may refuse them.
        mode: dict[str, Any] = {"ChecksumMode": "ENABLED"} if self.profile.checksum is Checksum.CRC32 else {}
        with translated(self.settings, _LOOKING):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=key, **mode)
            except ClientError as error:
                if code_of(error) in _MISSING | _FORBIDDEN:
                    return None
                raise
        metadata = {name.lower(): value for name, value in found.get("Metadata", {}).items()}
        return Stored(
            size=demand(found, "ContentLength", _LOOKING),
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


_open: dict[Settings, tuple[Store, int]] = {}
"""The stores that are open now, and how many blocks use each."""

_open_lock = threading.Lock()


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open the store of `settings` for a block; blocks that are entered meanwhile share its client and connections.

    Making a client takes about 20 ms of processor time, so what sends many files opens the store around all of them.

    Raises:
        UsageError: no bucket is set.
        StoreAccessError: the credentials can't be used.
    """
    if not settings.bucket:
        raise UsageError("No bucket is set.", hint="Set PREFLIGHT_BUCKET, or bucket in preflight.toml.")
    with _open_lock:
        store, users = _open.get(settings) or (_new_store(settings), 0)
        _open[settings] = (store, users + 1)
    try:
        yield store
    finally:
        with _open_lock:
            store, users = _open.pop(settings)
            if users > 1:
                _open[settings] = (store, users - 1)
            else:
                store.client.close()


def _new_store(settings: Settings) -> Store:
    profile, named = profile_of(settings)
    region = named or _aws_region(settings, profile) or profile.region
    with translated(settings, "Opening the store"):
        session = _session(settings, region)
        client = session.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            config=_config(settings, profile),
            verify=settings.ca_bundle or (True if settings.s3_key else None),
        )
        credentials = session.get_credentials()
    # botocore keeps the expiry of refreshed credentials private, and there is no other way to learn it.
    expire = getattr(credentials, "_expiry_time", None)
    return Store(settings, profile, region, client, expire)


def _aws_region(settings: Settings, profile: StoreProfile) -> str | None:
    """Return the region of AWS's own configuration: AWS_REGION, AWS_DEFAULT_REGION, or the profile's."""
    if profile.name != "aws" or settings.s3_key:
        return None
    import botocore.session

    configured: str | None = botocore.session.Session().get_config_variable("region")
    return os.environ.get("AWS_REGION") or configured


def _session(settings: Settings, region: str) -> boto3.session.Session:
    """Return AWS's own chain, or one that knows the keys of `settings` and nothing of this machine's AWS set-up."""
    import boto3
    import botocore.session

    if not settings.s3_key:
        return boto3.session.Session(region_name=region)
    nothing = (None, None, os.devnull, None)
    core = botocore.session.Session(
        session_vars={"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    )
    core.register_component("data_loader", _models())
    core.set_credentials(settings.s3_key, str(settings.s3_secret))
    return boto3.session.Session(botocore_session=core, region_name=region)


@functools.cache
def _models() -> Loader:
    """Return the one reader of botocore's service models: reading them is most of what opening a store costs."""
    from botocore.loaders import create_loader

    return create_loader()


def _config(settings: Settings, profile: StoreProfile) -> Config:
    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        # Each part carries a checksum header of its own, which is signed; hashing the body again adds nothing.
        s3={"addressing_style": profile.addressing, "payload_signing_enabled": False},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=FILES_PER_CLIENT * (settings.upload_threads + 1),
        connect_timeout=10,
        read_timeout=60,
    )
    # A proxy of the environment can't reach this machine's loopback.
    return config.merge(Config(proxies={})) if is_loopback(settings.s3_endpoint) else config


def content_type(key: str) -> str:
    """Return the media type a video's extension stands for."""
    import mimetypes

    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def is_loopback(url: str | None) -> bool:
    """Return whether a URL names this machine by its loopback address."""
    host = urlsplit(url or "").hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
