"""Fill from the surroundings on the same picture (Telea's fast marching method, J. Graphics Tools 2004)."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.local.engine.glyphs import Mask, Picture

RADIUS = 3


def luma(region: Picture, hole: Mask) -> Picture:
    """Return the luma of a region (luma and full-size chroma) with `hole` filled."""
    return _telea(np.ascontiguousarray(region[..., 0]), hole.astype(np.uint8))


def color(region: Picture, hole: Mask) -> Picture:
    """Return a region (luma and full-size chroma) with `hole` filled; chroma is filled at the half size it has."""
    height, width = hole.shape
    size = (width // 2, height // 2)
    small = cv2.resize(hole.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    # Chroma is coarse and lossy: what lies beside the hole has some of the text's colour.
    beside = cv2.dilate((small > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    chroma = []
    for plane in (region[..., 1], region[..., 2]):
        half = cv2.resize(np.ascontiguousarray(plane), size, interpolation=cv2.INTER_AREA)
        filled = _telea(half, beside)
        chroma.append(cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR))
    filled_region: Picture = np.where(hole[..., None], np.dstack([luma(region, hole), *chroma]), region)
    return filled_region


def _telea(plane: Picture, hole: Picture) -> Picture:
    filled: Picture = cv2.inpaint(plane, hole, RADIUS, cv2.INPAINT_TELEA)
    return filled
