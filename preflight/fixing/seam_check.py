"""Whether a decoder shows every frame around the places where encoded frames and copied ones meet.

Packets alone don't tell: frames behind a keyframe that is no IDR frame may need what the encoded ones replaced, and a
decoder then drops them.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from preflight.events import Cancel
from preflight.tools import packets

_AROUND = Fraction(2)
"""Seconds before and behind a seam in which each frame has to be shown; frames of 16 references reach less far."""
_PREROLL = Fraction(1)
"""Seconds decoded more at both ends: of the frames at the ends of a range some are not shown."""
_SAME_TIME = Fraction(1, 500)
"""Seconds by which two listings of one frame's time may differ: Matroska and FLV round to 1 ms."""


def all_shown(path: Path, seams: Sequence[Fraction], *, ffmpeg: str, cancel: Cancel | None = None) -> bool:
    """Return True when the video at `path` decodes to all its frames near `seams` (seconds).

    Raises ToolError, CancelledError.
    """
    listing = packets.scan(path, ffmpeg=ffmpeg, maps=("0:V:0",), cancel=cancel)
    times = [time * listing.heads[0].time_base for time in listing.of(0).shown_times()]
    for first, last in windows(seams):
        begun = max(Fraction(0), first - _PREROLL)
        found = packets.decoded_times(path, ffmpeg=ffmpeg, seek=begun, length=last + _PREROLL - begun, cancel=cancel)
        if not covers(found, [time - begun for time in times if first <= time < last]):
            return False
    return True


def windows(seams: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Return the ranges around `seams`, those that meet as one."""
    windows: list[tuple[Fraction, Fraction]] = []
    for seam in sorted(seams):
        first, last = max(Fraction(0), seam - _AROUND), seam + _AROUND
        if windows and first <= windows[-1][1] + 2 * _PREROLL:
            windows[-1] = (windows[-1][0], last)
        else:
            windows.append((first, last))
    return windows


def covers(found: Sequence[Fraction], wanted: Sequence[Fraction]) -> bool:
    """Return True when a frame was found at each of the `wanted` times."""
    ordered = sorted(found)
    for time in wanted:
        at = bisect.bisect_left(ordered, time - _SAME_TIME)
        if at == len(ordered) or ordered[at] > time + _SAME_TIME:
            return False
    return True
