"""Array types of the engine, and operations on masks that every package uses.

The aliases carry the meaning in their shape parameter, so mypy reports a gray image passed for a colour image, a BGR
image passed for a YCbCr image, and a mask passed for either. Results of NumPy and OpenCV have an unknown shape and fit
every alias with their dtype; nothing is wrapped at run time.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


class _Bgr(int):
    """Axis of three channels: blue, green, red."""


class _YCbCr(int):
    """Axis of three channels: luma, blue difference, red difference."""


class _CbCr(int):
    """Axis of two channels: blue difference, red difference."""


class _MaskRows(int):
    """First axis of a mask that is stored as bytes."""


Gray = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
"""Luma or gray image: (height, width), uint8."""
BGR = np.ndarray[tuple[int, int, _Bgr], np.dtype[np.uint8]]
"""Colour image: (height, width, 3), uint8, blue, green, red."""
YCbCr = np.ndarray[tuple[int, int, _YCbCr], np.dtype[np.uint8]]
"""Colour image: (height, width, 3), uint8, luma 16..235 and chroma 16..240 around 128 (ITU-R BT.601), full size."""
Chroma = np.ndarray[tuple[int, int, _CbCr], np.dtype[np.uint8]]
"""Chroma planes: (height, width, 2), uint8, Cb and Cr."""
BoolMask = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
"""Mask: (height, width), bool, True where it is set."""
Mask255 = np.ndarray[tuple[_MaskRows, int], np.dtype[np.uint8]]
"""Mask as OpenCV takes it: (height, width), uint8, 0 or 255."""
FloatMap = np.ndarray[tuple[int, int], np.dtype[np.float32]]
"""One real value per pixel: (height, width), float32."""
FloatImage = NDArray[np.float32]
"""Real values of one channel, (height, width), or of several, (height, width, channels), float32."""
ColorVector = np.ndarray[tuple[int], np.dtype[np.float32]]
"""One colour: (3,), float32."""


def channel_max(difference: NDArray[Any]) -> NDArray[Any]:
    """Return the largest of the three channels of each pixel.

    Args:
        difference: (height, width, 3), any dtype.

    Returns:
        (height, width), of the same dtype.
    """
    blue, green, red = cv2.split(difference)
    result: NDArray[Any] = cv2.max(cv2.max(blue, green), red)
    return result


def dilate(mask: BoolMask, radius: int = 1) -> BoolMask:
    """Return a mask grown by `radius` pixels in all eight directions.

    One pixel is what half-size chroma and encoders tint beside a mask.
    """
    size = 2 * radius + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)) > 0, bool)
