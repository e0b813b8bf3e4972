"""No source and no existing file is replaced by accident, however it is spelled."""

import os
from pathlib import Path

import pytest

from preflight.errors import ToolError, UsageError
from preflight.tools.output_names import OutputNames, relative_below


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "s" / "src.mp4"
    path.parent.mkdir()
    path.write_bytes(b"source")
    return path


def spellings(source: Path) -> list[Path]:
    linked, hard = source.with_name("link.mp4"), source.with_name("hard.mp4")
    linked.symlink_to(source)
    os.link(source, hard)
    return [source, source.parent / ".." / "s" / "src.mp4", linked, hard]


def test_source_is_refused_however_it_is_spelled(source: Path) -> None:
    for path in spellings(source):
        for overwrite in (False, True):
            with pytest.raises(UsageError, match=r"--sheet: .*never written"):
                OutputNames([source], overwrite=overwrite).chosen(path, "--sheet")
    assert source.read_bytes() == b"source"


def test_existing_file_needs_leave_to_be_replaced(source: Path) -> None:
    earlier = source.with_name("earlier.mp4")
    earlier.touch()
    with pytest.raises(UsageError, match="add --overwrite"):
        OutputNames([source]).chosen(earlier, "--output")
    assert OutputNames([source], overwrite=True).chosen(earlier, "--output") == earlier


def test_dangling_link_counts_as_existing(source: Path) -> None:
    link = source.with_name("dangling.mp4")
    link.symlink_to("nowhere")
    with pytest.raises(UsageError, match="exists"):
        OutputNames([source]).chosen(link, "--output")


def test_two_outputs_can_not_be_one_file(source: Path) -> None:
    names = OutputNames([source])
    names.chosen(source.with_name("out.mp4"), "--output")
    with pytest.raises(UsageError, match="--overlay and --output are the same file"):
        names.chosen(source.parent / ".." / "s" / "out.mp4", "--overlay")


def test_derived_name_gets_a_number(source: Path) -> None:
    names = OutputNames([source])
    taken = [names.derived(source).name for _ in range(2)]
    assert taken == ["src-2.mp4", "src-3.mp4"]
    source.with_name("src-4.mp4").touch()
    assert OutputNames([source]).derived(source.with_name("src-4.mp4")).name == "src-4-2.mp4"


def test_folder_is_made_or_told(source: Path) -> None:
    made = OutputNames([source]).chosen(source.parent / "a" / "b" / "out.mp4", "--output")
    assert made.parent.is_dir()
    with pytest.raises(UsageError, match="is a folder"):
        OutputNames([source]).chosen(made.parent, "--output")
    with pytest.raises(ToolError):
        OutputNames([source]).chosen(source / "below-a-file.mp4", "--output")


def test_tree_is_that_below_the_named_folder(tmp_path: Path) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)
    assert relative_below(tmp_path / "in" / "a" / "x.mp4", [tmp_path / "in"]) == Path("a")
    assert relative_below(tmp_path / "else" / "x.mp4", [tmp_path / "in"]) == Path()
