"""Image planes as 4:2:0 video stores them: luma at full size and two chroma planes, interleaved, at half size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BGR, Gray
from preflight.engine.core.box import Box

Sample = TypeVar("Sample", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Planes(Generic[Sample]):
    """A 4:2:0 image.

    Attributes:
        luma: (height, width).
        chroma: (height / 2, width / 2, 2), Cb and Cr.
    """

    luma: NDArray[Sample]
    chroma: NDArray[Sample]

    @classmethod
    def from_ycbcr(cls, color: NDArray[Sample]) -> Planes[Sample]:
        """Return the planes of a YCbCr image, (height, width, 3), whose sides are even."""
        return cls(np.ascontiguousarray(color[..., 0]), downscale_2x(color[..., 1:]))

    def inside(self, box: Box) -> Planes[Sample]:
        """Return a view of the part inside `box`, whose corners are even."""
        return Planes(self.luma[box.slices], self.chroma[chroma_box(box).slices])

    def to_ycbcr(self) -> NDArray[Sample]:
        """Return the YCbCr image, (height, width, 3), with chroma interpolated to full size."""
        return np.asarray(cv2.merge((self.luma, upscale_2x(self.chroma))), self.luma.dtype)


def bgr_from_planes(luma: Gray, u: Gray, v: Gray) -> BGR:
    """Return the BGR image of 4:2:0 planes.

    Args:
        luma: (height, width), both even.
        u: Cb, (height / 2, width / 2).
        v: Cr, (height / 2, width / 2).

    Returns:
        (height, width, 3).
    """
    height, width = luma.shape
    packed = np.concatenate((luma.ravel(), u.ravel(), v.ravel())).reshape(height * 3 // 2, width)
    return np.asarray(cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420), np.uint8)


def chroma_box(box: Box) -> Box:
    """Return the place of a box with even corners on the chroma planes."""
    return Box(box.x0 // 2, box.y0 // 2, box.x1 // 2, box.y1 // 2)


def downscale_2x(image: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of every two by two pixels: (height / 2, width / 2) or (height / 2, width / 2, channels)."""
    height, width = image.shape[:2]
    result: NDArray[Any] = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return result


def upscale_2x(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image of twice the size, interpolated linearly."""
    height, width = image.shape[:2]
    result: NDArray[Any] = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    return result
