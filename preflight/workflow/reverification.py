"""The verdict on a file that was made again: what was put back may stay, and what was filled may differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight.events import Cancel, Listener
from preflight.model.job import InpaintingBox
from preflight.model.region import Regions, TimedBox, timed_box
from preflight.model.text import ScreenText, ScreenTexts, TextRole
from preflight.serialize import jsonable
from preflight.settings import Settings
from preflight.workflow import acceptance
from preflight.workflow.request import RunRequest


def verify_again(
    record: Mapping[str, Any],
    source: Path,
    finished: Path,
    regions: Regions,
    filled: Sequence[InpaintingBox],
    *,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None,
) -> dict[str, Any]:
    """Return what the record of a finished file that was made again holds of its verdict.

    Args:
        record: The record of before.
        source: The video, all of which is in the finished file.
        finished: The finished file.
        regions: Where the source stays.
        filled: Where the engine filled.
        settings: `ffmpeg` names another program than the wheel's.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Raises:
        InputError: A file can't be decoded.
        ToolMissingError: The `local` extra is not installed.
        CancelledError: `cancel` was set.
    """
    from preflight.workflow.text_export import find_text

    options = RunRequest.from_json(record["request"]).options if record.get("request") else None
    roles = acceptance.OVERLAY if options is None or options.artificial_text_only else frozenset(TextRole)
    found = find_text(source, settings=settings, listener=listener, cancel=cancel)
    size = (found.width, found.height)
    kept = [timed_box(word, size) for word in regions.protect]
    expected = acceptance.Expected(
        texts=texts_after(found, kept, filled), roles=roles, language=options.language if options else None
    )
    report = acceptance.verify(source, finished, expected=expected, settings=settings, listener=listener, cancel=cancel)
    return {**jsonable(report), "reasons": list(report.reasons), "repaired": False}


def texts_after(found: ScreenTexts, kept: Sequence[TimedBox], filled: Sequence[InpaintingBox]) -> ScreenTexts:
    """Return the texts of a source as a redo treats them, and one without words for each box that was filled.

    Text in a kept box counts as a sign, which stays; text in a filled box as a caption, which goes.
    """
    boxes = [TimedBox(x1=b.x1, y1=b.y1, x2=b.x2, y2=b.y2, start=b.start, end=b.end) for b in filled]
    texts = []
    for text in found.texts:
        if any(_is_inside(text, box, found) for box in boxes):
            texts.append(replace(text, role=TextRole.CAPTION))
        elif any(_is_inside(text, box, found) for box in kept):
            texts.append(replace(text, role=TextRole.SIGN))
        else:
            texts.append(text)
    return replace(found, texts=(*texts, *(_place(box, found) for box in boxes)))


def _is_inside(text: ScreenText, box: TimedBox, found: ScreenTexts) -> bool:
    """Return whether the middle of a text's place and time is in a box."""
    left, top, right, bottom = text.box
    x, y = (left + right) / 2 / found.width, (top + bottom) / 2 / found.height
    return box.x1 <= x <= box.x2 and box.y1 <= y <= box.y2 and box.is_at(float(text.start + text.end) / 2)


def _place(box: TimedBox, found: ScreenTexts) -> ScreenText:
    """Return a text without words in a box: nothing has to be gone there, and everything may differ."""
    end = found.frames / found.frame_rate if box.end is None else box.end
    first, last = round(box.start * found.frame_rate), min(found.frames, round(end * found.frame_rate)) - 1
    width, height = found.width, found.height
    return ScreenText(
        text="",
        confidence=0.0,
        role=TextRole.CAPTION,
        certain=True,
        language="",
        first_frame=first,
        last_frame=max(first, last),
        start=Fraction(box.start).limit_denominator(1000),
        end=Fraction(end).limit_denominator(1000),
        box=(round(box.x1 * width), round(box.y1 * height), round(box.x2 * width), round(box.y2 * height)),
    )
