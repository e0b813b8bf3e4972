"""`preflight fix` and `preflight join` as a person runs them."""

import os
import sys
from pathlib import Path

import pytest

from fixtures import awkward, clips
from fixtures.checker import hashes
from preflight.errors import ExitCode
from tests.end_to_end.cli import preflight


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid clip, one in a container that is not taken, one that is too long for the limit set, and no video."""
    made = tmp_path_factory.mktemp("clips")
    clips.clip(made / "good.mp4")
    clips.clip(made / "stream.ts", output=["-c:a", "aac"])
    clips.clip(made / "long.mp4", size=(160, 90), seconds=10, output=["-g", "25"])
    (made / "notes.txt").write_text("not a video")
    return made


def test_folder_is_fixed_split_and_joined_again(folder: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = preflight("fix", folder, "-o", tmp_path / "out", PREFLIGHT_MAX_DURATION="5")
    assert done.code == ExitCode.OK, done.err
    names = {path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")}
    parts = {f"long-fixed-{number}of3.mp4" for number in (1, 2, 3)}
    assert names == {"stream-fixed.mp4", "long-fixed.json", *parts}
    assert {path: path.read_bytes() for path in folder.iterdir()} == before

    joined = preflight("join", tmp_path / "out" / "long-fixed.json", "-o", tmp_path / "whole.mp4")
    assert joined.code == ExitCode.OK, joined.err
    assert hashes(tmp_path / "whole.mp4") == hashes(folder / "long.mp4")


def test_dry_run_writes_nothing_and_says_what_is_lost(folder: Path, tmp_path: Path) -> None:
    done = preflight("fix", folder / "stream.ts", "-o", tmp_path / "out", "--dry-run")
    assert done.code == ExitCode.OK
    assert "remux" in done.out
    assert "nothing" in done.out
    assert not (tmp_path / "out").exists()


def test_stream_that_is_left_out_is_named(tmp_path: Path) -> None:
    clip = awkward.unknown_audio(tmp_path / "a.mp4")
    done = preflight("fix", clip, "--trim", "3-9", "-o", tmp_path / "out")
    assert done.code == ExitCode.OK
    assert "stream 2: drop (mp4 can't hold zzzz" in done.err


def test_json_lines(folder: Path, tmp_path: Path) -> None:
    done = preflight("fix", folder / "stream.ts", "-o", tmp_path / "out", "--json")
    assert [event["event"] for event in done.events if event["event"] != "progress"] == ["fixed"]
    assert done.events[-1]["fixed"]["segments"][0]["media"]["container"] == "mp4"


def test_refusal_has_its_exit_code(folder: Path, tmp_path: Path) -> None:
    done = preflight(
        "fix", folder / "long.mp4", "-o", tmp_path / "out", "--policy", "one-file", PREFLIGHT_MAX_DURATION="5"
    )
    assert done.code == ExitCode.INPUT
    assert "--trim" in done.err


def test_folder_without_videos_is_an_error(tmp_path: Path) -> None:
    done = preflight("fix", tmp_path, "-o", tmp_path / "out")
    assert (done.code, "no videos" in done.err) == (ExitCode.INPUT, True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")
def test_names_that_are_no_text_are_kept(folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    odd.write_bytes((folder / "long.mp4").read_bytes())
    out = tmp_path / os.fsdecode(b"\xe9t\xe9")
    done = preflight("fix", odd, "-o", out, "--trim", "0.5-9.5", PREFLIGHT_MAX_DURATION="5")
    assert (done.code, "caf\\xe9-fixed" in done.out) == (ExitCode.OK, True), done.err
    (manifest,) = (path for path in out.glob("*.json") if not path.name.startswith("."))
    joined = preflight("join", manifest, "-o", out / "whole.mp4")
    assert joined.code == ExitCode.OK, joined.err
    assert len(hashes(out / "whole.mp4")) == 225
