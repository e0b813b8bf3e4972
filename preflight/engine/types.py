"""What the engine tells others, as plain values that need no package of the `local` extra."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpot:
    """Text seen at `time` (seconds): corners in 0..1 of the upright picture, the recogniser's confidence 0..1."""

    time: float
    text: str
    score: float
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPreview:
    """What a few frames of a video show. `language` is the service's code of most of the text, None without text."""

    spots: tuple[TextSpot, ...]
    language: str | None

    @property
    def present(self) -> bool:
        """True when any of the frames shows text."""
        return bool(self.spots)
