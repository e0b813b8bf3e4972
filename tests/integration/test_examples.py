"""The example programs of the documentation run as they are, and are typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import clips

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


def run_example(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_folder_is_checked(small_mp4: Path, tmp_path: Path) -> None:
    (tmp_path / "good.mp4").write_bytes(small_mp4.read_bytes())
    assert run_example("check_folder.py", tmp_path).returncode == 0
    (tmp_path / "bad.mp4").write_text("no video")
    done = run_example("check_folder.py", tmp_path)
    assert done.returncode == 3
    assert "bad.mp4: (702,)" in done.stdout


def test_video_is_fixed(tmp_path: Path) -> None:
    done = run_example(
        "fix_video.py", clips.clip(tmp_path / "wide.mp4", size=(2048, 64), seconds=0.5), tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).is_file()
    assert "fix" in done.stderr


def test_video_is_cleaned_on_this_machine(small_mp4: Path, tmp_path: Path) -> None:
    done = run_example("clean_videos.py", tmp_path / "out", small_mp4)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.rpartition(": ")[2].strip()).is_file()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example_is_typed(path: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(tmp_path),
        "--follow-imports=silent",
        str(path),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | {"MYPYPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout
