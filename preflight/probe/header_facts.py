"""The header readers' integers as exact fractions, with the rules for when they are used. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


MAX_DURATION = Fraction(366 * 86_400)
"""Seconds, a year: a header that states more is taken to state nothing, so that the packets are measured."""


def simplest_fraction(text: str) -> Fraction:
    """Return the simplest_fraction fraction that rounds to `text`, a positive decimal; 1 for anything else.

    MediaInfo reports a pixel aspect ratio of 4:3 as `1.333`, which would show 1440 columns as 1919.
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


def ratio(pair: Any) -> Fraction | None:
    """Return the two integers of `pair` as a positive fraction, or None where they are none."""
    try:
        top, bottom = pair
        return Fraction(top, bottom) if top > 0 and bottom > 0 else None
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactTrack:
    """What a header says of one stream; every field is empty where it is silent."""

    id: str = ""
    tag: str = ""
    handler: str = ""
    """What MP4 and QuickTime say that a player is to take the stream for, such as `vide`."""
    duration: Fraction | None = None
    sar: Fraction | None = None
    rate: Fraction | None = None
    pace: Fraction | None = None
    """Samples a second where all samples of the fragments last equally long."""
    rotation: int | None = None
    mirrored: bool = False
    """The picture is shown flipped from left to right, before it is rotated."""
    sizes: tuple[tuple[int, int], ...] = ()
    """Width and height by each sequence header; a decoder shows these, whatever the container says."""
    samples: int | None = None
    span: tuple[Fraction, Fraction] | None = None
    """Seconds at which the first sample begins and the last one ends, where all of them are in fragments."""
    encrypted: bool = False
    interlaced: bool = False
    uneven: bool | None = None
    bit_depth: int | None = None
    chroma: str | None = None

    @classmethod
    def of(cls, track: dict[str, Any], timescale: int) -> ExactTrack:
        """Return the facts on one track; `timescale` is the movie's ticks a second, 0 outside of MP4."""
        depth, chroma = _av1(str(track.get("av1c") or ""))
        rotation, mirrored = _orientation(track)
        span = _fragments_span(track, timescale)
        return cls(
            id=str(track.get("id", "")),
            tag=str(track.get("tag", "")),
            handler=str(track.get("handler", "")),
            duration=ratio(track.get("seconds")) or (span[1] - span[0] if span else _shown(track, timescale)),
            span=span,
            sar=ratio(track.get("sar")),
            rate=ratio(track.get("rate")),
            pace=ratio(track.get("pace")),
            rotation=rotation,
            mirrored=mirrored,
            sizes=tuple((int(width), int(height)) for width, height in track.get("sizes") or ()),
            samples=track.get("samples"),
            encrypted=bool(track.get("encrypted")),
            interlaced=bool(track.get("interlaced")),
            uneven=track.get("uneven"),
            bit_depth=depth,
            chroma=chroma,
        )


def _shown(track: dict[str, Any], timescale: int) -> Fraction | None:
    """Return how long an MP4 track is shown, in seconds, from its own clock where that is finer than the movie's.

    The header states the presentation duration in the movie's ticks (often milliseconds) and the media's whole
    length in finer ones; an edit list cuts the latter. Where both agree within a tick, the finer one is the true
    value. A fragmented file's header may state nothing or 0: then the end of its last fragment counts.
    """
    scale, edits = track.get("timescale") or 0, track.get("edits") or ()
    media = max(track.get("media") or 0, track.get("fragments_end") or 0)
    shown = ratio((track.get("presented") or 0, timescale))
    if not media or not scale or not timescale:
        return shown
    fine = Fraction(media, scale)
    for length, start in edits:
        fine += Fraction(length, timescale) if start < 0 else -Fraction(start, scale)
    if shown is None or track.get("fragments_end") or abs(fine - shown) <= Fraction(1, timescale):
        return fine if fine > 0 else shown
    return shown


def _fragments_span(track: dict[str, Any], timescale: int) -> tuple[Fraction, Fraction] | None:
    """Return when the samples in fragments begin and end, in seconds of the movie; None where others hold some.

    A segment of a live stream begins hours after the time 0 to which its header refers: only what is there counts.
    """
    first, last, scale = track.get("fragments_start"), track.get("fragments_end") or 0, track.get("timescale") or 0
    if first is None or last <= first or not scale:
        return None
    delay, hidden = Fraction(0), 0
    for length, start in track.get("edits") or ():
        if start >= 0:
            hidden = start
        elif timescale:
            delay += Fraction(length, timescale)
    shift = delay - Fraction(hidden, scale)
    return shift + Fraction(max(first, min(hidden, last - 1)), scale), shift + Fraction(last, scale)


def _orientation(track: dict[str, Any]) -> tuple[int | None, bool]:
    """Return the rotation in degrees clockwise and whether the picture is flipped from left to right before it.

    The upper left quarter a, b, c, d of an MP4 matrix maps (x, y) to (ax + cy, bx + dy); Matroska states angles.
    """
    if not track.get("matrix"):
        return track.get("rotation"), bool(track.get("mirrored"))
    a, b, c, d = track["matrix"]
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(b, a))) % 360, mirrored


def _av1(configuration: str) -> tuple[int | None, str | None]:
    """Return bit depth and chroma format of an `av1C` record in hex (AV1 Codec ISO Media File Format Binding)."""
    if len(configuration) < 6:
        return None, None
    flags = int(configuration[4:6], 16)
    depth = (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    formats = {0x0C: "4:2:0", 0x08: "4:2:2", 0x00: "4:4:4"}
    return depth, "4:0:0" if flags & 0x10 else formats.get(flags & 0x0C)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """What a header reader found; every field is empty where the container has no reader."""

    brand: str | None = None
    duration: Fraction | None = None
    fragmented: bool = False
    faststart: bool | None = None
    indexed: bool | None = None
    external: bool = False
    chapters: int = 0
    missing_bytes: int = 0
    tracks: tuple[ExactTrack, ...] = ()

    @classmethod
    def of(cls, header: dict[str, Any]) -> Exact:
        """Return the facts of a header reader as they came from the worker."""
        timescale = header.get("timescale") or 0
        duration = header.get("duration")
        tracks = header.get("tracks") or ()
        known = tuple(ExactTrack.of(track, timescale) for track in tracks)
        stated = ratio((duration, timescale)) if timescale else ratio(duration)
        return cls(
            brand=header.get("brand"),
            duration=_reached(known) or (stated if stated is not None and stated <= MAX_DURATION else None),
            fragmented=bool(header.get("fragmented")),
            faststart=header.get("faststart"),
            indexed=header.get("indexed"),
            external=any(track.get("external") for track in tracks),
            chapters=header.get("chapters") or 0,
            missing_bytes=header.get("missing_bytes") or 0,
            tracks=known,
        )

    def find(self, track_id: str, position: int) -> tuple[int, ExactTrack]:
        """Return index and facts of the stream with MediaInfo's `track_id`; `position` is its index where none has."""
        for index, track in enumerate(self.tracks):
            if track.id == track_id:
                return index, track
        return position, ExactTrack()


def _reached(tracks: tuple[ExactTrack, ...]) -> Fraction | None:
    """Return the seconds from the first to the last moment of all samples, where all are in fragments."""
    spans = [track.span for track in tracks if track.span is not None]
    return max(end for _, end in spans) - min(start for start, _ in spans) if spans else None
