"""Fill from the surroundings on the same picture (Telea's fast marching method, J. Graphics Tools 2004)."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.local.engine.glyphs import Mask, Picture

RADIUS = 3


def luma(region: Picture, hole: Mask) -> Picture:
    """Return the luma of a region (luma and full-size chroma) with `hole` filled."""
    return color(np.ascontiguousarray(region[..., 0]), hole)


def color(region: Picture, hole: Mask) -> Picture:
    """Return a region, of one plane or of luma and full-size chroma, with `hole` filled."""
    filled: Picture = cv2.inpaint(region, hole.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)
    return filled
