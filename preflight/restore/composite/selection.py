"""Regions that a person keeps as they are in the source, or alone takes from the service's file. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from preflight.errors import UsageError
from preflight.model.region import TimedBox
from preflight.model.text import TextStatus
from preflight.restore.composite.frames import Samples
from preflight.restore.composite.geometry import Area, View

TEXT_MARGIN = 0.35
"""Share of a text's height by which its box is grown: outline, shadow and halo are around the letters."""
KEPT_SHARE = 0.6
"""Share of a region that boxes protect at or above which the rest stays too: it is the margin of the same text."""
TEXT_SECONDS = 0.25
"""Seconds before and behind a text's own time in which it is kept too: it may fade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedText:
    """A text of the video, as records list it under `texts`.

    The JSON object has `number` (from 1), `text`, `start` and `end` (seconds of the source), and `box`, the corners
    x1, y1, x2, y2 in 0..1 of the source's picture as shown. `status` (a `TextStatus`) and `note`, a few words on the
    status or the text's role, may be missing; further fields are ignored.
    """

    number: int
    text: str
    start: float
    end: float
    box: tuple[float, float, float, float]
    status: TextStatus | None = None
    note: str = ""

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> RecordedText:
        """Return the place that a record holds. Raises UsageError for another shape."""
        try:
            x1, y1, x2, y2 = (min(1.0, max(0.0, float(value))) for value in found["box"])
            return cls(
                number=int(found["number"]),
                text=str(found["text"]),
                start=float(found["start"]),
                end=float(found["end"]),
                box=(x1, y1, x2, y2),
                status=TextStatus(found["status"]) if found.get("status") else None,
                note=str(found.get("note") or ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"The record's list of texts can't be read: {error!r}.") from error

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "number": self.number, "text": self.text, "start": self.start, "end": self.end, "box": list(self.box),
            "status": self.status and str(self.status), "note": self.note,
        }  # fmt: skip

    @property
    def room(self) -> TimedBox:
        """The box and the time in which the text is kept: with its outline and its fades."""
        x1, y1, x2, y2 = self.box
        margin = TEXT_MARGIN * (y2 - y1)
        return TimedBox(
            x1=max(0.0, x1 - margin),
            y1=max(0.0, y1 - margin),
            x2=min(1.0, x2 + margin),
            y2=min(1.0, y2 + margin),
            start=max(0.0, self.start - TEXT_SECONDS),
            end=self.end + TEXT_SECONDS,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSelection:
    """What is taken from the service's file: nothing inside a `protect` box; with `only`, nothing outside those."""

    protect: tuple[TimedBox, ...] = ()
    only: tuple[TimedBox, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.protect or self.only)

    def applied(self, mask: Samples, place: Area, time: float, view: View, *, margin: int) -> Samples:
        """Return a region's mask without what is kept.

        Args:
            mask: bool, of the size of `place`.
            place: where the region is, in samples of the picture sent.
            time: of the frame, in seconds of the source.
            view: how the picture sent lies in the source's.
            margin: samples beside a mask that are blended, and have to stay outside of what is protected.
        """
        if not self:
            return mask
        result = mask.copy()
        for kept in self.protect:
            if kept.is_at(time):
                result[_local(kept, place, view, margin).slices] = False
        if self.protect and np.count_nonzero(result) <= (1 - KEPT_SHARE) * np.count_nonzero(mask):
            result[:] = False
        if self.only:
            wanted = np.zeros_like(result)
            for box in self.only:
                if box.is_at(time):
                    wanted[_local(box, place, view, -margin).slices] = True
            result &= wanted
        return result


def _local(box: TimedBox, place: Area, view: View, margin: int) -> Area:
    """Return a box, grown by `margin`, in samples from the corner of `place`."""
    (width, height), (left, top), (across, down) = view.shown, view.origin, view.scale
    x0, x1 = ((value * width - left) * across for value in (box.x1, box.x2))
    y0, y1 = ((value * height - top) * down for value in (box.y1, box.y2))
    grown = Area(
        round(x0 - margin - place.x0), round(y0 - margin - place.y0),
        round(x1 + margin - place.x0), round(y1 + margin - place.y0),
    )  # fmt: skip
    clipped = grown.clipped(place.x1 - place.x0, place.y1 - place.y0)
    return Area(clipped.x0, clipped.y0, max(clipped.x0, clipped.x1), max(clipped.y0, clipped.y1))


def kept_texts(
    texts: Sequence[RecordedText], *, keep_text: str | None = None, restore_text: Sequence[int] = ()
) -> tuple[TimedBox, ...]:
    """Return the boxes of the texts whose words match the expression `keep_text`, or whose numbers are given.

    Raises UsageError for an expression that can't be read, for a number that no text has, and where nothing matches.
    """
    chosen: list[RecordedText] = []
    if keep_text is not None:
        try:
            pattern = re.compile(keep_text, re.IGNORECASE)
        except re.error as error:
            raise UsageError(f"--keep-text {keep_text!r} is no regular expression: {error}.") from None
        chosen += [place for place in texts if pattern.search(place.text)]
        if not chosen:
            known = ", ".join(repr(place.text) for place in texts[:8]) or "none"
            raise UsageError(f"--keep-text {keep_text!r} matches no text.", hint=f"Texts of the video: {known}.")
    numbers = {place.number: place for place in texts}
    for number in restore_text:
        if number not in numbers:
            raise UsageError(f"There is no text {number}.", hint=f"The video has {len(texts)} texts, from 1 on.")
        chosen.append(numbers[number])
    return tuple(place.room for place in chosen)
