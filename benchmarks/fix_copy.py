"""Remux and split against the bare `ffmpeg -c copy` doing the same, on a 12-minute clip of 350 MB. Medians of runs."""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fixtures import clips
from fixtures.checker import checker
from preflight.fixing import apply, plan
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()
BARE = [PROGRAM, "-v", "error", "-nostdin", "-y"]


def material(folder: Path) -> Path:
    """Make 12 minutes of about 350 MB: 24 s of noisy pattern, thirty times."""
    made = folder / "long.mp4"
    if not made.exists():
        seed = folder / "seed.mp4"
        source = "testsrc2=size=1280x720:rate=25,noise=alls=20:allf=t"
        clips.run("-f", "lavfi", "-t", "24", "-i", source, "-f", "lavfi", "-t", "24", "-i", "sine=440",
                  "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "3800k", "-maxrate", "4000k", "-bufsize", "4000k",
                  "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac", seed)  # fmt: skip
        clips.run("-stream_loop", "29", "-i", seed, "-c", "copy", made)
    return made


def timed(action: Callable[[Path], object], folder: Path) -> float:
    """Return how long `action` takes with an empty folder to write to, in seconds."""
    with tempfile.TemporaryDirectory(dir=folder) as into:
        before = time.perf_counter()
        action(Path(into))
        return time.perf_counter() - before


def ours(clip: Path) -> Callable[[Path], object]:
    """Return the whole of a fix: check, plan, make, check again."""
    return lambda into: apply(plan(checker()(clip)), into, recheck=checker(), ffmpeg=PROGRAM)


def bare_remux(clip: Path) -> Callable[[Path], object]:
    """Return the peer of a remux."""
    argv = [*BARE, "-i", str(clip), "-c", "copy", "-movflags", "+faststart"]
    return lambda into: subprocess.run([*argv, str(into / "o.mp4")], check=True)


def bare_split(clip: Path) -> Callable[[Path], object]:
    """Return the peer of a split: ffmpeg's segment muxer."""
    argv = [*BARE, "-i", str(clip), "-c", "copy", "-f", "segment", "-segment_time", "240"]
    argv += ["-reset_timestamps", "1", "-segment_format_options", "movflags=+faststart"]
    return lambda into: subprocess.run([*argv, str(into / "o%d.mp4")], check=True)


def compare(what: str, mine: Callable[[Path], object], peer: Callable[[Path], object], folder: Path, runs: int) -> None:
    """Print the medians of alternating runs and their ratio."""
    both = [(timed(mine, folder), timed(peer, folder)) for _ in range(runs + 1)][1:]
    a, b = (statistics.median(times) for times in zip(*both, strict=True))
    print(f"{what}: ours {a:.2f} s, bare ffmpeg {b:.2f} s, ratio {a / b:.2f} (wanted: at most 1.15)")


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder for the clip, kept for the next run")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    clip = material(folder)
    short = folder / "short.ts"
    if not short.exists():
        clips.run("-i", clip, "-t", "350", "-c", "copy", short)
    checker()(clip)
    compare("remux of 170 MB", ours(short), bare_remux(short), folder, given.runs)
    compare("split of 350 MB", ours(clip), bare_split(clip), folder, given.runs)
    if given.keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
