"""Check and fix folders of arbitrary media, and judge each result with ffprobe and ffmpeg, not with our own probe.

    python benchmarks/corpus.py FOLDER... [--sample 300] [--seed 1] [--jobs 1] [--ffmpeg PATH] [--results FILE]

Results are JSON lines by digest; a run that was killed goes on where it ended. A fixed file is compared with its source
by what decodes: count of frames, the digest of each when the picture was copied, and the number of sound tracks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.check import ffprobe  # noqa: E402

JUDGE = "/usr/bin/ffmpeg"
TIMEOUT = 120
"""Seconds that one process may take."""
KINDS = [
    "mp4",
    "m4v",
    "mov",
    "webm",
    "avi",
    "mkv",
    "ts",
    "mts",
    "m2ts",
    "mpg",
    "mpeg",
    "flv",
    "f4v",
    "3gp",
    "wmv",
    "asf",
    "ogv",
    "ogg",
    "gif",
    "mxf",
]

WORKER = """
import dataclasses, json, sys
from pathlib import Path
import preflight
from preflight.settings import load
path, into, ffmpeg = sys.argv[1:4]
report = preflight.check(path)
media = report.media
said = {"codes": report.codes, "rules": [f.rule for f in report.findings]}
if media is not None:
    said["duration"] = None if media.duration is None else float(media.duration)
    video = [s for s in media.streams if hasattr(s, "display_size")]
    said["coded"] = [video[0].width, video[0].height] if video else None
settings = dataclasses.replace(load(), ffmpeg=ffmpeg) if ffmpeg else load()
try:
    plan = preflight.plan(report, settings=settings)
    said["refusal"] = None if plan.refusal is None else str(plan.refusal)
    said["steps"] = [s.action.value for s in plan.steps]
    said["copied"] = plan.video is None
    if not plan.refusal and plan.steps:
        preflight.fix(report, into, settings=settings)
        said["files"] = sorted(str(p) for p in Path(into).rglob("*") if p.is_file())
except preflight.errors.PreflightError as error:
    said["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""


def output(*argv: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a process; 124 when it took too long."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=TIMEOUT, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return 124, "", "timeout"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def facts(path: Path) -> dict[str, object]:
    """Return what ffprobe and a full decode say: streams, duration, digests of frames, count of sound packets."""
    _, shown, _ = output(ffprobe(), "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path))
    data = json.loads(shown or "{}")
    streams = data.get("streams", [])
    video = [s for s in streams if s["codec_type"] == "video" and not s.get("disposition", {}).get("attached_pic")]
    frames: list[str] = []
    if video:
        wanted = ("-map", f"0:{video[0]['index']}", "-fps_mode", "passthrough", "-f", "framemd5", "-")
        _, hashes, _ = output(JUDGE, "-v", "error", "-nostdin", "-noautorotate", "-i", str(path), *wanted)
        frames = [line.rsplit(",", 1)[1].strip() for line in hashes.splitlines() if line[:1].isdigit()]
    counted = ("-v", "error", "-select_streams", "a", "-count_packets", "-show_entries", "stream=nb_read_packets")
    _, sound, _ = output(ffprobe(), *counted, "-of", "csv=p=0", str(path))
    return {
        "readable": bool(video and frames),
        "duration": float(data.get("format", {}).get("duration", 0) or 0),
        "size": [video[0].get("width"), video[0].get("height")] if video else None,
        "frames": frames,
        "sound": [int(n) for n in sound.replace(",", " ").split() if n.isdigit()],
    }


def lost(said: dict[str, object], source: dict[str, object]) -> list[str]:
    """Return what the files that fix made lack; trimmed and split files are not compared yet."""
    wrong = []
    if not said.get("files") or not source["readable"]:
        return wrong
    made = [facts(Path(name)) for name in said["files"]]
    frames = [digest for one in made for digest in one["frames"]]
    if not {"trim", "split"} & set(said["steps"]):
        if len(frames) != len(source["frames"]):
            wrong.append("fix: count of frames")
        elif said["copied"] and frames != source["frames"]:
            wrong.append("fix: content of copied frames")
        if len(made) == 1 and len(made[0]["sound"]) < len(source["sound"]):
            wrong.append("fix: a sound track is gone")
    return wrong


def judged(said: dict[str, object], source: dict[str, object]) -> list[str]:
    """Return the classes of disagreement between what preflight said and made, and the judge."""
    wrong = []
    refused = "duration" not in said
    if refused and source["readable"]:
        wrong.append("check: readable file called unreadable")
    if not source["readable"] and 702 not in said["codes"]:
        wrong.append("check: nothing decodes, yet no 702")
    ours, theirs = said.get("duration"), source["duration"]
    if not refused and source["readable"]:
        if ours and theirs and abs(ours - theirs) > max(0.1, theirs * 0.01):
            wrong.append("check: duration")
        if said.get("coded") != source["size"]:
            wrong.append("check: size")
    if "error" in said and source["readable"]:
        wrong.append(f"fix: {str(said['error'])[:60]}")
    if said.get("refusal") and source["readable"]:
        wrong.append(f"plan: refused, {str(said['refusal'])[:50]}")
    return wrong + lost(said, source)


def examined(path: Path, ffmpeg: str) -> dict[str, object]:
    """Return the record of one file."""
    with tempfile.TemporaryDirectory() as folder:
        code, shown, errors = output(sys.executable, "-c", WORKER, str(path), folder, ffmpeg)
        if code:
            last = (errors.strip().splitlines() or ["?"])[-1]
            return {"wrong": [f"crash or timeout ({code}): {last[:80]}"]}
        said = json.loads(shown.splitlines()[-1])
        source = facts(path)
        wrong = judged(said, source)
        source["frames"] = len(source["frames"])
        return {"said": said, "source": source, "wrong": wrong}


def main() -> None:
    """Examine the files that have no record yet; print totals and one example for each class."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--ffmpeg", default="")
    parser.add_argument("--results", type=Path, default=Path("corpus.jsonl"))
    given = parser.parse_args()
    files = sorted(p for f in given.folders for p in f.rglob("*") if p.is_file() and p.suffix.lower()[1:] in KINDS)
    if given.sample:
        files = random.Random(given.seed).sample(files, min(given.sample, len(files)))  # noqa: S311
    known = {}
    if given.results.exists():
        lines = given.results.read_text().splitlines()
        known = {(r["digest"], r["ffmpeg"]): r for r in map(json.loads, lines)}

    def record(path: Path) -> dict[str, object]:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        key = digest, given.ffmpeg
        if key in known:
            return known[key]
        return {"digest": digest, "ffmpeg": given.ffmpeg, "path": str(path), **examined(path, given.ffmpeg)}

    totals, examples = Counter(), {}
    with given.results.open("a") as kept, ThreadPoolExecutor(given.jobs) as pool:
        for row in pool.map(record, files):
            if (row["digest"], row["ffmpeg"]) not in known:
                kept.write(json.dumps(row) + "\n")
                kept.flush()
            totals.update(row["wrong"] or ["agreed"])
            for name in row["wrong"]:
                examples.setdefault(name, row["path"])
    print(f"{len(files)} files")
    for name, count in totals.most_common():
        print(f"{count:6} {name}  {examples.get(name, '')}")


if __name__ == "__main__":
    main()
