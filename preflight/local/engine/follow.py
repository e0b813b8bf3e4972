"""Find text again that has moved: tickers, drifting watermarks, and signs that move with the scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preflight.local.engine.frames import Frame
from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Picture

Offset = tuple[int, int]
SURE = 0.72
"""Correlation above which what was found at another place is the same text."""
_LEAST_SHOWN = 0.4


@dataclass(frozen=True, slots=True)
class Found:
    """Where text was found, as an offset from where it was first seen, and how well it correlates (-1..1)."""

    offset: Offset
    score: float


def locate(look: Picture, line: Box, frame: Frame, around: Offset, radius: Offset) -> Found:
    """Search for `look`, the gray text of `line`, on a frame within `radius` of the offset `around`.

    Text that has partly left the picture is compared by the part that is still on it.
    """
    height, width = frame.y.shape
    home = line.moved(*around)
    shown = Box(
        max(radius[0], home.x0),
        max(radius[1], home.y0),
        min(width - radius[0], home.x1),
        min(height - radius[1], home.y1),
    )
    if shown.width < max(8, _LEAST_SHOWN * line.width) or shown.height < max(6, 0.7 * line.height):
        return Found(around, -1.0)
    part = look[shown.moved(-home.x0, -home.y0).slices]
    field = frame.y[shown.y0 - radius[1] : shown.y1 + radius[1], shown.x0 - radius[0] : shown.x1 + radius[0]]
    scores = cv2.matchTemplate(np.ascontiguousarray(field), np.ascontiguousarray(part), cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    return Found((around[0] + x - radius[0], around[1] + y - radius[1]), float(best))


def between(start: tuple[int, Offset], end: tuple[int, Offset], index: int) -> Offset:
    """Return the offset at frame `index` on the straight way through two known ones."""
    (first, (x0, y0)), (last, (x1, y1)) = start, end
    share = (index - first) / (last - first)
    return round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share)
