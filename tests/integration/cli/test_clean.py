"""`preflight clean` as a person uses it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import clips
from tests.end_to_end.cli import preflight

ROOT = str(Path(__file__).parents[3])
BOX = "0.4-0.6@0.2,0.2,0.5,0.5"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 s without text, a keyframe every ten frames."""
    path = tmp_path_factory.mktemp("clean") / "clip.mp4"
    closed = ("-c:v", "libx264", "-g", "10", "-sc_threshold", "0", "-pix_fmt", "yuv420p")
    clips.run("-f", "lavfi", "-i", clips.gradients(320, 240, 1.2), *closed, path)
    return path


def test_wishes_reach_the_engine(clip: Path, tmp_path: Path) -> None:
    out, sheet = tmp_path / "new" / "cleaned.mp4", tmp_path / "sheet.png"
    wishes = ("--box", BOX, "--smart-encode", "--processes", "1", "--sheet", sheet)
    outcome = preflight("clean", clip, "-o", out, *wishes, "--json", PYTHONPATH=ROOT)
    assert outcome.code == 0, outcome.err
    last = outcome.events[-1]
    assert (last["event"], last["file"]) == ("cleaned", str(out))
    assert (last["quality"]["frames"], last["quality"]["frames_copied"]) == (30, 20)
    assert out.is_file()
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_result_goes_beside_the_file_and_is_named(clip: Path, tmp_path: Path) -> None:
    given = tmp_path / "a.mp4"
    given.write_bytes(clip.read_bytes())
    outcome = preflight("clean", given, PYTHONPATH=ROOT)
    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'a-clean.mp4'}\n"), outcome.err
    assert "copied" in outcome.err


def test_source_is_never_replaced(clip: Path) -> None:
    outcome = preflight("clean", clip, "-o", clip, PYTHONPATH=ROOT)
    assert outcome.code == 2
    assert "is the source" in outcome.err


def test_output_may_be_a_folder(clip: Path, tmp_path: Path) -> None:
    outcome = preflight("clean", clip, "-o", tmp_path, PYTHONPATH=ROOT)
    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'clip-clean.mp4'}\n"), outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("missing.mp4",), 3, "There is no such file"),
        (("{folder}",), 3, "It is a folder"),
        (("{clip}", "--sheet", "{folder}"), 2, "is a folder"),
        (("{clip}", "-o", "{clip}/a.mp4"), 1, "can't be written: Not a directory"),
        (("{clip}", "-o", "{folder}/new/a.mp4", "--overlay", "{clip}/a.mp4"), 1, "can't be written: Not a directory"),
    ],
)
def test_what_can_not_be_read_or_written_is_told_before_the_work(
    arguments: tuple[str, ...], code: int, words: str, clip: Path, tmp_path: Path
) -> None:
    given = [argument.format(clip=clip, folder=tmp_path) for argument in arguments]
    outcome = preflight("clean", *given, PYTHONPATH=ROOT)
    assert (outcome.code, outcome.out) == (code, ""), outcome.err
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "src.mp4"),
        ("-o", "folder/../src.mp4"),
        ("--sheet", "src.mp4"),
        ("--overlay", "src.mp4", "--overwrite"),
        ("-o", "earlier.mp4"),
        ("-o", "new.mp4", "--overlay", "new.mp4"),
        ("-o", "new.mp4", "--sheet", "earlier.mp4"),
    ],
)
def test_no_file_is_overwritten_by_accident(options: tuple[str, ...], small_mp4: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("src.mp4", "earlier.mp4"):
        (tmp_path / name).write_bytes(small_mp4.read_bytes())
    command = [sys.executable, "-m", "preflight", "clean", "src.mp4", *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 2, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["earlier.mp4", "folder", "src.mp4"]
    assert (tmp_path / "src.mp4").read_bytes() == small_mp4.read_bytes()
