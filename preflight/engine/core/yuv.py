"""A part of a picture as it is coded: luma of full size and the two chroma planes, together, of half size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.box import Box

Sample = TypeVar("Sample", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Planes(Generic[Sample]):
    """Luma, rows by columns, and chroma, half as many rows by half as many columns by two."""

    luma: NDArray[Sample]
    chroma: NDArray[Sample]

    @classmethod
    def of(cls, color: NDArray[Sample]) -> Planes[Sample]:
        """Return the planes of three channels of full size."""
        return cls(np.ascontiguousarray(color[..., 0]), half(color[..., 1:]))

    def inside(self, box: Box) -> Planes[Sample]:
        """Return the part inside `box`, whose corners are even, as a view."""
        return Planes(self.luma[box.slices], self.chroma[halved(box).slices])

    def color(self) -> NDArray[Sample]:
        """Return luma and both chroma planes as three channels of full size."""
        return np.asarray(cv2.merge((self.luma, double(self.chroma))), self.luma.dtype)


def picture(luma: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return planes of luma and half-size chroma, sides even, as blue, green, red."""
    height, width = luma.shape
    packed = np.concatenate((luma.ravel(), u.ravel(), v.ravel())).reshape(height * 3 // 2, width)
    return np.asarray(cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420), np.uint8)


def halved(box: Box) -> Box:
    """Return where a box on even corners lies on chroma."""
    return Box(box.x0 // 2, box.y0 // 2, box.x1 // 2, box.y1 // 2)


def half(field: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of every two by two samples."""
    height, width = field.shape[:2]
    result: NDArray[Any] = cv2.resize(field, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return result


def double(field: NDArray[Any]) -> NDArray[Any]:
    """Return a field of twice the size, samples between the known ones interpolated."""
    height, width = field.shape[:2]
    result: NDArray[Any] = cv2.resize(field, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    return result
