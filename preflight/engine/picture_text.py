"""All text on one picture: found by the detector, read by the recogniser."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.box import Box, join_words
from preflight.engine.detect import ocr
from preflight.engine.types import ReadLine

_SIDE = 416
"""Shorter side in pixels to which a picture is shrunk before it is searched; smaller ones are not enlarged."""

_MAX_PIXELS = 416 * 1024
"""Pixels of the picture that is searched."""


def read_picture(picture: NDArray[np.uint8]) -> list[ReadLine]:
    """Return the lines of text on a blue-green-red picture [H, W, 3], with what they say."""
    height, width = picture.shape[:2]
    size = ocr.detection_size(width, height, _SIDE)
    shrink = min(1.0, (_MAX_PIXELS / (size[0] * size[1])) ** 0.5)
    size = max(32, round(size[0] * shrink / 32) * 32), max(32, round(size[1] * shrink / 32) * 32)
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    lines = []
    for line in join_words(ocr.find_lines(small, (width, height))):
        box = Box(max(0, line.x0 - 2), max(0, line.y0 - 2), min(width, line.x1 + 2), min(height, line.y1 + 2))
        reading = ocr.read_line(picture[box.slices])
        lines.append(ReadLine((line.x0, line.y0, line.x1, line.y1), reading.text, reading.score))
    return lines
