"""Makes a `ReviewVideo` of the JSON record of a result. Pure: a mapping in, a value out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.model.text import TextRole, TextStatus
from preflight.restore.acceptance.report import AcceptanceVerdict
from preflight.review import redo_marks
from preflight.review.subject import Box, ReviewText, ReviewVideo, WeakSpot
from preflight.workflow.output_paths import TEXTS_SEARCHED, located, named_files
from preflight.workflow.text_changes import is_uncertain

RESIDUE_NOTICED = 0.1
"""Residual text of a fill at or above which it is named a weakness, 0..1 of what an eye sees of the text before."""

ERROR_NOTICED = 6.0
"""Validation error of a fill above which it is named a weakness, in gray levels: twice that of ordinary captions."""

ERROR_WORST = 24.0
"""Validation error at which a text counts as worst, in gray levels."""

SMOOTH_ESCALATION = 4
"""Step of the fill at which whole lines are filled smoothly; see `engine.types.FillQuality.escalation`."""

SMOOTH_SEVERITY = 0.5
"""Severity of a line that is filled smoothly: clean, but it shows on a structured background."""

UNCERTAIN_SEVERITY = 0.4
"""Severity of a text that was kept because it may be part of the scene: a person knows at a glance."""

LEFT_SEVERITY = 0.8
"""Severity of an overlay text that the result still shows."""

OVERLAY_ROLES = frozenset({TextRole.CAPTION, TextRole.WATERMARK})
"""Roles of texts that a removal is meant to take out."""

POOR_SEVERITY = 1.0
"""Severity of a finding of the acceptance test that makes a result poor."""

REMARK_SEVERITY = 0.5
"""Severity of a finding of the acceptance test that is a remark."""


def identifier(path: Path) -> str:
    """Return a short name for a record or video that is safe in a URL, the same on each call."""
    return hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def read(record: Mapping[str, Any], path: Path) -> ReviewVideo:
    """Return what the page shows of a result.

    Args:
        record: The parsed JSON record.
        path: Where it is; relative names in it are looked for from there.

    Raises:
        InputError: It is not the record of a result.
    """
    try:
        return _read(record, path)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"{path} is not the record of a result.", hint="Give the .cleaned.json that `preflight run` wrote."
        ) from error


def _read(record: Mapping[str, Any], path: Path) -> ReviewVideo:
    result, plan = record["result"], record.get("plan") or {}
    media = (record.get("report") or {}).get("subject") or plan.get("source") or {}
    size = display_size(media)
    trim = plan.get("trim")
    offset = float(trim[0]) if trim else 0.0
    duration = float(trim[1]) - offset if trim else float(media.get("duration") or 0)
    parts = list(_parts(result.get("quality"), plan.get("cuts") or (), offset))
    sent = _sent_size(plan, size)
    rate = next((float(q["frame_rate"]) for q, _ in parts if q.get("frame_rate")), frame_rate(media))
    texts = _numbered([text for quality, start in parts for text in _texts(quality, start, sent)])
    listed = record.get("texts")
    if not texts and listed:
        texts = tuple(_recorded(text, offset) for text in listed)
    redone = redo_marks.redo_boxes(record.get("composite") or {}, offset)
    is_verified = bool(record.get("acceptance"))
    texts = tuple(redo_marks.redone(text, redone, is_verified=is_verified) for text in texts)
    file, source = named_files(record, path)
    acceptance = record.get("acceptance") or {}
    reported = (spot for quality, start in parts for spot in _spots(quality, start, sent))
    spots = [spot for spot in reported if not redo_marks.is_outdated(spot, texts)]
    spots += _findings(acceptance, upright_size(media), rate, duration)
    texts, spots = redo_marks.attached(texts, spots)
    notes = [*(result.get("notes") or ()), *(note for quality, _ in parts for note in quality.get("notes") or ())]
    return ReviewVideo(
        identifier=identifier(path),
        name=file.name,
        source=located(source, path),
        cleaned=located(str(file), path),
        record=path,
        size=size,
        rate=rate,
        duration=duration,
        offset=offset,
        texts=texts,
        texts_known=bool(parts or texts or record.get(TEXTS_SEARCHED)),
        weak_spots=tuple(spots),
        has_redone_boxes=any(not any(redo_marks.is_same(box, text) for text in texts) for _, box in redone),
        verdict=_verdict(acceptance.get("verdict")),
        reasons=tuple(str(reason) for reason in acceptance.get("reasons") or ()),
        notes=tuple(str(note) for note in notes),
    )


def display_size(media: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height of the displayed picture of a media report: pixel shape and rotation applied."""
    video = _video(media)
    width, height = int(video.get("width") or 16), int(video.get("height") or 9)
    width = max(1, round(width * _ratio(video.get("sar") or 1)))
    return (height, width) if int(video.get("rotation") or 0) % 180 else (width, height)


