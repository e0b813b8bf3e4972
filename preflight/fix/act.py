"""Carry a plan out: ffmpeg into a scratch folder, the result checked, then named. The source is only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from preflight.errors import FileChangedError, InputError, ToolError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.fix import budget, containers
from preflight.job import Fixed, Segment
from preflight.media import FileIdentity, Media
from preflight.plan import Action, Plan, Treatment
from preflight.report import Code, Report
from preflight.tools import ffmpeg as tool
from preflight.tools import files

Recheck = Callable[[Path], Report]
MAX_TRIES = 3
"""Encodes of one file: the first, and corrections by the measured size."""


def apply(
    plan: Plan,
    into: Path,
    *,
    recheck: Recheck,
    ffmpeg: str,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Fixed:
    """Make the files of `plan` in the folder `into` and return them, each passed by `recheck`.

    A plan without steps gives the source itself. Raises InputError for a refusal, FileChangedError, DiskFullError,
    ToolMissingError, CancelledError, or ToolError when a result does not pass. Nothing half-made is left.
    """
    if plan.refusal is not None or plan.source is None:
        raise InputError(plan.refusal or "There is nothing to fix.")
    source = plan.source
    _require_same(source)
    if plan.is_empty:
        return Fixed(source=source, plan=plan, segments=(Segment(media=source, end=_seconds(source)),))
    for stream in plan.streams:
        if stream.treatment is Treatment.ENCODE and stream.encoder:
            tool.require_encoder(ffmpeg, stream.encoder)
    with files.scratch(into) as folder:
        files.require_room(folder, _room(plan))
        made = folder / _name(plan)
        report = _make(plan, made, recheck=recheck, ffmpeg=ffmpeg, listener=listener, cancel=cancel)
        _require_same(source)
        media = _passed(report)
        final = files.publish(made, into / made.name)
        media = replace(media, path=final)
    start = float(plan.trim[0]) if plan.trim else 0.0
    return Fixed(source=source, plan=plan, segments=(Segment(media=media, start=start, end=start + _seconds(media)),))


def _require_same(source: Media) -> None:
    try:
        now = FileIdentity.of(source.path)
    except OSError as error:
        raise FileChangedError(f"{source.path} is gone: {error.strerror}.") from error
    if now != source.identity:
        raise FileChangedError(f"{source.path} changed after it was checked.", hint="Run again when it is complete.")


def _seconds(media: Media) -> float:
    return float(media.duration or 0)


def _room(plan: Plan) -> int:
    # The index is moved to the front in place, so one output's size is enough.
    return plan.cost.bytes


def _name(plan: Plan) -> str:
    source = plan.source
    stem = source.path.stem if source else ""
    return files.name(stem, f"-fixed.{containers.EXTENSIONS[plan.container]}")


def _passed(report: Report) -> Media:
    if report.media is None or not report.ok:
        said = "; ".join(f.message for f in report.failures) or getattr(report.subject, "detail", "it can't be read")
        raise ToolError(
            f"The fixed file does not pass: {said}", hint="Nothing was kept. Try --policy one-file or --safe."
        )
    return report.media


def _make(
    plan: Plan, made: Path, *, recheck: Recheck, ffmpeg: str, listener: Listener, cancel: Cancel | None
) -> Report:
    """Make the file, again with a corrected rate while only its size is in the way."""
    if plan.actions == (Action.RENAME,) and plan.source is not None:
        files.copy(plan.source.path, made)
        return recheck(made)
    for attempt in range(1, MAX_TRIES + 1):
        _run(plan, made, attempt, ffmpeg=ffmpeg, listener=listener, cancel=cancel)
        report = recheck(made)
        if plan.video is None or plan.video.max_rate is None or report.codes != (Code.SIZE,):
            break
        rate = budget.corrected(plan.video.max_rate, made.stat().st_size, plan.limits.max_bytes)
        plan = replace(plan, video=replace(plan.video, max_rate=rate, buffer=rate // 2))
    return report


def _run(plan: Plan, made: Path, attempt: int, *, ffmpeg: str, listener: Listener, cancel: Cancel | None) -> None:
    # ffmpeg-python is loaded only where something is made.
    from preflight.fix import commands

    total = _kept_seconds(plan)
    note = f"try {attempt}" if attempt > 1 else ""

    def hear(seconds: float) -> None:
        listener(Progress(stage=Stage.FIX, done=min(seconds, total or seconds), total=total, unit="s", note=note))

    tool.run(commands.convert(plan, made, ffmpeg=ffmpeg), on_seconds=hear, cancel=cancel)


def _kept_seconds(plan: Plan) -> float | None:
    if plan.trim:
        return float(plan.trim[1] - plan.trim[0])
    return float(plan.source.duration) if plan.source and plan.source.duration else None
