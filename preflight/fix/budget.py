"""How many bits a picture may take so that the file keeps a size limit. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

FILL = Fraction(98, 100)
"""Share of the limit that is aimed at: rate control is not exact, and the limit is never to be passed."""
VBV_START = Fraction(9, 10)
"""Share of the rate buffer that x264 may spend before the rate binds (its `vbv-init`)."""
MAX_VIDEO_RATE = 100_000_000
"""Bits/s from which on a cap is left out: no picture within the box takes so much, and encoders refuse huge numbers."""
MIN_VIDEO_RATE = 50_000
"""Bits/s under which a picture is not worth sending."""
_MUX_BYTES_PER_VIDEO_FRAME = 24
_MUX_BYTES_PER_AUDIO_FRAME = 12
_MUX_BYTES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A cap for the encoder: bits/s, and the bits of the buffer behind it."""

    max_rate: int
    buffer: int


def buffer_seconds(seconds: Fraction) -> Fraction:
    """Return the rate buffer's length by the clip's.

    Four seconds leave the encoder free to serve hard scenes; in a clip of a few seconds such a buffer would be much of
    the whole budget and be overshot, so it is at most a tenth of the clip.
    """
    return min(Fraction(4), max(Fraction(1, 2), seconds / 10))


def mux_bytes(seconds: Fraction, frame_rate: Fraction | None, audio_streams: int) -> int:
    """Return what the container itself takes: sample tables and headers."""
    frames = seconds * (frame_rate or 30)
    sound = audio_streams * seconds * 50
    return int(frames * _MUX_BYTES_PER_VIDEO_FRAME + sound * _MUX_BYTES_PER_AUDIO_FRAME) + _MUX_BYTES


def rate_for(target_bytes: int, seconds: Fraction, *, other_bytes: int) -> Rate | None:
    """Return the cap with which `seconds` of picture and `other_bytes` stay within `target_bytes`, or None if too low.

    A capped stream takes at most rate x time plus what the buffer held at the start.
    """
    bits = (Fraction(target_bytes) * FILL - other_bytes) * 8
    if seconds <= 0 or bits <= 0:
        return None
    length = buffer_seconds(seconds)
    rate = int(bits / (seconds + VBV_START * length))
    return Rate(max_rate=rate, buffer=int(rate * length)) if rate >= MIN_VIDEO_RATE else None


def corrected(rate: int, measured_bytes: int, target_bytes: int) -> int:
    """Return the rate for another try, by how far the last one missed the target."""
    return int(rate * FILL * target_bytes / measured_bytes)
