"""`preflight clean` as a person uses it."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures import clips, fill_models
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
    assert last["quality"]["fill_model"] is None
    assert out.is_file()
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_result_goes_beside_the_file_and_is_named(clip: Path, tmp_path: Path) -> None:
    given = tmp_path / "a.mp4"
    given.write_bytes(clip.read_bytes())
    outcome = preflight("clean", given, PYTHONPATH=ROOT)
    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'a-clean.mp4'}\n"), outcome.err
    assert "copied" in outcome.err


def test_result_of_a_container_that_is_not_written_is_an_mp4(clip: Path, tmp_path: Path) -> None:
    given = tmp_path / "a.ts"
    clips.run("-i", clip, "-c", "copy", given)
    outcome = preflight("clean", given, PYTHONPATH=ROOT)
    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'a-clean.mp4'}\n"), outcome.err
    assert b"ftyp" in (tmp_path / "a-clean.mp4").read_bytes()[:12]


@pytest.mark.parametrize("option", ["--output", "--overlay"])
@pytest.mark.parametrize("name", ["out.gif", "out"])
def test_container_that_is_not_written_is_told_before_any_work(
    clip: Path, tmp_path: Path, option: str, name: str
) -> None:
    outcome = preflight("clean", clip, option, tmp_path / name, PYTHONPATH=ROOT)
    assert outcome.code == 2
    assert "a cleaned video is .mp4, .m4v, .mov, .mkv, .avi, .webm" in outcome.err
    assert "Name it out.mp4" in outcome.err
    assert list(tmp_path.iterdir()) == []


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


@pytest.fixture(scope="module")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.4 s of upright stripes that stand still: behind a hole they can only be guessed."""
    path = tmp_path_factory.mktemp("striped") / "striped.mp4"
    stripes = "geq=lum='120+60*sin(X/2.5)':cb='128+20*sin(X/4)':cr='128+20*cos(X/4)'"
    picture = f"color=gray:size=320x240:rate=25:duration=0.4,format=yuv420p,{stripes}"
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-crf", "8", path)
    return path


def lumas(path: Path) -> NDArray[np.uint8]:
    """Return the luma planes (frames, 240, 320) of a clip."""
    argv = [clips.FFMPEG, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    return np.frombuffer(subprocess.run(argv, capture_output=True, check=True).stdout, np.uint8).reshape(-1, 240, 320)


def test_fill_model_fills_the_hole_and_nothing_beside_it(striped: Path, tmp_path: Path) -> None:
    model, out = fill_models.lama(tmp_path / "columns.onnx"), tmp_path / "cleaned.mp4"
    wishes = ("--box", "0-0.4@0.3,0.4,0.7,0.55", "-o", out, "--processes", "1")
    outcome = preflight("clean", striped, *wishes, "--fill-model", model, PYTHONPATH=ROOT)
    assert outcome.code == 0, outcome.err
    off = np.abs(lumas(out).astype(int) - lumas(striped))
    # Smoothly filled, it is off by more than 20 gray levels (tests/unit/engine/inpaint/test_learned_fill.py).
    assert off[:, 96:132, 96:224].mean() < 2
    off[:, 92:136, 92:228] = 0
    assert off.max() <= 8
    assert "columns.onnx made 100% of the filled pixels" in outcome.err
    (record,) = tmp_path.glob("*.json")
    used = json.loads(record.read_text())["result"]["quality"]["fill_model"]
    assert used == {"name": "columns.onnx", "digest": hashlib.sha256(model.read_bytes()).hexdigest(), "share": 1.0}


@pytest.mark.parametrize("given", ["option", "setting"])
def test_fill_model_that_can_not_be_used_is_told_before_the_work(given: str, clip: Path, tmp_path: Path) -> None:
    model, out = fill_models.scaled(tmp_path / "bad.onnx", float("nan")), tmp_path / "cleaned.mp4"
    options = ("--fill-model", model) if given == "option" else ()
    environment = {"PREFLIGHT_FILL_MODEL": str(model)} if given == "setting" else {}
    outcome = preflight("clean", clip, "-o", out, *options, PYTHONPATH=ROOT, **environment)
    assert (outcome.code, outcome.out) == (2, "")
    assert "bad.onnx" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not out.exists()


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


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_removal_that_was_stopped_goes_on_with_the_same_result(tmp_path: Path, ending: signal.Signals) -> None:
    given, home = tmp_path / "a.mp4", tmp_path / "home"
    clips.run("-f", "lavfi", "-i", clips.gradients(320, 240, 8), "-c:v", "libx264", given)
    words = ("clean", given, "--box", "0-8@0.2,0.2,0.5,0.5", "--processes", "1")
    whole = preflight(*words, "-o", tmp_path / "whole.mp4", PYTHONPATH=ROOT, PREFLIGHT_HOME=str(home))
    assert whole.code == 0, whole.err
    assert list((home / "clean").iterdir()) == []

    argv = [sys.executable, "-m", "preflight", *map(str, words), "-o", str(tmp_path / "out.mp4")]
    environment = os.environ | {"PYTHONPATH": ROOT, "PREFLIGHT_HOME": str(home)}
    with subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True) as running:
        while not list(home.glob("clean/*/chunk-1.part")):
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(ending)
        said = running.communicate()[1]
    assert not (tmp_path / "out.mp4").exists()
    assert ("is kept" in said) == (ending is signal.SIGINT)

    again = preflight(*words, "-o", tmp_path / "out.mp4", PYTHONPATH=ROOT, PREFLIGHT_HOME=str(home))
    assert again.code == 0, again.err
    assert "Going on from" in again.err
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert list((home / "clean").iterdir()) == []
