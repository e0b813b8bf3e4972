"""Check, fix, join or clean one file in a process of its own, and print as JSON what preflight said and made.

    python benchmarks/media_worker.py '{"path": ..., "into": ..., "ffmpeg": "", "how": "as-is"}'

`how`: as-is (the service's limits), or on a file that passes one of duration, size, sides (a limit that it breaks),
trim (`trim` in seconds), safe, and clean, which fills a box. `join` puts the segments of a split together again.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import re
import sys
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import preflight
from preflight import engine
from preflight.engine.encode import formats
from preflight.errors import InputError, PreflightError, ToolMissingError
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.model.limits import Limits
from preflight.model.report import Report
from preflight.settings import load_settings
from preflight.tools import ffmpeg

PARTS = Fraction(21, 50)
"""Share of a file's duration that is the limit where it has to be split."""
LEAST_BYTES = 60_000


def limits(how: str, report: Report) -> Limits:
    """Return limits that the file of `report` breaks in the way of `how`; the service's where it fails already."""
    media, plain = report.media, Limits()
    if media is None or media.duration is None or media.video is None or not report.ok:
        return plain
    sides = media.video.display_size
    if how == "duration":
        return dataclasses.replace(plain, max_seconds=max(Fraction(3, 2), media.duration * PARTS))
    if how == "size":
        return dataclasses.replace(plain, max_bytes=max(LEAST_BYTES, media.size * 2 // 3))
    if how == "sides":
        return dataclasses.replace(plain, max_long_side=max(sides) * 2 // 3, max_short_side=min(sides) * 2 // 3)
    return plain


def work(wanted: dict[str, Any], said: dict[str, Any]) -> None:
    """Fill `said` with what came of the wishes in `wanted`."""
    settings = load_settings()
    if wanted.get("ffmpeg"):
        settings = dataclasses.replace(settings, ffmpeg=wanted["ffmpeg"])
    report = preflight.check(wanted["path"])
    media = report.media
    said |= {"codes": report.codes, "rules": [f.rule for f in report.findings]}
    if media is not None:
        said["duration"] = None if media.duration is None else str(media.duration)
        said["size"] = [media.video.width, media.video.height] if media.video else None
    if wanted["how"] == "clean":
        clean(report, Path(wanted["into"]), ffmpeg.find(settings.ffmpeg), said)
        return
    report = preflight.check(wanted["path"], limits=limits(wanted["how"], report))
    trim = tuple(map(Fraction, wanted["trim"])) if wanted["how"] == "trim" else None
    options: dict[str, Any] = {"trim": trim, "safe": wanted["how"] == "safe", "settings": settings}
    plan = preflight.plan(report, **options)
    kinds = {s.index: s.kind.value for s in media.streams} if media else {}
    said |= {
        "refusal": plan.refusal,
        "steps": [step.action.value for step in plan.steps],
        "copied": plan.video is None,
        "sound_copied": plan.audio is None,
        "sound_end": None if plan.audio_end is None else str(plan.audio_end),
        "trim": None if plan.trim is None else [str(time) for time in plan.trim],
        "dropped": [kinds.get(s.index, "?") for s in plan.streams if s.treatment.value == "drop"],
        "rates_may_change": plan.video is not None and plan.video.deinterlace,
    }
    if plan.refusal or not plan.steps:
        return
    fixed = preflight.fix(report, wanted["into"], **options)
    said["files"] = [str(segment.media.path) for segment in fixed.segments]
    if wanted.get("join") and fixed.manifest is not None:
        joined = Path(wanted["into"]) / "joined" / f"whole{fixed.segments[0].media.path.suffix}"
        joined.parent.mkdir()
        said["joined"] = str(preflight.join(fixed.manifest, [], joined, settings=settings))


def clean(report: Report, into: Path, program: str, said: dict[str, Any]) -> None:
    """Fill a box on the first second and say what became of the other streams."""
    said |= {"refusal": None, "steps": [], "copied": False, "sound_copied": True, "sound_end": None, "trim": None}
    media = report.media
    if media is None or media.video is None:
        said["refusal"] = "no video"
        return
    into.mkdir()
    suffix = media.path.suffix if formats.is_written(media.path) else ".mp4"
    made = into / f"clean{suffix}"
    box = InpaintingBox(start=0, end=1, x1=0.1, y1=0.1, x2=0.3, y2=0.3)
    done = engine.remove_text(media.path, made, RemovalOptions(inpainting_boxes=(box,)), ffmpeg=program, processes=1)
    said |= {
        "steps": ["clean"],
        "notes": done.notes,
        "files": [str(made)],
        "sound_copied": not any("audio transcoded" in note for note in done.notes),
        "dropped": [kind for note in done.notes for kind in left_out(note)],
        "rates_may_change": media.video.interlaced,
    }


def left_out(note: str) -> list[str]:
    """Return the kinds of stream that a note of the engine says were left out, each as often as there were streams."""
    found = re.match(r"(\d+|every other) (?:of \d+ )?(audio|subtitle|data|attachment)?", note)
    if found is None or "left out" not in note:
        return []
    kinds = [found[2]] if found[2] else ["audio", "subtitle", "data", "attachment"]
    return kinds * (int(found[1]) if found[1].isdigit() else 9)


def answer(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what came of the wishes in `wanted`, errors and crashes included."""
    said: dict[str, Any] = {}
    try:
        work(wanted, said)
    except (InputError, ToolMissingError) as error:
        said["refusal"] = f"InputError: {error}"
    except PreflightError as error:
        said["error"] = f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001
        return {"wrong": [f"crash: {type(error).__name__}: {error}"[:90]]}
    plain: dict[str, Any] = json.loads(json.dumps(said, default=str))
    return plain


def in_a_fork(wanted: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Return the same from a forked process, which has nothing to import; a time-out is an answer too."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, wanted), daemon=False)
    child.start()
    sender.close()
    try:
        if not receiver.poll(timeout):
            return {"wrong": ["time-out of preflight"]}
        received: dict[str, Any] = receiver.recv()
    except EOFError:
        return {"wrong": ["crash: the process ended without an answer"]}
    else:
        return received
    finally:
        child.kill()
        child.join()
        receiver.close()


def _send(sender: Connection, wanted: dict[str, Any]) -> None:
    sender.send(answer(wanted))


def main() -> None:
    """Do what the only argument says."""
    print(json.dumps(answer(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
