"""Check and fix folders of arbitrary media, and judge each result with ffprobe and ffmpeg, not with our own probe.

    python benchmarks/corpus.py FOLDER... [--sample 300] [--seed 1] [--jobs 1] [--shrunk] [--ffmpeg PATH]
                                [--results FILE] [--again CLASS]

Results are JSON lines by digest: a run that was killed goes on where it ended. `--shrunk` scales the limits down to
each file, so that a file that passes is split, scaled or shrunk too. `--again CLASS` examines the files of a class once
more, and replaces their results. What the judge can't decide is a class of its own; a second, newer ffmpeg is asked
before a disagreement counts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

from imageio_ffmpeg import get_ffmpeg_exe

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import media_judge, media_worker  # noqa: E402
from benchmarks.media_judge import NAMES, Facts, JudgeError, Promise  # noqa: E402

JUDGE = shutil.which("ffmpeg") or get_ffmpeg_exe()
SECOND = get_ffmpeg_exe()
"""The newest ffmpeg here; where the two judges differ, it is the judges that disagree."""
TIMEOUT = 120
"""Seconds that check and fix of one file may take together."""
BOX = (1920, 1080)
MAX_SECONDS = 360
KINDS = frozenset(
    "mp4 m4v mov webm avi mkv ts mts m2ts m2v mpg mpeg flv f4v 3gp 3g2 wmv asf ogv ogg gif mxf".split()  # noqa: SIM905
)

HOWS = ("duration", "size", "sides")
"""Limits that are scaled down by `--shrunk`, one for each file."""


def expected(path: Path, source: Facts) -> set[int]:
    """Return the codes that the service would answer with, by what the judge saw."""
    codes = set()
    names = NAMES.get(source.family, set())
    if (
        not source.readable
        or path.suffix[1:].lower() not in names
        or any(t.tag in {"encv", "drmi"} for t in source.tracks)
    ):
        codes.add(702)
    if source.readable and source.size is not None and source.video is not None:
        width, height = source.size
        sar = source.video.sar
        width, height = (round(width * sar), height) if sar > 1 else (width, round(height / sar))
        if max(width, height) > BOX[0] or min(width, height) > BOX[1]:
            codes.add(703)
    # ffprobe 5.1 adds the start to the duration of fragments.
    if source.readable and min(source.duration or 0, source.extent or source.duration or 0) > MAX_SECONDS:
        codes.add(700)
    if path.stat().st_size > 200_000_000:
        codes.add(701)
    return codes


def verdict(path: Path, said: dict[str, Any], source: Facts) -> list[str]:
    """Return the classes of disagreement about the source itself."""
    codes, wanted = set(said["codes"]), expected(path, source)
    if 702 in codes & wanted and not source.readable:
        # Of what does not decode, the judge can tell neither size nor length.
        return []
    if codes != wanted:
        rules = [rule for rule in said["rules"] if codes - wanted]
        why = rules[0] if rules else (source.complaints[0][:60] if source.complaints else "")
        named = f"check: {sorted(codes) or 'pass'} where the judge has {sorted(wanted) or 'pass'}"
        intact = codes - wanted == {702} and not source.complaints
        return [f"{named} ({why})" + (" INTACT" if intact else "")]
    if not source.readable or said.get("duration") is None:
        return []
    found = []
    ours = Fraction(said["duration"])
    # The same, and it passes over the subtitles of fragments: the packets' extent is asked too.
    begun = (source.duration or 0) - max(0, source.start)
    theirs = [length for length in (source.duration, begun, source.extent) if length]
    if theirs and all(abs(ours - length) > max(Fraction(1, 10), length / 100) for length in theirs):
        found.append("check: duration")
    if said["size"] != list(source.size or ()):
        found.append("check: frame size")
    return found


def promise(said: dict[str, Any]) -> Promise:
    """Return what the plan of `said` says of its files."""
    end = said["sound_end"]
    return Promise(
        copied=said["copied"],
        sound_copied=said["sound_copied"],
        dropped=Counter(said["dropped"]),
        sound_end=None if end is None else Fraction(end),
        trim=None if said["trim"] is None else (Fraction(said["trim"][0]), Fraction(said["trim"][1])),
        rates_may_change=said["rates_may_change"],
        repainted="clean" in said["steps"],
        resized=bool({"crop", "scale", "shrink"} & set(said["steps"])),
    )


def examined(path: Path, digest: str, given: argparse.Namespace, folder: str) -> dict[str, Any]:
    """Return the record of one file: what was said of it, what the judge saw, and the classes of disagreement."""
    how = HOWS[int(digest[:8], 16) % len(HOWS)] if given.shrunk else "as-is"
    said = worked({"path": str(path), "into": folder, "ffmpeg": given.ffmpeg, "how": how})
    if "wrong" in said:
        return said
    return opinion(path, said)


def worked(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what the worker said, or a record of its crash or time-out."""
    return media_worker.in_a_fork(wanted, TIMEOUT)


