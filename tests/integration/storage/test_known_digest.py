from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import stores
from preflight.errors import FileChangedError
from preflight.events import Progress, ignore
from preflight.settings import Settings
from preflight.storage import digest, open_store, place


@pytest.fixture
def settings(tmp_path: Path) -> Settings:  # type: ignore[misc]
    with stores.embedded(tmp_path / "objects") as made:
        yield made


def files(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 7_000_000)
    return paths


def test_stores_that_are_open_at_once_share_a_client(settings: Settings) -> None:
    with (
        open_store(settings) as one,
        open_store(replace(settings)) as same,
        open_store(replace(settings, prefix="other/")) as other,
    ):
        assert one.client is same.client
        assert one.client is not other.client
    with open_store(settings) as later:
        assert later.client is not one.client


def test_file_of_known_digest_is_read_once(settings: Settings, tmp_path: Path) -> None:
    (path,) = files(tmp_path, 1)
    sha256, notes = digest(path), list[str]()
    placed = place(
        path, settings=settings, sha256=sha256, extension="mp4", listener=lambda progress: notes.append(progress.note)
    )
    assert placed.sha256 == sha256
    assert set(notes) == {""}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("known", [False, True])
def test_truncation_during_the_upload_is_noticed_at_once(settings: Settings, tmp_path: Path, known: bool) -> None:
    (path,) = files(tmp_path, 1)
    path.write_bytes(b"x" * 40_000_000)
    sent: list[float] = []

    def truncate(progress: Progress) -> None:
        if not progress.note:
            sent.append(progress.done)
            with path.open("r+b") as file:
                file.truncate(1_000_000)

    sha256 = digest(path, ignore) if known else None
    with pytest.raises(FileChangedError):
        place(path, settings=settings, sha256=sha256, extension="mp4", listener=truncate)
    # Only what was in memory at the truncation can have been sent: two parts under way and one that was read ahead.
    assert max(sent) <= 20_000_000


def test_file_that_is_not_the_announced_one_is_not_completed(settings: Settings, tmp_path: Path) -> None:
    first, second = files(tmp_path, 2)
    with pytest.raises(FileChangedError):
        place(second, settings=settings, sha256=digest(first), extension="mp4")
    with open_store(settings) as store:
        assert store.head(store.key(digest(first), "mp4")) is None
