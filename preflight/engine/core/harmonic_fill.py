"""Fill from the surroundings on the same picture: a membrane spanned over the hole.

The membrane is the harmonic surface that meets the hole's rim, solved from coarse to fine by sweeps of four-neighbour
means (the pyramid of known samples is that of Gortler et al., *The Lumigraph*, SIGGRAPH 1996).
"""

from __future__ import annotations

import cv2
import numpy as np

from preflight.engine.core.arrays import BoolMask, FloatImage
from preflight.engine.core.filters import times

_SWEEPS = 10
"""On every level; more than that gains nothing on strokes."""
_AROUND = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)


def membrane(region: FloatImage, hole: BoolMask) -> FloatImage:
    """Return a region, of one or more planes, with the smoothest surface over `hole` that meets its rim.

    Where nothing is known, the surface is the region's mean.
    """
    if hole.all():
        return np.broadcast_to(region.mean(axis=(0, 1)), region.shape).astype(np.float32)
    levels = _pyramid(region, (~hole).astype(np.float32))
    filled, _ = levels[-1]
    for values, known in reversed(levels[:-1]):
        inside = (known == 0).astype(np.uint8)
        cv2.copyTo(cv2.resize(filled, inside.shape[::-1], interpolation=cv2.INTER_LINEAR), inside, values)
        for _ in range(_SWEEPS):
            cv2.copyTo(cv2.filter2D(values, -1, _AROUND, borderType=cv2.BORDER_REPLICATE), inside, values)
        filled = values
    return filled


def _pyramid(region: FloatImage, known: FloatImage) -> list[tuple[FloatImage, FloatImage]]:
    """Return the region and ever smaller means of its known samples, each with where they are, until all is known."""
    levels = [(region.copy(), known)]
    while not known.all():
        height, width = known.shape
        size = ((width + 1) // 2, (height + 1) // 2)
        share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(times(region, known), size, interpolation=cv2.INTER_AREA)
        region, known = times(total, 1 / np.maximum(share, 1e-6)), (share > 0).astype(np.float32)
        levels.append((region.copy(), known))
    return levels
