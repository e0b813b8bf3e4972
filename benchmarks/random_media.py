"""Random clips through check, fix, split and join, judged with ffprobe and ffmpeg.

    python benchmarks/random_media.py [--first 0] [--count 100] [--ffmpeg PATH] [--results FILE] [--again CLASS]
    python benchmarks/random_media.py --clean ...

Each seed gives one clip (fixtures/random_media.py) and one way of fixing it: as it is, trimmed, split and joined,
scaled, shrunk, or made safe. `--ffmpeg` names the program that preflight uses; the judge's stays the same.
With `--clean` a box is filled in each clip instead.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.corpus import known, opinion, worked  # noqa: E402
from fixtures import random_media  # noqa: E402

HOWS = ("as-is", "duration", "duration", "trim", "trim", "size", "sides", "safe")


def examined(seed: int, ffmpeg: str, folder: Path, *, clean: bool) -> dict[str, Any]:
    """Return the record of one seed."""
    recipe = random_media.recipe(seed)
    shown = {"recipe": str(recipe)}
    try:
        clip = random_media.make(recipe, folder / "clip")
    except RuntimeError as error:
        return shown | {"wrong": ["not made"], "why": str(error).splitlines()[-1]}
    draw = random.Random(seed + 10**6)  # noqa: S311
    how = "clean" if clean else draw.choice(HOWS)
    start = round(draw.uniform(0, recipe.seconds / 2), 2)
    trim = [str(start), str(round(start + draw.uniform(0.4, recipe.seconds / 2), 2))]
    wanted = {"path": str(clip), "into": str(folder / "fixed"), "ffmpeg": ffmpeg, "how": how, "trim": trim}
    said = worked(wanted | {"join": True})
    row = said if "wrong" in said else opinion(clip, said)
    return shown | {"how": how, "trim_wanted": trim} | row


def main() -> None:
    """Examine the seeds that have no record yet; print totals and examples of each class."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--ffmpeg", default="")
    parser.add_argument("--results", type=Path, default=Path("random-media.jsonl"))
    parser.add_argument("--again")
    parser.add_argument("--clean", action="store_true")
    given = parser.parse_args()
    before = known(given.results, given.again)
    totals: Counter[str] = Counter()
    examples: dict[str, list[int]] = {}
    with given.results.open("a") as kept:
        kept.write("\n")
        for seed in range(given.first, given.first + given.count):
            row = before.get(f"{seed} {given.ffmpeg}")
            if row is None:
                with tempfile.TemporaryDirectory() as folder:
                    made = examined(seed, given.ffmpeg, Path(folder), clean=given.clean)
                row = {"key": f"{seed} {given.ffmpeg}", **made}
                kept.write(json.dumps(row) + "\n")
                kept.flush()
            refused = bool(row.get("said", {}).get("refusal"))
            totals.update(row["wrong"] or ["refused" if refused else "agreed"])
            for name in row["wrong"]:
                examples.setdefault(name, []).append(seed)
    print(f"{given.count} seeds, ffmpeg {given.ffmpeg or 'of the wheel'}")
    for name, number in totals.most_common():
        print(f"{number:6} {name}  {examples.get(name, [])[:8]}")


if __name__ == "__main__":
    main()
