"""The default policy against a plain "scale and two passes to the size" script, on a 12-minute clip of 350 MB."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.fix_copy import BARE, material, ours
from fixtures.checker import checker

checker_of_source = checker()


def script(clip: Path, into: Path, seconds: float) -> float:
    """Do what the script does for the first `seconds` and return the wall time."""
    log = str(into / "log")
    common = [*BARE, "-t", str(seconds), "-i", str(clip), "-vf", "scale=-2:1080", "-c:v", "libx264"]
    common += ["-preset", "veryfast", "-b:v", "2000k", "-passlogfile", log]
    before = time.perf_counter()
    subprocess.run([*common, "-pass", "1", "-an", "-f", "null", "-"], check=True)
    subprocess.run([*common, "-pass", "2", "-c:a", "copy", str(into / "script.mp4")], check=True)
    return time.perf_counter() - before


def main() -> None:
    """Print both times and the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, help="folder for the clip, kept for the next run")
    parser.add_argument("--part", type=float, default=150, help="seconds the script does; its time is scaled up")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.keep is not None:
            given.keep.mkdir(exist_ok=True)
        clip = material(given.keep or folder)
        length = float(getattr(checker_of_source(clip).media, "duration", 0) or 720)
        theirs = script(clip, folder, given.part) * length / min(given.part, length)
        before = time.perf_counter()
        ours(clip)(folder / "ours")
        mine = time.perf_counter() - before
        print(f"12 minutes: ours {mine:.1f} s and nothing lost, script {theirs:.0f} s (by {given.part:g} s of it): "
              f"{theirs / mine:.0f} times as fast (wanted: at least 10)")  # fmt: skip


if __name__ == "__main__":
    main()
