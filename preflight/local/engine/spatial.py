"""Fill from the surroundings on the same frame (Telea's fast marching method)."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.local.engine.frames import Frame, Plane
from preflight.local.engine.tracks import Track

RADIUS = 3


def fill(frame: Frame, tracks: list[Track]) -> Frame:
    """Return the frame with the samples that `tracks` paint filled from around them."""
    if not tracks:
        return frame
    y, u, v = frame.y.copy(), frame.u.copy(), frame.v.copy()
    for track in tracks:
        rows, columns = track.box.slices
        mask = track.mask.astype(np.uint8)
        y[rows, columns] = cv2.inpaint(y[rows, columns], mask, RADIUS, cv2.INPAINT_TELEA)
        half = coarse(mask)
        rows, columns = slice(track.box.y0 // 2, track.box.y1 // 2), slice(track.box.x0 // 2, track.box.x1 // 2)
        for plane in (u, v):
            plane[rows, columns] = cv2.inpaint(plane[rows, columns], half, RADIUS, cv2.INPAINT_TELEA)
    return Frame(index=frame.index, y=y, u=u, v=v)


def coarse(mask: Plane) -> Plane:
    """Return the half-size mask of chroma samples that any masked luma sample shares."""
    height, width = mask.shape
    result: Plane = mask.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3))
    return result
