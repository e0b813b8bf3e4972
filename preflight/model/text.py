"""Text that a video shows: what it says, where, and on which frames."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class TextRole(StrEnum):
    """What a text is there for."""

    CAPTION = "caption"
    """Overlay text that comes and goes: subtitles, titles, lower thirds."""
    WATERMARK = "watermark"
    """Overlay text that stays, or returns at several places: a name, a handle, a clock, a site."""
    SIGN = "sign"
    """Text of the scene: on a sign, a product, a screen."""


class TextStatus(StrEnum):
    """What became of a text, or will become of it."""

    REMOVED = "removed"
    KEPT = "kept"
    UNCERTAIN = "uncertain"
    """Kept since it may be part of the scene, or changed so little that a person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenText:
    """One line of text, and the frames that show it."""

    text: str
    """What was read; empty, or unsure, for a script that the recogniser doesn't know."""
    confidence: float
    """Confidence of the recogniser, 0..1."""
    role: TextRole
    certain: bool
    """False when it could not be decided whether the text belongs to the scene."""
    language: str
    """`zh` when it has Chinese characters, `en` when its letters are Latin, empty otherwise."""
    first_frame: int
    last_frame: int
    """Index of the last frame that shows it."""
    start: Fraction
    """Time of its first frame in seconds, counted from the first frame of the video."""
    end: Fraction
    """Time at which its last frame ends, in seconds."""
    box: tuple[int, int, int, int]
    """Left, top, right and bottom edge on its first frame, in pixels of the upright picture."""
    moves: bool = False
    color: str | None = None
    """Colour of its letters as `#RRGGBB`; None where it isn't known."""
    removed: bool | None = None
    """Whether a removal took it out; None without a removal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenTexts:
    """All text of a video, in order of time and, at one time, from top to bottom and left to right."""

    frames: int
    frame_rate: float
    width: int
    """Of the upright picture, in pixels."""
    height: int
    texts: tuple[ScreenText, ...]
