"""The texts of a video as its record lists them: from the removal reports, or from a scan of the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight.events import Cancel, Listener, ignore
from preflight.restore.composite import RecordedText
from preflight.settings import Settings


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
        tracks = [item["track"] for item in report.get("removed") or ()]
        for track in (*tracks, *(report.get("kept") or ())):
            left, top, right, bottom = track["box"]
            found.append(
                RecordedText.from_json(
                    {
                        "number": len(found) + 1,
                        "text": track.get("text") or "",
                        "start": float(start) + float(track["start"]),
                        "end": float(start) + float(track["end"]),
                        "box": (left / size[0], top / size[1], right / size[0], bottom / size[1]),
                    }
                )
            )
    return tuple(found)


def searched_texts(
    source: Path, *, settings: Settings, listener: Listener = ignore, cancel: Cancel | None = None
) -> tuple[RecordedText, ...]:
    """Return the texts that a scan of the source finds. Raises ToolMissingError without the `local` extra."""
    from preflight.workflow import text_export

    found = text_export.find_text(source, settings=settings, listener=listener, cancel=cancel)
    size = (found.width, found.height, found.width, found.height)
    return tuple(
        RecordedText.from_json(
            {
                "number": number,
                "text": text.text,
                "start": float(text.start),
                "end": float(text.end),
                "box": [edge / side for edge, side in zip(text.box, size, strict=True)],
            }
        )
        for number, text in enumerate(found.texts, 1)
    )
