"""Values on both sides of each threshold of the store's client."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from preflight.errors import StoreAccessError
from preflight.events import Progress
from preflight.settings import Secret, Settings
from preflight.storage.presign import presign
from preflight.storage.profiles import PROFILES, Checksum, part_size_for
from preflight.storage.s3_errors import clock_skew
from preflight.storage.source_file import Meter, PartBody, compute_digest
from preflight.storage.store import Store, open_store

MEBIBYTE = 2**20
SETTINGS = Settings(bucket="videos", s3_key="key", s3_secret=Secret("secret"), s3_endpoint="https://s3.example")


def opened(left: float) -> Store:
    """Return a store whose credentials end in `left` seconds."""
    with open_store(SETTINGS) as store:
        return Store(
            store.settings, store.profile, store.region, store.client, datetime.now(UTC) + timedelta(seconds=left)
        )


def test_url_lives_seven_days_at_most() -> None:
    _, expires = presign(opened(30 * 86400), "a.mp4", life=30 * 86400)
    assert expires is not None
    assert (expires - datetime.now(UTC)).total_seconds() == pytest.approx(7 * 86400, abs=10)


def test_url_needs_a_minute_of_its_credentials() -> None:
    presign(opened(70), "a.mp4", life=100)
    with pytest.raises(StoreAccessError):
        presign(opened(50), "a.mp4", life=100)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_parts_are_five_mebibytes_until_there_would_be_too_many(profile: object) -> None:
    assert part_size_for(1, profile) == 5 * MEBIBYTE  # type: ignore[arg-type]
    most = 10_000 * 5 * MEBIBYTE
    assert part_size_for(most, profile) == 5 * MEBIBYTE  # type: ignore[arg-type]
    assert part_size_for(most + 1, profile) == 6 * MEBIBYTE  # type: ignore[arg-type]


def test_clock_five_minutes_off_is_told() -> None:
    def said(seconds: float) -> str | None:
        return clock_skew(format_datetime(datetime.now(UTC) - timedelta(seconds=seconds), usegmt=True))

    assert said(280) is None
    assert said(320) is not None


def test_progress_is_reported_once_a_mebibyte() -> None:
    seen: list[Progress] = []
    meter = Meter(10 * MEBIBYTE, seen.append)
    for _ in range(80):
        meter.add(MEBIBYTE // 8)
    assert len(seen) == 11


def test_body_is_read_in_quarters_of_a_mebibyte() -> None:
    with PartBody(memoryview(bytes(MEBIBYTE)), Meter(MEBIBYTE, lambda _: None)) as body:
        assert len(body.read(16384)) == MEBIBYTE // 4


def test_digest_is_read_in_strides_of_four_mebibytes(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(9 * MEBIBYTE))
    seen: list[Progress] = []
    compute_digest(path, part_size=2**40, checksum=Checksum.CRC32, listener=seen.append)
    assert [progress.done // MEBIBYTE for progress in seen] == [4, 8, 9]
