"""The limits a video has to keep, as data. The defaults are those of the Video Removal API's own page."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from preflight.errors import UsageError
from preflight.model.media import Container

MB = 1_000_000
MIB = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Inclusive limits: bytes, seconds, and pixels of the display size in either orientation.

    Defaults: "mp4, mov, webm, avi, mkv", "up to 200MB", "6 minutes", "1080P" (API page, `videoUrl`). The page does not
    say whether MB is decimal; the smaller reading is the safe one. See docs/limits.md for each reading's reason.
    """

    max_bytes: int = 200 * MB
    max_seconds: Fraction = Fraction(360)
    max_long_side: int = 1920
    max_short_side: int = 1080
    containers: tuple[Container, ...] = (
        Container.MP4,
        Container.MOV,
        Container.WEBM,
        Container.AVI,
        Container.MKV,
    )
    source: str = "Video Removal API page"

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_long_side", "max_short_side"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise UsageError(f"{name} is {value!r}.", hint="Use a whole number above 0.")
        try:
            seconds = Fraction(self.max_seconds)
        except (TypeError, ValueError, OverflowError):
            seconds = Fraction(0)
        if seconds <= 0:
            raise UsageError(f"max_seconds is {self.max_seconds!r}.", hint="Use a number of seconds above 0.")
        # Exact whatever number was given: 2.5 is as good as Fraction(5, 2).
        object.__setattr__(self, "max_seconds", seconds)


DEFAULT_LIMITS = Limits()
