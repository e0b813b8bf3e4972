"""Regions of a picture for some time, and what a person wants of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedBox:
    """A box in 0..1 of the source's picture as shown, origin top left, and its time in seconds; `end` None: no end."""

    x1: float
    y1: float
    x2: float
    y2: float
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.x1 < self.x2 <= 1 and 0 <= self.y1 < self.y2 <= 1):
            raise UsageError(
                f"Box {self.x1},{self.y1},{self.x2},{self.y2} is not 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1.",
                hint="Give pixels with px at the end: 100,900,1820,1040px.",
            )
        if self.end is not None and not 0 <= self.start < self.end:
            raise UsageError(f"Box times {self.start}-{self.end} s are not 0 <= start < end.")

    def is_at(self, time: float) -> bool:
        """Return True when the box applies at a time in seconds."""
        return self.start <= time and (self.end is None or time < self.end)


def parse_box(word: str) -> tuple[tuple[float, float, float, float], bool, float, float | None]:
    """Return corners, whether they are in pixels, start and end of `X1,Y1,X2,Y2[px][@START-END]`. Raises UsageError."""
    hint = "Write X1,Y1,X2,Y2 in 0..1, or in pixels with px at the end, and @START-END in seconds where it has a time."
    corners, _, time = word.partition("@")
    pixels = corners.endswith("px")
    try:
        x1, y1, x2, y2 = (float(value) for value in corners.removesuffix("px").split(","))
        first, dash, last = time.partition("-")
        start = float(first) if first else 0.0
        end = float(last) if last else None
    except ValueError:
        raise UsageError(f"Box {word!r} can't be read.", hint=hint) from None
    if time and not dash:
        raise UsageError(f"Box {word!r} has a time without an end.", hint=hint)
    return (x1, y1, x2, y2), pixels, start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """What a person wants of a composite.

    Attributes:
        protect: Boxes in which the source stays, `X1,Y1,X2,Y2[px][@START-END]`.
        only: Boxes outside which the source stays.
        keep_text: Regular expression; texts whose words match it stay.
        restore_text: Numbers of texts that stay, as the record lists them.
    """

    protect: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    keep_text: str | None = None
    restore_text: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for word in (*self.protect, *self.only):
            parse_box(word)

    def __bool__(self) -> bool:
        return bool(self.protect or self.only or self.keep_text is not None or self.restore_text)

    @property
    def names_texts(self) -> bool:
        """True when the texts of the video have to be known."""
        return self.keep_text is not None or bool(self.restore_text)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "protect": list(self.protect),
            "only": list(self.only),
            "keep_text": self.keep_text,
            "restore_text": list(self.restore_text),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Regions:
        """Return the regions that `to_json` wrote. Raises UsageError, TypeError for other shapes."""
        return cls(
            protect=tuple(found.get("protect") or ()),
            only=tuple(found.get("only") or ()),
            keep_text=found.get("keep_text"),
            restore_text=tuple(found.get("restore_text") or ()),
        )


def timed_box(word: str, size: tuple[int, int]) -> TimedBox:
    """Return the box that `parse_box` reads, pixels being those of a picture of `size`. Raises UsageError."""
    (x1, y1, x2, y2), pixels, start, end = parse_box(word)
    width, height = size if pixels else (1, 1)
    return TimedBox(x1=x1 / width, y1=y1 / height, x2=x2 / width, y2=y2 / height, start=start, end=end)
