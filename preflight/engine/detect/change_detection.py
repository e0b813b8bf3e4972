"""Which parts of the picture have changed since they were looked at closely: nowhere else can there be new text."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap
from preflight.engine.core.box import Box
from preflight.engine.detect.detector import RASTER, DetectTask

_BLOCK, _MARGIN = 8, 24
_CHANGED = 4.5
"""Gray levels by which a change varies around a block. Faint small print (20 levels, 10 lines) makes 6 to 8."""
_MOST, _QUICK = 0.7, 0.3
"""Shares of the picture up to which parts are looked at: of a close look, and of one that would else be quick."""


@dataclass(slots=True)
class ChangeDetector:
    """The picture as it was when each part of it was looked at closely, so that slow changes add up."""

    picture: BGR | None = None

    def renew(self, look: DetectTask) -> DetectTask:
        """Note that all that `look` asks for is looked at closely; return it."""
        if self.picture is None or look.parts is None:
            self.picture = look.picture.copy()
        for part in look.parts or ():
            self.picture[part.slices] = look.picture[part.slices]
        return look

    def narrowed(self, look: DetectTask, known: tuple[Box, ...] | None) -> DetectTask:
        """Return a look at what has changed; where that is much, a quick one for more than `known`, or a close one."""
        if self.picture is None:
            return self.renew(look)
        parts = changed_regions(self.picture, look.picture)
        height, width = look.picture.shape[:2]
        if sum(part.area for part in parts) < (_MOST if known is None else _QUICK) * height * width:
            return self.renew(replace(look, parts=parts))
        return self.renew(look) if known is None else replace(look, known=known)


def changed_regions(before: BGR, now: BGR) -> tuple[Box, ...]:
    """Return boxes around all that has changed, apart from each other, of two pictures with sides of whole rasters."""
    height, width = now.shape[:2]
    # What was right beside it is no change either: a camera on a stand trembles.
    beside = np.ones((3, 3), np.uint8)
    brighter, darker = cv2.subtract(now, cv2.dilate(before, beside)), cv2.subtract(cv2.erode(before, beside), now)
    apart = cv2.subtract(brighter, darker, dtype=cv2.CV_32F)
    # Within two by two blocks a change of light is much the same, and letters are not.
    spread = _pooled(cv2.multiply(apart, apart)) - _pooled(apart) ** 2
    marked = (spread.max(axis=2) > _CHANGED**2).astype(np.uint8)
    reach = 2 * _MARGIN // _BLOCK + 1
    near = cv2.dilate(marked, np.ones((reach, reach), np.uint8))
    fine = RASTER // _BLOCK
    return _boxes(near.reshape(height // RASTER, fine, width // RASTER, fine).max(axis=(1, 3)) > 0)


def _pooled(field: FloatMap) -> FloatMap:
    """Return the mean of every two by two blocks that lie side by side."""
    height, width = field.shape[:2]
    blocks = cv2.resize(field, (width // _BLOCK, height // _BLOCK), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(blocks, (2, 2)), np.float32)


def _boxes(cells: BoolMask) -> tuple[Box, ...]:
    """Return boxes around marked cells of the raster, those that touch as one."""
    while True:
        _, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8))
        found = [Box(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:].tolist()]
        filled = np.zeros_like(cells)
        for box in found:
            filled[box.slices] = True
        if (filled == cells).all():
            return tuple(Box(*(RASTER * side for side in (b.x0, b.y0, b.x1, b.y1))) for b in found)
        cells = filled
