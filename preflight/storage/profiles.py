"""What differs between S3 stores, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from preflight.errors import UsageError
from preflight.settings import Settings

MIB = 1_048_576
"""Bytes of a mebibyte, in which stores state the sizes of parts."""

MAX_PARTS = 10_000
"""Parts of one multipart upload (Amazon S3 user guide, "Multipart upload limits"); the other stores took it over."""


class Checksum(StrEnum):
    """What the store compares each part with. Every store takes `Content-MD5`; the others are later additions."""

    CRC32 = "crc32"
    MD5 = "md5"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreProfile:
    """How one kind of store is talked to.

    `hosts` recognises an endpoint's host name; its group `region` is the region where the name carries it.
    `part_size` in bytes is the least that stores allow (Amazon S3 user guide, "Multipart upload limits"): a part
    that is under way at a kill goes again. `lifecycle` says whether the store can be asked for its lifecycle rules.
    """

    name: str
    title: str
    addressing: Literal["path", "virtual"] = "path"
    checksum: Checksum = Checksum.MD5
    region: str = "us-east-1"
    hosts: str = ""
    part_size: int = 5 * MIB
    encryptions: tuple[str, ...] = ("AES256", "aws:kms")
    lifecycle: bool = True


PROFILES = (
    StoreProfile(
        name="aws",
        title="Amazon S3",
        addressing="virtual",
        checksum=Checksum.CRC32,
        hosts=r"s3[.-](?:dualstack\.)?(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?",
    ),
    StoreProfile(name="minio", title="MinIO", checksum=Checksum.CRC32, hosts=r"(?:.*\.)?minio(?:\..*)?"),
    # R2 has one region, "auto", and encrypts everything by itself.
    StoreProfile(
        name="r2",
        title="Cloudflare R2",
        region="auto",
        hosts=r"[0-9a-f]+\.(?:eu\.|fedramp\.)?r2\.cloudflarestorage\.com",
        encryptions=(),
    ),
    # OSS refuses path addressing and the aws-chunked bodies of newer SDKs.
    StoreProfile(
        name="oss",
        title="Alibaba Cloud OSS",
        addressing="virtual",
        region="cn-hangzhou",
        hosts=r"(?:s3\.)?oss-(?P<region>[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com",
    ),
    StoreProfile(
        name="b2",
        title="Backblaze B2",
        hosts=r"s3\.(?P<region>[a-z0-9-]+)\.backblazeb2\.com",
        encryptions=("AES256",),
    ),
    StoreProfile(name="generic", title="S3-compatible store"),
)
_BY_NAME = {profile.name: profile for profile in PROFILES}


def profile_of(settings: Settings) -> tuple[StoreProfile, str]:
    """Return the profile, and the region that settings or endpoint name, '' for none. Raises UsageError.

    `settings.store` names the profile; `auto` tells it from the endpoint's host name.
    """
    host = urlsplit(settings.s3_endpoint or "").hostname or ""
    profile = _named(settings.store) if settings.store != "auto" else _recognised(settings.s3_endpoint, host)
    match = re.fullmatch(profile.hosts, host) if profile.hosts else None
    region = match.groupdict().get("region") if match else None
    if settings.encryption and settings.encryption not in profile.encryptions:
        raise UsageError(
            f"{profile.title} does not take the encryption {settings.encryption!r}.",
            hint=f"Use one of: {', '.join(profile.encryptions) or 'none'}; or unset `encryption`.",
        )
    return profile, settings.s3_region or region or ""


def _named(name: str) -> StoreProfile:
    if name not in _BY_NAME:
        raise UsageError(f"Setting store is {name!r}.", hint=f"Use one of: auto, {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]


def _recognised(endpoint: str | None, host: str) -> StoreProfile:
    if endpoint is None:
        return _BY_NAME["aws"]
    return next((p for p in PROFILES if p.hosts and re.fullmatch(p.hosts, host)), _BY_NAME["generic"])


def part_size_for(size: int, profile: StoreProfile) -> int:
    """Return the part size in bytes for a file of `size` bytes: the profile's, or what keeps within MAX_PARTS."""
    least = -(-size // MAX_PARTS)
    return max(profile.part_size, -(-least // MIB) * MIB)
