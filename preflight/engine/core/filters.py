"""Normalized convolution: smooth interpolation of values that are known only in places."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.engine.core.arrays import FloatImage, FloatMap

_FAR_SCALE = 4
"""Ratio of the second window's width to the first one's."""
_FAR_WEIGHT = 1e-3
"""Weight of the second window relative to the first: it decides only where the first has no known pixel."""
_SMALLEST_WEIGHT = 1e-7
"""Bound of the divisor where nothing at all is known."""


def normalized_convolution(values: FloatImage, weight: FloatMap, sigma: float, *, shrink: int = 4) -> FloatImage:
    """Return the weighted local mean of `values` at every pixel.

    Knutsson and Westin, *Normalized and Differential Convolution*, CVPR 1993. A second, wider window supplies values
    where the first one has no known pixel.

    Args:
        values: (height, width) or (height, width, channels).
        weight: (height, width), 0 where a value is unknown.
        sigma: standard deviation of the Gaussian window in pixels.
        shrink: factor by which the computation is downscaled.

    Returns:
        The same shape as `values`.
    """
    height, width = weight.shape
    both = _block_means(cv2.merge((weighted_mean(values, weight), weight)), shrink)
    near, far = cv2.GaussianBlur(both, (0, 0), sigma / shrink), _block_means(both, _FAR_SCALE)
    far = cv2.resize(cv2.GaussianBlur(far, (0, 0), sigma / shrink), None, fx=_FAR_SCALE, fy=_FAR_SCALE)
    total = near + np.float32(_FAR_WEIGHT) * far[: near.shape[0], : near.shape[1]]
    top, bottom = total[..., 0] if values.ndim == 2 else total[..., :-1], total[..., -1]
    mean = weighted_mean(top, 1 / (bottom + np.float32(_SMALLEST_WEIGHT)))
    return mean if shrink == 1 else cv2.resize(mean, None, fx=shrink, fy=shrink)[:height, :width]


def weighted_mean(values: FloatImage, weight: FloatMap) -> FloatImage:
    """Return `values`, of one channel or several, multiplied by a weight for each pixel."""
    # Broadcasting over so short a last axis takes several times as long.
    return values * (cv2.merge([weight] * values.shape[2]) if values.ndim == 3 else weight)


def _block_means(image: FloatImage, size: int) -> FloatImage:
    """Return the means of blocks of `size` by `size` pixels; the image is extended by zeros."""
    height, width = image.shape[:2]
    whole = cv2.copyMakeBorder(image, 0, -height % size, 0, -width % size, cv2.BORDER_CONSTANT)
    result: FloatImage = cv2.resize(whole, None, fx=1 / size, fy=1 / size, interpolation=cv2.INTER_AREA)
    return result
