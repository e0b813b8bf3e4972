"""Carry a plan out: files made in a scratch folder, checked, then named. The source is only read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from preflight.errors import FileChangedError, InputError, PreflightError, ToolError
from preflight.events import Cancel, Listener, ignore
from preflight.fixing.encode_to_size import FixContext, Recheck
from preflight.fixing.make_files import Made, make
from preflight.model.job import Fixed, Segment
from preflight.model.media import FileIdentity, Media
from preflight.model.plan import Plan, Treatment
from preflight.model.report import Report
from preflight.tools import ffmpeg as tool
from preflight.tools import files, manifest


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

    A plan without steps gives the source itself. An equal fix that an earlier call finished in `into` is used again.
    A split gets a manifest beside it. Raises InputError for a refusal, FileChangedError, DiskFullError,
    ToolMissingError, CancelledError, or ToolError when a result does not pass. Nothing half-made is left.
    """
    if plan.refusal is not None or plan.source is None:
        raise InputError(plan.refusal or "There is nothing to fix.")
    source = plan.source
    _require_same(source)
    if plan.is_empty:
        return Fixed(source=source, plan=plan, segments=(Segment(media=source, end=float(source.duration or 0)),))
    sample = manifest.sample(source.path)
    found = _earlier(plan, into, sample, recheck)
    if found is not None:
        return found
    with files.scratch(into) as folder:
        files.require_room(folder, plan.cost.bytes)
        context = FixContext(folder=folder, recheck=recheck, ffmpeg=ffmpeg, listener=listener, cancel=cancel)
        made = _made(plan, context)
        _require_same(source)
        passed = [_passed(item.report) for item in made]
        fixed = _published(plan, made, passed, into)
        return _recorded(fixed, into, sample, folder)


def _made(plan: Plan, context: FixContext) -> list[Made]:
    """Return what `make` does. Only a failure is worth the time to ask which encoders there are."""
    try:
        return make(plan, context)
    except ToolError as error:
        if type(error) is ToolError:
            if plan.video is not None:
                tool.require_picture_encoder(context.ffmpeg, plan.video.encoder)
            for stream in plan.streams:
                if stream.treatment is Treatment.ENCODE and stream.encoder:
                    tool.require_encoder(context.ffmpeg, stream.encoder)
        raise


def _require_same(source: Media) -> None:
    try:
        now = FileIdentity.of(source.path)
    except OSError as error:
        raise FileChangedError(f"{source.path} is gone: {error.strerror}.") from error
    if now != source.identity:
        raise FileChangedError(f"{source.path} changed after it was checked.", hint="Run again when it is complete.")


def _passed(report: Report) -> Media:
    if report.media is None or not report.ok:
        said = "; ".join(f.message for f in report.failures) or getattr(report.subject, "detail", "it can't be read")
        raise ToolError(
            f"The fixed file does not pass: {said}", hint="Nothing was kept. Try --policy one-file or --safe."
        )
    return report.media


def _published(plan: Plan, made: list[Made], passed: list[Media], into: Path) -> Fixed:
    """Move the finished files to names of their own; all of them or none."""
    segments: list[Segment] = []
    try:
        for item, media in zip(made, passed, strict=True):
            final = files.publish(item.path, into / item.path.name)
            segments.append(Segment(media=replace(media, path=final), start=float(item.start), end=float(item.end)))
    except (OSError, PreflightError):
        for segment in segments:
            segment.media.path.unlink(missing_ok=True)
        raise
    return Fixed(source=plan.source or passed[0], plan=plan, segments=tuple(segments))


def fingerprint(plan: Plan, sample: str) -> str:
    """Return what names a fix: the source's digest, what is done, and how it is encoded."""
    how = asdict(plan.video) if plan.video else None
    text = json.dumps([sample, plan.key, plan.container, how, str(plan.limits)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _record_path(into: Path, mark: str) -> Path:
    return into / f".preflight-{mark[:16]}.json"


def _recorded(fixed: Fixed, into: Path, sample: str, folder: Path) -> Fixed:
    """Write the record by which a later call finds the fix, and the manifest of a split."""
    mark = fingerprint(fixed.plan, sample)
    text = manifest.of(fixed, fingerprint=mark, sample=sample).to_json()
    scratch = folder / "record.json"
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(_record_path(into, mark))
    if len(fixed.segments) == 1:
        return fixed
    scratch.write_text(text, encoding="utf-8")
    visible = files.publish(scratch, into / files.name(fixed.source.path.stem, "-fixed.json"))
    return replace(fixed, manifest=visible)


def _earlier(plan: Plan, into: Path, sample: str, recheck: Recheck) -> Fixed | None:
    """Return the fix that an earlier call finished here, when its files are still there and pass."""
    record = _record_path(into, fingerprint(plan, sample))
    if plan.source is None or not record.is_file():
        return None
    try:
        known = manifest.read(record)
    except InputError:
        return None
    segments = []
    for part in known.parts:
        path = into / part.file
        if not path.is_file() or path.stat().st_size != part.size:
            return None
        report = recheck(path)
        if report.media is None or not report.ok:
            return None
        segments.append(Segment(media=report.media, start=float(part.start), end=float(part.end)))
    beside = into / files.name(plan.source.path.stem, "-fixed.json")
    visible = beside if len(segments) > 1 and beside.is_file() else None
    return Fixed(source=plan.source, plan=plan, segments=tuple(segments), manifest=visible or record, reused=True)
