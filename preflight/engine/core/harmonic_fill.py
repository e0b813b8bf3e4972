"""Harmonic (Laplace) inpainting: the smoothest surface over a hole that meets its rim.

Solved from coarse to fine by Jacobi iterations; the pyramid of known pixels is that of Gortler et al., *The Lumigraph*,
SIGGRAPH 1996.
"""

from __future__ import annotations

import cv2
import numpy as np

from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap
from preflight.engine.core.filters import weighted_mean

_ITERATIONS = 10
"""Jacobi iterations on each level. More change nothing visible on holes as wide as strokes."""
_NEIGHBOR_MEAN = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)
"""Kernel of one iteration: the mean of the four neighbours."""


def harmonic_inpaint(image: FloatImage, hole: BoolMask) -> FloatImage:
    """Return an image whose `hole` is filled by the harmonic surface that meets its rim.

    Args:
        image: (height, width) or (height, width, channels).
        hole: (height, width). Where all of it is set, the result is the image's mean.

    Returns:
        The same shape as `image`.
    """
    if hole.all():
        return np.broadcast_to(image.mean(axis=(0, 1)), image.shape).astype(np.float32)
    levels = _pyramid(image, (~hole).astype(np.float32))
    filled, _ = levels[-1]
    for values, known in reversed(levels[:-1]):
        inside = (known == 0).astype(np.uint8)
        cv2.copyTo(cv2.resize(filled, inside.shape[::-1], interpolation=cv2.INTER_LINEAR), inside, values)
        for _ in range(_ITERATIONS):
            cv2.copyTo(cv2.filter2D(values, -1, _NEIGHBOR_MEAN, borderType=cv2.BORDER_REPLICATE), inside, values)
        filled = values
    return filled


def _pyramid(image: FloatImage, known: FloatMap) -> list[tuple[FloatImage, FloatMap]]:
    """Return the image and successive half-size means of its known pixels, down to the first level without a hole."""
    levels = [(image.copy(), known)]
    while not known.all():
        height, width = known.shape
        size = ((width + 1) // 2, (height + 1) // 2)
        share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(weighted_mean(image, known), size, interpolation=cv2.INTER_AREA)
        image, known = weighted_mean(total, 1 / np.maximum(share, 1e-6)), (share > 0).astype(np.float32)
        levels.append((image.copy(), known))
    return levels
