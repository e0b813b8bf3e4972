"""Change detection: which parts of the picture have changed since the last full detection, where text can be new."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap
from preflight.engine.core.box import Box
from preflight.engine.detect.detector import RASTER, DetectTask
from preflight.engine.detect.settings import CHANGES


@dataclass(slots=True)
class ChangeDetector:
    """Keeps the picture as it was when each part of it was detected fully, so that slow changes add up."""

    picture: BGR | None = None

    def renew(self, task: DetectTask) -> DetectTask:
        """Note that all that `task` asks for is detected fully; return it."""
        if self.picture is None or task.parts is None or self.picture.shape != task.picture.shape:
            self.picture = task.picture.copy()
        for part in task.parts or ():
            self.picture[part.slices] = task.picture[part.slices]
        return task

    def narrowed(self, task: DetectTask, known: tuple[Box, ...] | None) -> DetectTask:
        """Return a task for what has changed.

        Where that is much, it is one for all of the picture: a coarse one for more than the lines `known`, a full one
        without them.
        """
        if self.picture is None or self.picture.shape != task.picture.shape:
            return self.renew(task)
        parts = changed_regions(self.picture, task.picture)
        height, width = task.picture.shape[:2]
        most = CHANGES.max_share if known is None else CHANGES.max_coarse_share
        if sum(part.area for part in parts) < most * height * width:
            return self.renew(replace(task, parts=parts))
        return self.renew(task) if known is None else replace(task, known=known)


def changed_regions(before: BGR, now: BGR) -> tuple[Box, ...]:
    """Return boxes around all that has changed, apart from each other, of pictures with sides of whole rasters."""
    height, width = now.shape[:2]
    # What was right beside it is no change either: a camera on a stand trembles.
    beside = np.ones((3, 3), np.uint8)
    brighter, darker = cv2.subtract(now, cv2.dilate(before, beside)), cv2.subtract(cv2.erode(before, beside), now)
    apart = cv2.subtract(brighter, darker, dtype=cv2.CV_32F)
    # Within two by two blocks a change of light is much the same, and letters are not.
    spread = _block_means(cv2.multiply(apart, apart)) - _block_means(apart) ** 2
    marked = (spread.max(axis=2) > CHANGES.min_spread**2).astype(np.uint8)
    reach = 2 * CHANGES.margin // CHANGES.block + 1
    near = cv2.dilate(marked, np.ones((reach, reach), np.uint8))
    fine = RASTER // CHANGES.block
    return _boxes(near.reshape(height // RASTER, fine, width // RASTER, fine).max(axis=(1, 3)) > 0)


def _block_means(field: FloatMap) -> FloatMap:
    """Return the mean of every two by two blocks that lie side by side."""
    height, width = field.shape[:2]
    blocks = cv2.resize(field, (width // CHANGES.block, height // CHANGES.block), interpolation=cv2.INTER_AREA)
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
