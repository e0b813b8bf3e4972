"""Shrink against two-pass x264 of the same preset and size: VMAF and wall time, on clips of a minute."""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import contents
from fixtures import clips
from fixtures.checker import checker, measure
from preflight.fixing import apply, plan
from preflight.model.limits import Limits
from preflight.model.plan import Policy
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()
NAMES = ("noisy-pattern", "zoom", "cuts", "grain-on-gradients")


def vmaf(made: Path, source: Path) -> float:
    """Return the mean VMAF of `made` against `source`, every fifth picture."""
    graph = "[0:v]settb=AVTB,setpts=N[a];[1:v]settb=AVTB,setpts=N[b];[a][b]libvmaf=n_subsample=5:n_threads=2"
    argv = [PROGRAM, "-hide_banner", "-nostdin", "-i", made, "-i", source, "-lavfi", graph, "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found = re.search(r"VMAF score: ([\d.]+)", done.stderr)
    assert found is not None
    return float(found[1])


def two_pass(clip: Path, made: Path, size: int) -> float:
    """Encode `clip` in two passes to `size` bytes of picture and return the wall seconds."""
    seconds = float(measure(clip).duration or 1)
    rate = str(int(size * 8 / seconds))
    log = str(made.with_suffix(".log"))
    common = ["-i", clip, "-c:v", "libx264", "-preset", "veryfast", "-b:v", rate, "-passlogfile", log]
    before = time.perf_counter()
    clips.run(*common, "-pass", "1", "-an", "-f", "null", "-")
    clips.run(*common, "-pass", "2", "-c:a", "copy", made)
    return time.perf_counter() - before


def one(clip: Path, folder: Path, share: float) -> tuple[float, float]:
    """Shrink to `share` of the uncapped size both ways; return the VMAF lost against the peer and the time ratio."""
    free = folder / "free.mp4"
    clips.run("-i", clip, "-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", free)
    media = measure(clip)
    sound = int((media.audio[0].bit_rate or 0) * (media.duration or 0) / 8)
    limits = Limits(max_bytes=min(int(free.stat().st_size * share) + sound, clip.stat().st_size - 1))
    before = time.perf_counter()
    fixed = apply(plan(checker(limits)(clip), policy=Policy.ONE_FILE), folder, recheck=checker(limits), ffmpeg=PROGRAM)
    ours = time.perf_counter() - before
    made = fixed.segments[0].media
    peer = folder / "peer.mp4"
    theirs = two_pass(clip, peer, made.size - sound)
    lost = vmaf(peer, clip) - vmaf(made.path, clip)
    print(f"{clip.stem:20} at {share}: VMAF {lost:+.2f} lost, size {made.size / peer.stat().st_size:.3f} of two-pass, "
          f"time ratio {ours / theirs:.2f}", flush=True)  # fmt: skip
    return lost, ours / theirs


def main() -> None:
    """Print a line a clip, and the figures where the budget binds and where the quality cap decides."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", type=Path, nargs="*", help="clips of your own, instead of the made ones")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--names", nargs="*", default=NAMES, help="which of the made contents")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = given.clips or [contents.make(each, folder, seconds=given.seconds) for each in given.names]
        for what, share, wanted in (("the budget binds", 0.5, 0.85), ("the quality cap decides", 1.3, 0.7)):
            results = []
            for number, clip in enumerate(chosen):
                into = folder / f"{what}-{number}"
                into.mkdir()
                results.append(one(clip, into, share))
            lost, ratio = max(r[0] for r in results), statistics.median(r[1] for r in results)
            print(f"{what}: at most {lost:.2f} VMAF lost (wanted: 0.5), time ratio {ratio:.2f} (wanted: {wanted})")


if __name__ == "__main__":
    main()
