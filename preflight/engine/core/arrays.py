"""The arrays of the engine and what is done to masks everywhere."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Plane32 = NDArray[np.float32]


def widest(apart: NDArray[Any]) -> NDArray[Any]:
    """Return the largest of each sample's three parts."""
    blue, green, red = cv2.split(apart)
    result: NDArray[Any] = cv2.max(cv2.max(blue, green), red)
    return result


def rimmed(mask: Mask) -> Mask:
    """Return a mask with a rim of one sample, which encoders and half-size chroma tint."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, bool)
