"""The header readers' integers as exact fractions, with the rules for when they are to be believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


def simplest(text: str) -> Fraction:
    """Return the simplest fraction that rounds to `text`, a positive decimal; 1 for anything else.

    MediaInfo tells a pixel aspect ratio of 4:3 as `1.333`; the exact ratio is wanted, or 1440 columns show as 1919.
    """
    digits = len(text.partition(".")[2])
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return Fraction(1)
    half = Fraction(1, 2 * 10**digits)
    return _between(value - half, value + half) if value > half and digits <= 9 else Fraction(1)


def _between(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction of the smallest denominator in [low, high], both positive (Stern-Brocot descent)."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    floor = whole - 1
    return floor + 1 / _between(1 / (high - floor), 1 / (low - floor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """What a header reader found; every field is empty where the container has no reader."""

    brand: str | None = None
    duration: Fraction | None = None
    fragmented: bool = False
    faststart: bool | None = None
    chapters: int = 0
    missing_bytes: int = 0
    tracks: tuple[dict[str, Any], ...] = field(default=())
    timescale: int = 0

    @classmethod
    def of(cls, header: dict[str, Any]) -> Exact:
        """Return the facts of a header reader as they came from the worker."""
        timescale = header.get("timescale") or 0
        ticks = header.get("fragments_duration") or header.get("duration")
        return cls(
            brand=header.get("brand"),
            duration=Fraction(ticks, timescale) if ticks and timescale else None,
            fragmented=bool(header.get("fragmented")),
            faststart=header.get("faststart"),
            chapters=header.get("chapters") or 0,
            missing_bytes=header.get("missing_bytes") or 0,
            tracks=tuple(header.get("tracks") or ()),
            timescale=timescale,
        )

    def index(self, track_id: str, otherwise: int) -> int:
        """Return the stream's place in the file, which the header's order of tracks tells for certain."""
        return next((n for n, track in enumerate(self.tracks) if str(track.get("id")) == track_id), otherwise)

    def sar(self, index: int) -> Fraction | None:
        """Return the container's pixel aspect ratio of the stream, or None where it says nothing."""
        across, down = self._track(index).get("sar") or (0, 0)
        return Fraction(across, down) if across and down else None

    def stream_duration(self, index: int) -> Fraction | None:
        """Return how long the stream is shown, in seconds, from its own clock where that is finer than the movie's.

        The header tells the shown time in the movie's ticks (often milliseconds) and the media's whole length in finer
        ones; an edit list cuts the latter. Where both agree within a tick, the finer one is the true value.
        """
        track = self._track(index)
        if not track.get("presented") or not self.timescale:
            return None
        shown = Fraction(track["presented"], self.timescale)
        if not track.get("media") or not track.get("timescale"):
            return shown
        fine = Fraction(track["media"], track["timescale"])
        for length, start in track.get("edits") or ():
            fine += Fraction(length, self.timescale) if start < 0 else -Fraction(start, track["timescale"])
        return fine if abs(fine - shown) <= Fraction(1, self.timescale) else shown

    def _track(self, index: int) -> dict[str, Any]:
        return self.tracks[index] if index < len(self.tracks) else {}