def opinion(path: Path, said: dict[str, Any]) -> dict[str, Any]:
    """Return the record of what `said` is worth by the judge, and by a second one where the first disagrees."""
    opinions: list[list[str]] = []
    try:
        for judge in dict.fromkeys((JUDGE, SECOND)):
            opinions.append(judged(path, said, judge))
            if not opinions[-1]:
                return {"said": said, "wrong": []}
    except JudgeError as error:
        return {"said": said, "wrong": [f"judge: {error}"]}
    agreed = [name for name in opinions[-1] if name in opinions[0] or name.startswith(("check", "fix error"))]
    return {"said": said, "wrong": agreed or ["judge: its versions disagree"], "opinions": opinions}


def judged(path: Path, said: dict[str, Any], ffmpeg: str) -> list[str]:
    """Return the classes of disagreement by one judge. Raises JudgeError."""
    source = media_judge.facts(path, ffmpeg=ffmpeg)
    found = verdict(path, said, source)
    if "error" in said and source.readable:
        found.append(f"fix error: {said['error'][:70]}")
    if said.get("files") and source.readable:
        parts = [media_judge.facts(Path(name), ffmpeg=ffmpeg) for name in said["files"]]
        found += media_judge.losses(source, parts, promise(said))
    if said.get("joined") and source.readable:
        whole = media_judge.facts(Path(said["joined"]), ffmpeg=ffmpeg)
        found += [name.replace("fix", "join", 1) for name in media_judge.losses(source, [whole], promise(said))]
    return found


def known(results: Path, again: str | None) -> dict[str, dict[str, Any]]:
    """Return earlier records by key, but for those of the class `again`; half a last line is passed over."""
    records: dict[str, dict[str, Any]] = {}
    for line in results.read_text().splitlines() if results.exists() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        records[record["key"]] = record
    return {k: r for k, r in records.items() if again is None or not any(again in name for name in r["wrong"])}


def chosen(given: argparse.Namespace) -> Iterator[Path]:
    """Yield the media files of the folders, or a sample of them."""
    files = sorted(p for f in given.folders for p in f.rglob("*") if p.suffix.lower()[1:] in KINDS and p.is_file())
    if given.sample:
        files = random.Random(given.seed).sample(files, min(given.sample, len(files)))  # noqa: S311
    yield from files


def main() -> None:
    """Examine the files that have no record yet; print totals and an example of each class."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--shrunk", action="store_true")
    parser.add_argument("--ffmpeg", default="")
    parser.add_argument("--results", type=Path, default=Path("corpus.jsonl"))
    parser.add_argument("--again")
    given = parser.parse_args()
    before = known(given.results, given.again)

    def record(path: Path) -> dict[str, Any]:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        key = f"{digest}{path.suffix} {given.ffmpeg} {given.shrunk}"
        if key in before:
            return before[key]
        with tempfile.TemporaryDirectory() as folder:
            row = examined(path, digest, given, folder)
        return {"key": key, "path": str(path), **row}

    totals: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    count = 0
    with given.results.open("a") as kept, ThreadPoolExecutor(given.jobs) as pool:
        kept.write("\n")
        for row in pool.map(record, chosen(given)):
            if row["key"] not in before:
                kept.write(json.dumps(row) + "\n")
                kept.flush()
            count += 1
            totals.update(row["wrong"] or ["agreed"])
            for name in row["wrong"]:
                examples.setdefault(name, []).append(row["path"])
    print(f"{count} files")
    for name, number in totals.most_common():
        print(f"{number:6} {name}  {' '.join(examples.get(name, [])[:2])}")


if __name__ == "__main__":
    main()
