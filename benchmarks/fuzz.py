"""Check thousands of spoiled files: none may crash or hang the check, or make it exit with a wrong code.

    python benchmarks/fuzz.py [--files 5000] [--seed 1] [--deep]

Seeds are clips of all five containers, plain and fragmented. A file that took longer than 5 s, an exception, or an exit
code other than the verdicts ask for ends the run with 1; the spoiled file is kept and named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import preflight  # noqa: E402
from fixtures import cases, clips, mutations  # noqa: E402

LONGEST = 5.0
BATCH = 250


def seeds(folder: Path) -> list[Path]:
    """Make the clips that are spoiled."""
    made = [clips.clip(folder / f"seed.{extension}", seconds=0.4) for extension in ("mp4", "mov", "webm", "avi", "mkv")]
    fragments = ("-movflags", "frag_keyframe+empty_moov", "-g", "3")
    made.append(clips.clip(folder / "fragmented.mp4", seconds=0.4, output=fragments))
    made.append(cases.remux(made[0], folder / "fast.mp4", "-movflags", "+faststart"))
    made.append(cases.with_cover(made[0], folder / "cover.mp4", size="32x32"))
    return made


def batch(folder: Path, deep: str | None) -> tuple[Counter[str], list[str]]:
    """Check every file of `folder` one by one and by the program; return what was told and what went wrong."""
    told: Counter[str] = Counter()
    wrong: list[str] = []
    passed = True
    for path in sorted(folder.iterdir()):
        start = time.monotonic()
        try:
            report = preflight.check(path, deep=deep)
        except Exception as error:  # noqa: BLE001 - any is what this looks for
            wrong.append(f"{path}: {error!r}")
            continue
        took = time.monotonic() - start
        if took > LONGEST:
            wrong.append(f"{path}: took {took:.1f} s")
        if report.ok == bool(report.failures):
            wrong.append(f"{path}: ok and refused at once")
        passed = passed and report.ok
        told.update(finding.rule for finding in report.failures or ())
        told["ok"] += report.ok
    command = [sys.executable, "-m", "preflight", "check", "-f", "jsonl", str(folder), *(["--deep"] if deep else [])]
    status = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode
    if status != (0 if passed else 3):
        wrong.append(f"{folder}: the program exited with {status}")
    return told, wrong


def main() -> int:
    """Run and print what was told; return 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deep", action="store_true", help="read all packets too")
    given = parser.parse_args()
    told: Counter[str] = Counter()
    start = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="fuzz-"))
    made = seeds(home)
    spoiled = mutations.spoiled([path.read_bytes() for path in made], given.files, seed=given.seed)
    wrong: list[str] = []
    for first in range(0, given.files, BATCH):
        folder = home / f"{first:06}"
        folder.mkdir()
        for number in range(first, min(first + BATCH, given.files)):
            (folder / f"{number:06}{made[number % len(made)].suffix}").write_bytes(next(spoiled))
        found, bad = batch(folder, "packets" if given.deep else None)
        told.update(found)
        wrong += bad
        if not bad:
            for path in folder.iterdir():
                path.unlink()
    print(f"{given.files} files in {time.monotonic() - start:.0f} s: {dict(told.most_common())}")
    print("\n".join(wrong) or "no crash, no hang, no wrong exit code")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
