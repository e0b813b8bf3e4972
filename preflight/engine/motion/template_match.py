"""Template matching by normalised cross-correlation: finds text again that has moved."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.core.arrays import Gray
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame

Offset = tuple[int, int]
SAME_TEXT = 0.72
"""Correlation above which what is found at another place is the same text."""
MIN_VISIBLE_WIDTH = 0.4
"""Share of a line's width that must be on the frame for it to be searched for."""
MIN_VISIBLE_HEIGHT = 0.7
"""Share of a line's height that must be on the frame for it to be searched for."""


@dataclass(frozen=True, slots=True)
class TemplateMatch:
    """Where text was found, as an offset from where it was first seen, and how well it correlates (-1..1)."""

    offset: Offset
    score: float


@dataclass(frozen=True, slots=True)
class LineTemplate:
    """What a line of text looks like."""

    gray: Gray
    """Its luma [H, W]."""
    near: Gray
    """1 on the letters and right beside them, else 0 [H, W]."""


def match_template(template: LineTemplate, line: Box, frame: Frame, around: Offset, radius: Offset) -> TemplateMatch:
    """Search for a line of text on a frame.

    Only the letters and the pixels right beside them are compared, as the scene changes behind moving text. A line that
    has partly left the frame is compared by the part that is still on it.

    Args:
        template: what the line looks like.
        line: where it was first seen.
        frame: the frame to search on.
        around: offset (x, y) from `line` around which it is searched for.
        radius: pixels (x, y) around that offset.

    Returns:
        The best offset and its correlation; -1 when too little of the line would be on the frame.
    """
    height, width = frame.y.shape
    home = line.moved(*around)
    seen = Box(max(0, home.x0), max(0, home.y0), min(width, home.x1), min(height, home.y1))
    if seen.width < max(8, MIN_VISIBLE_WIDTH * line.width) or seen.height < max(6, MIN_VISIBLE_HEIGHT * line.height):
        return TemplateMatch(around, -1.0)
    shown = seen.moved(-home.x0, -home.y0).slices
    left, top = max(0, seen.x0 - radius[0]), max(0, seen.y0 - radius[1])
    field = frame.y[top : seen.y1 + radius[1], left : seen.x1 + radius[0]]
    part, near = np.ascontiguousarray(template.gray[shown]), np.ascontiguousarray(template.near[shown])
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
