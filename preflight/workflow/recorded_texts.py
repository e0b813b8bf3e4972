"""The texts of a video as its record lists them: from the removal reports, or from a scan of the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight.events import Cancel, Listener, ignore
from preflight.model.text import ScreenText, ScreenTexts, TextRole, TextStatus
from preflight.restore.composite import RecordedText
from preflight.settings import Settings
from preflight.workflow import text_changes
from preflight.workflow.text_changes import is_uncertain


def text_places(
    reports: Sequence[Mapping[str, Any]], starts: Sequence[Fraction], size: tuple[int, int]
) -> tuple[RecordedText, ...]:
    """Return the texts in the removal reports of the segments: of each the removed ones, then the kept ones.

    Args:
        reports: Of each segment, as JSON.
        starts: Where each segment begins, in seconds of the source.
        size: Width and height of the picture that was sent, in pixels.
    """
    found: list[RecordedText] = []
    for report, start in zip(reports, starts, strict=False):
        removed = [(item["track"], TextStatus.REMOVED) for item in report.get("removed") or ()]
        kept = [
            (track, TextStatus.UNCERTAIN if is_uncertain(track.get("kept_because")) else TextStatus.KEPT)
            for track in report.get("kept") or ()
        ]
        for track, status in (*removed, *kept):
            left, top, right, bottom = track["box"]
            found.append(
                RecordedText.from_json(
                    {
                        "number": len(found) + 1,
                        "text": track.get("text") or "",
                        "start": float(start) + float(track["start"]),
                        "end": float(start) + float(track["end"]),
                        "box": (left / size[0], top / size[1], right / size[0], bottom / size[1]),
                        "status": status,
                        "note": track.get("kept_because") or "",
                    }
                )
            )
    return tuple(found)


def searched_texts(
    source: Path, *, settings: Settings, listener: Listener = ignore, cancel: Cancel | None = None
) -> tuple[RecordedText, ...]:
    """Return the texts that a scan of the source finds, without a status.

    Raises:
        InputError: The source can't be decoded, or is HDR.
        ToolMissingError: The `local` extra is not installed.
        CancelledError: `cancel` was set.
    """
    from preflight.workflow import text_export

    return screen_texts(text_export.find_text(source, settings=settings, listener=listener, cancel=cancel))


def screen_texts(found: ScreenTexts, offset: float = 0.0) -> tuple[RecordedText, ...]:
    """Return the texts of a scan, without a status; `offset` is where what was scanned begins in the source."""
    return tuple(_recorded(number, text, found, offset) for number, text in enumerate(found.texts, 1))


def _recorded(number: int, text: ScreenText, found: ScreenTexts, offset: float) -> RecordedText:
    size = (found.width, found.height, found.width, found.height)
    return RecordedText.from_json(
        {
            "number": number,
            "text": text.text,
            "start": offset + float(text.start),
            "end": offset + float(text.end),
            "box": [edge / side for edge, side in zip(text.box, size, strict=True)],
            "note": str(text.role),
        }
    )


def compared_texts(
    texts: Sequence[RecordedText],
    source: Path,
    finished: Path,
    *,
    offset: float,
    settings: Settings,
    cancel: Cancel | None = None,
) -> tuple[RecordedText, ...]:
    """Return the texts that the finished file shows or would show, each with what became of it.

    A text is removed when its box was changed well above the rest of the picture.

    Args:
        texts: As `searched_texts` returns them.
        source: The video.
        finished: The finished file.
        offset: Where the finished file begins, in seconds of the source.
        settings: `ffmpeg` names another program than the wheel's.
        cancel: Stops the work when it is set.

    Raises:
        ToolError: A file can't be decoded.
        CancelledError: `cancel` was set.
    """
    changes = text_changes.measure(
        [(text.start - offset, text.end - offset, text.box) for text in texts],
        source,
        finished,
        offset=offset,
        settings=settings,
        cancel=cancel,
    )
    return tuple(
        replace(
            text,
            status=text_changes.status_of(change, is_scene=text.note == TextRole.SIGN),
        )
        for text, change in zip(texts, changes, strict=True)
    )
