"""Advisories on how the pictures follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Finding
from preflight.rules import wording
from preflight.rules.advisory import advisory

LOW_BITS_PER_PIXEL = Fraction(1, 100)
"""Bits a pixel of video below which blocks hide thin strokes: 500 kb/s at 1080p25. H.264 looks good from 0.05 on.

A picture that stands still needs less to be sharp, which no header states, so the message leaves that open."""


def check(media: Media, _: Limits) -> Iterator[Finding]:
    """Yield advisories on a varying frame rate, interlaced fields and a very low bit rate."""
    video = media.video
    if video is None:
        return
    if video.variable_frame_rate:
        message = "Its frame rate varies; a service that assumes a constant one lets sound and picture drift apart."
        yield advisory("variable-frame-rate", message, measured="variable", usual="constant")
    if video.interlaced:
        message = "Its video is stored as fields (interlaced); combing makes text harder to find and to fill."
        safe = wording.command(media, "fix", "--safe")
        fix = "An encode deinterlaces it."
        yield advisory("interlaced", message, measured="interlaced", usual="progressive", fix=fix, command=safe)
    rate = _bits_per_pixel(media)
    if rate is not None and rate < LOW_BITS_PER_PIXEL:
        message = "Its bit rate is very low for its size: unless its picture hardly moves, compression has blurred it."
        usual = f"{float(LOW_BITS_PER_PIXEL):g} bits a pixel or more"
        yield advisory("low-bit-rate", message, measured=f"{float(rate):.4f} bits a pixel", usual=usual)


def _bits_per_pixel(media: Media) -> Fraction | None:
    video = media.video
    if video is None or not media.duration or not video.frame_rate or not video.width or not video.height:
        return None
    bits = Fraction(video.bit_rate) if video.bit_rate else media.size * 8 / media.duration
    return bits / (video.width * video.height * video.frame_rate)
