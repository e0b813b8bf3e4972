"""A file that becomes shorter while it is sent is noticed at once, not at the store's time-out."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import FileChangedError
from preflight.events import Progress
from preflight.settings import Settings
from preflight.storage import upload


@pytest.mark.parametrize("size", [3_000_000, 30_000_000], ids=["whole", "parts"])
def test_truncation_during_upload_is_noticed_at_once(size: int, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "growing.mp4"
    path.write_bytes(b"\0" * size)

    def cut(progress: Progress) -> None:
        if not progress.note and progress.done < progress.total:  # type: ignore[operator]
            with path.open("r+b") as file:
                file.truncate(size // 10)

    started = time.monotonic()
    with pytest.raises(FileChangedError, match="changed while it was being sent"):
        upload(path, settings=replace(settings, upload_rate=2_000_000), extension="mp4", life=60, listener=cut)
    assert time.monotonic() - started < 40
