import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import DiskFullError, ToolError
from preflight.tools import files


def filled(path: Path, size: int, age: float) -> Path:
    path.mkdir(parents=True)
    for entry in (path / "file", path):
        if entry != path:
            entry.write_bytes(b"x" * size)
        os.utime(entry, (1_000_000 - age, 1_000_000 - age))
    return path


def test_oldest_goes_first(tmp_path: Path) -> None:
    old, middle, new = (filled(tmp_path / name, 100, age) for name, age in (("a", 30), ("b", 20), ("c", 10)))
    assert files.prune(tmp_path, 250) == [old]
    assert middle.exists()
    assert new.exists()


def test_spared_entry_stays(tmp_path: Path) -> None:
    old = filled(tmp_path / "a", 100, 30)
    new = filled(tmp_path / "b", 100, 10)
    assert files.prune(tmp_path, 100, spare=old) == [new]


def test_nothing_to_prune(tmp_path: Path) -> None:
    filled(tmp_path / "a", 100, 30)
    assert files.prune(tmp_path, 100) == []
    assert files.prune(tmp_path / "missing", 0) == []


def test_published_file_replaces_nothing(tmp_path: Path) -> None:
    for content in (b"1", b"2", b"3"):
        (tmp_path / "made").write_bytes(content)
        files.publish(tmp_path / "made", tmp_path / "a.mp4")
    assert [(tmp_path / name).read_bytes() for name in ("a.mp4", "a-2.mp4", "a-3.mp4")] == [b"1", b"2", b"3"]


def test_scratch_vanishes_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with files.scratch(tmp_path / "out") as folder:
            (folder / "half").write_bytes(b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list((tmp_path / "out").iterdir()) == []


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match="can't be written"), files.scratch(tmp_path / "file" / "out"):
        pass


def test_too_little_room_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="bytes free"):
        files.require_room(tmp_path, 10**18)


@given(
    st.text(alphabet=st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=400)
)
def test_names_fit_the_file_system(stem: str) -> None:
    made = files.name(stem, "-fixed-1of3.mp4")
    assert len(os.fsencode(made)) <= files.MAX_NAME_BYTES
    assert made.endswith("-fixed-1of3.mp4")
