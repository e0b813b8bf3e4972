"""Size targets: 12 contents x 3 lengths, each shrunk to a limit that binds. How many keep it, in how many tries."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from benchmarks import contents
from fixtures import clips
from fixtures.checker import checker, measure
from preflight.events import Progress
from preflight.fixing import apply, plan
from preflight.model.limits import Limits
from preflight.model.plan import Policy
from preflight.tools import ffmpeg

LENGTHS = (10, 20, 40)
SHARE = 0.45
"""The limit, as a share of what the same encode takes without a cap."""


def one(clip: Path, into: Path) -> tuple[float, int, bool]:
    """Return the share of the limit used, the tries, and whether the limit was kept."""
    free = into / "free.mp4"
    clips.run("-i", clip, "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-c:a", "copy", free)
    sound = measure(clip).audio[0].bit_rate or 0
    other = int(sound * (measure(clip).duration or 0) / 8)
    limits = Limits(max_bytes=int((free.stat().st_size - other) * SHARE) + other)
    tries = set()

    def hear(progress: Progress) -> None:
        tries.add(progress.note)

    made = plan(checker(limits)(clip), policy=Policy.ONE_FILE)
    size = apply(made, into, recheck=checker(limits), ffmpeg=ffmpeg.find(), listener=hear).segments[0].media.size
    return size / limits.max_bytes, len(tries), size <= limits.max_bytes


def main() -> None:
    """Print a line a clip and the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lengths", type=int, nargs="*", default=LENGTHS)
    parser.add_argument("--keep", type=Path, help="folder for the clips, kept for the next run")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    results = []
    for seconds in given.lengths:
        for name in contents.CONTENTS:
            clip = contents.make(name, folder, seconds=seconds)
            with tempfile.TemporaryDirectory() as into:
                results.append(one(clip, Path(into)))
            used, tries, kept = results[-1]
            print(f"{name:20} {seconds:3} s: {used:6.1%} of the limit, {tries} tries, {'kept' if kept else 'BROKEN'}")
    shares = [used for used, _, _ in results]
    print(f"within the limit: {sum(kept for _, _, kept in results)}/{len(results)} (wanted: all)")
    print(f"in one try: {sum(tries == 1 for _, tries, _ in results) / len(results):.0%} (wanted: at least 90%)")
    print(f"least used: {min(shares):.1%}, {sum(s >= 0.93 for s in shares)}/{len(shares)} use 93% (wanted: all)")
    if given.keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
