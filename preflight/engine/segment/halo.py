"""What surrounds letters and belongs to them: outline, shadow, glow and compression halo.

Rings of equal distance from the letters are compared with the scene, interpolated from beyond all of them. A ring that
belongs to the text shows `alpha * color + (1 - alpha) * scene` with the same alpha all along the line; detail of the
scene has none in common. So alpha is fitted in several parts of the line, and the halo ends at the first ring whose
median alpha does not differ from zero by its standard error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BGR, BoolMask, ColorVector, FloatImage, FloatMap
from preflight.engine.core.harmonic_fill import harmonic_inpaint
from preflight.engine.segment.settings import HALO

_BLACK: ColorVector = np.zeros(3, np.float32)
_MEDIAN_ERROR = 1.25
"""Ratio of the standard error of the median to that of the mean (normal distribution)."""
_LEAST_RING = 6
"""Minimum number of pixels of a ring in one part of the line."""
_LEAST_CONTRAST = 400.0
"""Minimum squared distance between a colour and the scene at which alpha can be told, levels squared."""


@dataclass(frozen=True, slots=True)
class Halo:
    """The surroundings of letters.

    Attributes:
        width: pixels beyond the letters that belong to the text, without what coding mixes with it.
        scene: BGR image without letters and halo, interpolated, (height, width, 3).
    """

    width: int
    scene: FloatImage


def distance(fill: BoolMask) -> FloatMap:
    """Return the distance of each pixel from the letters, pixels."""
    return np.asarray(cv2.distanceTransform((~fill).astype(np.uint8), cv2.DIST_L2, 3), np.float32)


def fit_halo(crop: BGR, fill: BoolMask, text_height: int) -> Halo:
    """Return the halo of the letters `fill` on a median `crop` of them.

    Args:
        crop: (height, width, 3); its margin around the letters is larger than any halo.
        fill: body of the letters, (height, width).
        text_height: in pixels.
    """
    image, away = crop.astype(np.float32), distance(fill)
    if not fill.any():
        return Halo(HALO.unknown, image)
    for share in HALO.reaches:
        reach = max(HALO.least_reach, round(share * text_height))
        scene = harmonic_inpaint(image, away <= reach + 1)
        width = _width(image, scene, fill, away, reach)
        if width < reach - 1:
            return Halo(width, scene)
        # A box or a board has no end in sight. Closer to the letters it is the scene itself.
    return Halo(HALO.unknown, scene)


def _width(image: FloatImage, scene: FloatImage, fill: BoolMask, away: FloatMap, reach: int) -> int:
    """Return the radius of the last ring that belongs to the text, up to `reach`."""
    inner = (away > 1.5) & (away <= 3)
    colors = [np.median(image[fill], axis=0), np.median(image[inner], axis=0) if inner.any() else _BLACK, _BLACK]
    column = np.broadcast_to(np.arange(fill.shape[1]), fill.shape)
    borders = np.quantile(np.nonzero(fill)[1], np.linspace(0, 1, HALO.blocks + 1))[1:-1]
    width = 0
    for radius in range(1, reach + 1):
        ring = (away > radius - 0.5) & (away <= radius + 0.5)
        block = np.searchsorted(borders, column[ring])
        if any(_belongs(image[ring], scene[ring], color, block) for color in colors):
            width = radius
        elif radius > width + 1:
            break
    return width


def _belongs(seen: FloatImage, scene: FloatImage, color: ColorVector, block: NDArray[np.int64]) -> bool:
    """Return True when a ring shows a colour with the same alpha in all blocks, visibly."""
    fits = list(_alphas(seen, scene, color, block))
    if len(fits) < HALO.least_blocks:
        return False
    alphas, contrast = zip(*fits, strict=True)
    alpha = float(np.median(alphas))
    error = _MEDIAN_ERROR * float(np.std(alphas)) / np.sqrt(len(alphas))
    visible = alpha * float(np.sqrt(np.mean(contrast))) > HALO.least_level
    return visible and alpha > HALO.standard_errors * error + HALO.least_alpha


def _alphas(
    seen: FloatImage, scene: FloatImage, color: ColorVector, block: NDArray[np.int64]
) -> Iterator[tuple[float, float]]:
    """Yield the alpha of each block, by least squares, with the squared distance between colour and scene there."""
    way = color - scene
    common, own = ((seen - scene) * way).sum(axis=1), (way * way).sum(axis=1)
    for number in range(HALO.blocks):
        here = block == number
        if here.sum() >= _LEAST_RING and own[here].mean() > _LEAST_CONTRAST:
            yield float(common[here].sum() / own[here].sum()), float(own[here].mean())
