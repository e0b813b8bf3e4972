"""What only a store that verifies signatures, expiry and digests can show."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import stores
from preflight.errors import FileChangedError, StoreAccessError
from preflight.events import Progress
from preflight.model.job import SecretUrl
from preflight.settings import Secret, Settings
from preflight.storage.file_upload import upload
from preflight.storage.presign import presign, try_fetch
from preflight.storage.store import open_store

pytestmark = pytest.mark.swift


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with stores.swift(tmp_path_factory.mktemp("swift")) as settings:
        yield settings


def test_a_wrong_secret_is_told(swift: Settings, small_mp4: Path) -> None:
    with pytest.raises(StoreAccessError, match=r"secret|forbidden"):
        upload(small_mp4, settings=replace(swift, s3_secret=Secret("wrong")), extension="mp4", life=60)


def test_a_spoiled_signature_is_found_before_the_service_finds_it(swift: Settings, small_mp4: Path) -> None:
    sent = upload(small_mp4, settings=swift, extension="mp4", life=60)
    spoiled = SecretUrl(sent.url.reveal()[:-4] + "0000")
    with open_store(swift) as store, pytest.raises(StoreAccessError, match="403"):
        try_fetch(store, spoiled, size=sent.size)


def test_a_url_ends_with_its_life(swift: Settings, small_mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = upload(small_mp4, settings=swift, extension="mp4", life=60)
    monkeypatch.setattr(sys.modules[presign.__module__], "_MIN_LIFE", 1)
    with open_store(swift) as store:
        url, _ = presign(store, sent.key, life=1)
        time.sleep(2.1)
        with pytest.raises(StoreAccessError, match="403"):
            try_fetch(store, url, size=sent.size)


SHIFTED = """
import datetime, sys, time
shift, now = float(sys.argv.pop(1)), time.time
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
time.time = lambda: now() + shift
datetime.datetime = Shifted
from preflight.cli import main
main()
"""
"""A process in which every clock that tells the date is wrong."""


@pytest.mark.parametrize(("minutes", "said"), [(20, "20 min ahead of"), (-20, "20 min behind")])
def test_wrong_clock_is_told_with_its_error_and_nothing_is_lost(
    swift: Settings, big: Path, tmp_path: Path, minutes: int, said: str
) -> None:
    settings = replace(swift, prefix=stores.fresh_prefix())
    environment = os.environ | {
        "PREFLIGHT_HOME": str(tmp_path / "home"),
        "PREFLIGHT_BUCKET": settings.bucket,
        "PREFLIGHT_PREFIX": settings.prefix,
        "PREFLIGHT_S3_ENDPOINT": str(settings.s3_endpoint),
        "PREFLIGHT_S3_KEY": settings.s3_key,
        "PREFLIGHT_S3_SECRET": str(settings.s3_secret),
    }
    command = [sys.executable, "-c", SHIFTED, str(minutes * 60), "upload", str(big)]
    wrong = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 4, wrong.stderr
    assert said in wrong.stderr
    assert "Set the clock" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    command[3] = "0"
    right = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert right.returncode == 0, right.stderr


@pytest.mark.parametrize("profile", ["generic", "minio"])
def test_other_bytes_than_were_hashed_are_refused(swift: Settings, big: Path, tmp_path: Path, profile: str) -> None:
    path = tmp_path / "edited.mp4"
    path.write_bytes(big.read_bytes())

    def edit(progress: Progress) -> None:
        if progress.note and progress.done == progress.total:
            with path.open("r+b") as file:
                file.write(b"edited")

    settings = replace(swift, store=profile, prefix=stores.fresh_prefix())
    with pytest.raises(FileChangedError):
        upload(path, settings=settings, extension="mp4", life=60, listener=edit)
