"""Encode paths against the bare ffmpeg command: wall time, and the memory of all processes at their peak."""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import contents
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()
OURS = """
import sys
from pathlib import Path
from fixtures.checker import checker
from preflight.fixing import apply, plan
from preflight.tools import ffmpeg
apply(plan(checker()(Path(sys.argv[1]))), Path(sys.argv[2]), recheck=checker(), ffmpeg=ffmpeg.find())
"""


def measured(argv: list[str]) -> tuple[float, float]:
    """Return wall seconds and the largest process's memory in MB, measured in a process of their own."""
    script = (
        "import resource, subprocess, sys, time\n"
        "t = time.perf_counter(); subprocess.run(sys.argv[1:], check=True); t = time.perf_counter() - t\n"
        "print(t, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)"
    )
    done = subprocess.run([sys.executable, "-c", script, *argv], capture_output=True, text=True, check=True)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def main() -> None:
    """Print the figures for a downscale."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15)
    given = parser.parse_args()
    assert resource.RUSAGE_CHILDREN
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = contents.make("noisy-pattern", folder, seconds=given.seconds, size="2560x1440")
        pairs = []
        for number in range(given.runs + 1):
            ours = measured([sys.executable, "-c", OURS, str(clip), str(folder / f"ours-{number}")])
            bare = measured([
                PROGRAM, "-v", "error", "-nostdin", "-y", "-i", str(clip), "-c:a", "copy", "-c:v", "libx264",
                "-preset", "veryfast", "-crf", "20", "-vf", "scale=1920:1080:flags=bicubic,format=yuv420p",
                "-movflags", "+faststart", str(folder / "bare.mp4"),
            ])  # fmt: skip
            pairs.append((ours, bare))
            time.sleep(0.2)
        for index, what, unit in ((0, "wall time", "s"), (1, "memory", "MB")):
            a = statistics.median(ours[index] for ours, _ in pairs[1:])
            b = statistics.median(bare[index] for _, bare in pairs[1:])
            print(
                f"downscale, {what}: ours {a:.2f} {unit}, bare ffmpeg {b:.2f} {unit}, ratio {a / b:.3f} (wanted: 1.05)"
            )


if __name__ == "__main__":
    main()