def upright_size(media: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height in pixels of a media report's picture, rotation applied but not the pixel shape."""
    video = _video(media)
    width, height = int(video.get("width") or 16), int(video.get("height") or 9)
    return (height, width) if int(video.get("rotation") or 0) % 180 else (width, height)


def _ratio(value: object) -> float:
    """Return a number that the record holds as a number, as "a/b" or as [a, b]."""
    if isinstance(value, str) and "/" in value:
        above, below = value.split("/")
        return float(above) / float(below)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return float(value[0]) / float(value[1])
    return float(value)  # type: ignore[arg-type]


def _video(media: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first video stream of a media report."""
    found: Mapping[str, Any] = next((s for s in media.get("streams") or () if s.get("kind") == "video"), {})
    return found


def frame_rate(media: Mapping[str, Any]) -> float:
    """Return the frames per second of a media report, 25 when they are not known."""
    return _ratio(_video(media).get("frame_rate") or 25)


def _sent_size(plan: Mapping[str, Any], size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the picture that was sent, whose pixels the boxes of the record count."""
    made = (plan.get("video") or {}).get("size")
    return (int(made[0]), int(made[1])) if made else size


def _parts(quality: Any, cuts: Sequence[Any], offset: float) -> Iterator[tuple[Mapping[str, Any], float]]:
    """Yield the removal report of each segment, and where the segment begins in the result, in seconds."""
    if not quality:
        return
    reports = quality.get("segments", [quality])
    starts = [0.0, *(_ratio(cut) - offset for cut in cuts)]
    yield from zip(reports, starts, strict=False)


def _texts(quality: Mapping[str, Any], start: float, sent: tuple[int, int]) -> Iterator[ReviewText]:
    for item in quality.get("removed") or ():
        severity, weaknesses = weakness(item.get("quality") or {})
        yield _text(item["track"], start, sent, TextStatus.REMOVED, severity=severity, weaknesses=weaknesses)
    for track in quality.get("kept") or ():
        unsure = is_uncertain(track.get("kept_because"))
        status, severity = (TextStatus.UNCERTAIN, UNCERTAIN_SEVERITY) if unsure else (TextStatus.KEPT, 0.0)
        yield _text(track, start, sent, status, severity=severity)


def _text(
    track: Mapping[str, Any],
    start: float,
    sent: tuple[int, int],
    status: TextStatus,
    *,
    severity: float,
    weaknesses: tuple[str, ...] = (),
) -> ReviewText:
    return ReviewText(
        number=0,
        words=str(track.get("text") or ""),
        status=status,
        start=round(start + float(track["start"]), 3),
        end=round(start + float(track["end"]), 3),
        box=_box(track["box"], sent),
        severity=round(severity, 3),
        weaknesses=weaknesses,
        note=str(track.get("kept_because") or ""),
    )


def _recorded(item: Mapping[str, Any], offset: float) -> ReviewText:
    """Return a text of the record's own list: times of the source, a box in 0..1, and what became of it."""
    note = str(item.get("note") or "")
    status = TextStatus(item.get("status") or TextStatus.UNCERTAIN)
    is_scene = note == TextRole.SIGN
    severity = 0.0
    weaknesses: tuple[str, ...] = ()
    if status is TextStatus.UNCERTAIN:
        severity = UNCERTAIN_SEVERITY
    elif status is TextStatus.KEPT and note in OVERLAY_ROLES:
        severity, weaknesses = LEFT_SEVERITY, ("still there: the service left it",)
    elif status is TextStatus.REMOVED and is_scene:
        severity, weaknesses = UNCERTAIN_SEVERITY, ("text of the scene, which was removed",)
    left, top, right, bottom = item["box"]
    return ReviewText(
        number=int(item["number"]),
        words=str(item["text"]),
        status=status,
        start=max(0.0, round(float(item["start"]) - offset, 3)),
        end=round(float(item["end"]) - offset, 3),
        box=(float(left), float(top), float(right), float(bottom)),
        severity=severity,
        weaknesses=weaknesses,
        note=note,
    )


def _numbered(texts: list[ReviewText]) -> tuple[ReviewText, ...]:
    return tuple(replace(text, number=number) for number, text in enumerate(texts, 1))


def weakness(quality: Mapping[str, Any]) -> tuple[float, tuple[str, ...]]:
    """Return how weak a fill is, 0..1, and why, by the figures of the removal report."""
    residual = float(quality.get("residual_text") or 0)
    error = float(quality.get("validation_error") or 0)
    smooth = int(quality.get("escalation") or 0) >= SMOOTH_ESCALATION
    found = [(residual, f"residual text {residual:.2f}")] if residual >= RESIDUE_NOTICED else []
    if error >= ERROR_NOTICED:
        found.append((min(1.0, error / ERROR_WORST), f"validation error {error:.1f} gray levels"))
    if smooth:
        found.append((SMOOTH_SEVERITY, "whole lines filled smoothly"))
    return max((share for share, _ in found), default=0.0), tuple(words for _, words in found)


def _spots(quality: Mapping[str, Any], start: float, sent: tuple[int, int]) -> Iterator[WeakSpot]:
    rate = float(quality.get("frame_rate") or 25)
    for region in quality.get("poor_regions") or ():
        smooth = "smooth" in str(region.get("reason"))
        yield WeakSpot(
            start=round(start + region["first_frame"] / rate, 3),
            end=round(start + (region["last_frame"] + 1) / rate, 3),
            reason=str(region["reason"]),
            severity=SMOOTH_SEVERITY if smooth else 0.8,
            box=_box(region["box"], sent),
        )


def _findings(acceptance: Mapping[str, Any], size: tuple[int, int], rate: float, duration: float) -> Iterator[WeakSpot]:
    """Yield the places of the acceptance test's findings; a finding without a place is about the whole video."""
    whole: dict[str, Any] = {"time": 0.0, "first_frame": 0, "last_frame": duration * rate}
    for finding in acceptance.get("findings") or ():
        severity = POOR_SEVERITY if finding.get("level") == "poor" else REMARK_SEVERITY
        for place in finding.get("places") or (whole,):
            frames = place["last_frame"] - place["first_frame"] + 1
            words = str(place.get("text") or "")
            yield WeakSpot(
                start=round(float(place["time"]), 3),
                end=round(float(place["time"]) + frames / rate, 3),
                reason=f"{finding['problem']}: {words}" if words else str(finding["problem"]),
                severity=severity,
                box=_box(place["box"], size) if place.get("box") else None,
            )


def _box(pixels: Sequence[float], size: tuple[int, int]) -> Box:
    left, top, right, bottom = (
        min(1.0, max(0.0, round(edge / side, 5))) for edge, side in zip(pixels, (*size, *size), strict=True)
    )
    return left, top, right, bottom


def _verdict(value: object) -> AcceptanceVerdict | None:
    return next((verdict for verdict in AcceptanceVerdict if verdict == value), None)
