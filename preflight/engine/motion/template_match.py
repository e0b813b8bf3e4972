"""Find text again that has moved: tickers, drifting watermarks, and signs that move with the scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.core.arrays import Gray
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame

Offset = tuple[int, int]
SURE = 0.72
"""Correlation above which what was found at another place is the same text."""
LEAST_SHOWN = 0.4
"""Share of a line that must be on the picture for it to be searched for."""


@dataclass(frozen=True, slots=True)
class TemplateMatch:
    """Where text was found, as an offset from where it was first seen, and how well it correlates (-1..1)."""

    offset: Offset
    score: float


@dataclass(frozen=True, slots=True)
class LineTemplate:
    """What a line of text looks like: its luma, and in `near` 1 on the letters and right beside them."""

    gray: Gray
    near: Gray


def match_template(look: LineTemplate, line: Box, frame: Frame, around: Offset, radius: Offset) -> TemplateMatch:
    """Search for the text of `line` on a frame within `radius` of the offset `around`.

    Text that has partly left the picture is compared by the part that is still on it. Only the letters and what is
    right beside them count: what the text passes by changes.
    """
    height, width = frame.y.shape
    home = line.moved(*around)
    seen = Box(max(0, home.x0), max(0, home.y0), min(width, home.x1), min(height, home.y1))
    if seen.width < max(8, LEAST_SHOWN * line.width) or seen.height < max(6, 0.7 * line.height):
        return TemplateMatch(around, -1.0)
    visible_share = seen.moved(-home.x0, -home.y0).slices
    left, top = max(0, seen.x0 - radius[0]), max(0, seen.y0 - radius[1])
    field = frame.y[top : seen.y1 + radius[1], left : seen.x1 + radius[0]]
    part, near = np.ascontiguousarray(look.gray[visible_share]), np.ascontiguousarray(look.near[visible_share])
    scores = cv2.matchTemplate(np.ascontiguousarray(field), part, cv2.TM_CCOEFF_NORMED, mask=near)
    # On flat ground, and where no letter is left to compare, there is nothing to divide by.
    scores = np.nan_to_num(scores, nan=-1.0, posinf=-1.0, neginf=-1.0)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    return TemplateMatch((around[0] + left + x - seen.x0, around[1] + top + y - seen.y0), float(best))


def visible_share(line: Box, offset: Offset, size: tuple[int, int]) -> float:
    """Return the share of a moved line that is on a picture of `size`."""
    return line.moved(*offset).common(Box(0, 0, *size)) / max(1, line.area)


def interpolate_offset(start: tuple[int, Offset], end: tuple[int, Offset], index: int) -> Offset:
    """Return the offset at frame `index` on the straight way through two known ones."""
    (first, (x0, y0)), (last, (x1, y1)) = start, end
    share = (index - first) / (last - first)
    return round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share)
