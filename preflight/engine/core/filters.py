"""Spread values from where they are known to where they are not, smoothly and cheaply."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


_FAR = 4
"""How many times wider the second window is."""


def spread(values: Field, weight: Field, sigma: float, *, shrink: int = 4) -> Field:
    """Return the weighted local mean of `values` (one or more channels) at every place, by normalised convolution.

    A second, wider window at a thousandth of the weight answers where nothing known is near.
    """
    height, width = weight.shape
    both = _shrunk(cv2.merge((times(values, weight), weight)), shrink)
    near, far = cv2.GaussianBlur(both, (0, 0), sigma / shrink), _shrunk(both, _FAR)
    far = cv2.resize(cv2.GaussianBlur(far, (0, 0), sigma / shrink), None, fx=_FAR, fy=_FAR)
    total = near + np.float32(1e-3) * far[: near.shape[0], : near.shape[1]]
    top, bottom = total[..., 0] if values.ndim == 2 else total[..., :-1], total[..., -1]
    mean = times(top, 1 / (bottom + np.float32(1e-7)))
    return mean if shrink == 1 else cv2.resize(mean, None, fx=shrink, fy=shrink)[:height, :width]


def times(values: Field, weight: Field) -> Field:
    """Return `values` (one or more channels) multiplied by a weight for each place."""
    # Much quicker than to broadcast over so short a last axis.
    return values * (cv2.merge([weight] * values.shape[2]) if values.ndim == 3 else weight)


def _shrunk(field: Field, by: int) -> Field:
    """Return the means of blocks of samples; beyond the field's ends there are zeros."""
    height, width = field.shape[:2]
    whole = cv2.copyMakeBorder(field, 0, -height % by, 0, -width % by, cv2.BORDER_CONSTANT)
    result: Field = cv2.resize(whole, None, fx=1 / by, fy=1 / by, interpolation=cv2.INTER_AREA)
    return result
