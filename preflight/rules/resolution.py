"""703: the picture is too large. The display size counts, in either orientation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Code, Finding
from preflight.rules import wording

_CROP_AT_MOST = 16
"""Rows or columns: what encoders add to fill their last block is less than this."""


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when the display size does not fit the box in either orientation, or is unknown.

    Args:
        media: the file's facts.
        limits: the limits to keep.
    """
    if media.video is None:
        return
    width, height = media.video.display_size
    limit = f"{limits.max_long_side}x{limits.max_short_side} in either orientation"
    if not width or not height:
        yield Finding(
            rule="resolution-unknown",
            code=Code.RESOLUTION,
            message="The file does not say how large its picture is.",
            measured="unknown",
            limit=limit,
        )
    elif max(width, height) > limits.max_long_side or min(width, height) > limits.max_short_side:
        shown = wording.pixels(width, height)
        source = wording.source(
            limits, "max_long_side" if max(width, height) > limits.max_long_side else "max_short_side"
        )
        yield Finding(
            rule="resolution",
            code=Code.RESOLUTION,
            message=f"Its picture is shown at {shown}; the limit is {limit} ({source}).",
            measured=shown,
            limit=limit,
            fix=_fix(width, height, limits),
            command=wording.command(media, "fix"),
        )


def _fix(width: int, height: int, limits: Limits) -> str:
    box = (limits.max_long_side, limits.max_short_side)
    long_limit, short_limit = box if width >= height else box[::-1]
    if width - long_limit < _CROP_AT_MOST and height - short_limit < _CROP_AT_MOST:
        cropped = wording.pixels(min(width, long_limit), min(height, short_limit))
        return f"Crop it to {cropped}, which keeps it sharp."
    scale = min(Fraction(long_limit, width), Fraction(short_limit, height))
    target = wording.pixels(*(max(2, int(side * scale) // 2 * 2) for side in (width, height)))
    return f"Scale it down to {target}."
