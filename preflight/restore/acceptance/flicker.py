"""Flicker of filled regions: the warping error inside the text's place, above that around it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_RING = 12
"""Samples around the place that it is compared with."""

_LONGEST_SIDE = 480
"""Samples to which a place is shrunk for the optical flow."""

Luma = NDArray[np.uint8]


def warping_error(before: Luma, after: Luma, place: tuple[int, int, int, int]) -> float:
    """Return the mean error inside a place of a frame that is predicted from the one before, above that around it.

    The prediction follows dense optical flow (Kroeger et al. 2016), after Lai et al. (Learning Blind Video Temporal
    Consistency, 2018). It is what an eye sees as flicker and not as motion.

    Args:
        before: luma of the frame before [H, W].
        after: luma of the frame.
        place: left, top, right and bottom edge of the text.

    Returns:
        Gray levels; 0 where the place is no worse than its surroundings.
    """
    height, width = after.shape
    left, top = max(0, place[0] - _RING), max(0, place[1] - _RING)
    right, bottom = min(width, place[2] + _RING), min(height, place[3] + _RING)
    if right - left < 2 * _RING or bottom - top < 2 * _RING:
        return 0.0
    scale = min(1.0, _LONGEST_SIDE / (right - left))
    size = (max(32, round((right - left) * scale)), max(32, round((bottom - top) * scale)))
    one, two = (
        np.asarray(cv2.resize(frame[top:bottom, left:right], size, interpolation=cv2.INTER_AREA), np.uint8)
        for frame in (before, after)
    )
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    flow = estimator.calc(two, one, np.zeros((size[1], size[0], 2), np.float32))
    down, across = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    warped = cv2.remap(
        one, across + flow[..., 0], down + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    error = cv2.absdiff(np.asarray(warped, np.uint8), two).astype(np.float32)
    inside = np.zeros(error.shape, bool)
    edge = round(_RING * scale)
    inside[edge : size[1] - edge, edge : size[0] - edge] = True
    return max(0.0, float(error[inside].mean() - error[~inside].mean())) if inside.any() else 0.0
