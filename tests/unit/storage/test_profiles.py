import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import UsageError
from preflight.settings import Settings
from preflight.storage.profiles import MAX_PARTS, MIB, PROFILES, part_size_for, profile_of


@pytest.mark.parametrize(
    ("endpoint", "name", "region"),
    [
        (None, "aws", ""),
        ("https://s3.eu-central-1.amazonaws.com", "aws", "eu-central-1"),
        ("https://s3.dualstack.us-west-2.amazonaws.com", "aws", "us-west-2"),
        ("https://0123abcd.r2.cloudflarestorage.com", "r2", ""),
        ("https://0123abcd.eu.r2.cloudflarestorage.com", "r2", ""),
        ("https://oss-cn-shanghai.aliyuncs.com", "oss", "cn-shanghai"),
        ("https://s3.oss-ap-southeast-1.aliyuncs.com", "oss", "ap-southeast-1"),
        ("https://oss-cn-beijing-internal.aliyuncs.com", "oss", "cn-beijing"),
        ("https://s3.us-west-004.backblazeb2.com", "b2", "us-west-004"),
        ("https://minio.example.org:9000", "minio", ""),
        ("http://127.0.0.1:9000", "generic", ""),
    ],
)
def test_the_endpoint_tells_the_store(endpoint: str | None, name: str, region: str) -> None:
    profile, signed_for = profile_of(Settings(s3_endpoint=endpoint))
    assert (profile.name, signed_for) == (name, region)


def test_settings_stand_before_the_host_name() -> None:
    settings = Settings(s3_endpoint="https://s3.us-west-004.backblazeb2.com", store="minio", s3_region="mars")
    profile, region = profile_of(settings)
    assert (profile.name, region) == ("minio", "mars")


def test_unknown_store_and_encryption_are_usage() -> None:
    with pytest.raises(UsageError, match="store"):
        profile_of(Settings(store="floppy"))
    with pytest.raises(UsageError, match="Cloudflare"):
        profile_of(Settings(store="r2", encryption="aws:kms"))


@given(st.integers(0, 50_000 * 1024 * MIB), st.sampled_from(PROFILES))
def test_parts_are_whole_mib_and_not_too_many(size: int, profile: object) -> None:
    part = part_size_for(size, profile)  # type: ignore[arg-type]
    assert part % MIB == 0
    assert -(-size // part) <= MAX_PARTS
    assert part >= 5 * MIB
