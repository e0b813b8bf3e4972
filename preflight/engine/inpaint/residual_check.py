"""Read the result again: is anything of the text that was taken out still legible?"""

from __future__ import annotations

from difflib import SequenceMatcher

import cv2

from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.core.box import Box
from preflight.engine.detect import ocr

LEGIBLE = 0.4
"""Likeness of what is read to what was there, above which the text counts as left."""


def text_similarity(read: str, text: str) -> float:
    """Return how alike two texts are, 0..1."""
    return SequenceMatcher(None, read, text).ratio() if len(read) >= 2 else 0.0


def left(color: BGR, hole: BoolMask, texts: tuple[str, ...]) -> float:
    """Return how legible any of `texts` still is in the hole of a filled blue-green-red region: the best likeness."""
    height, width = hole.shape
    size = (-(-width // 32) * 32, -(-height // 32) * 32)
    worst = 0.0
    for line in ocr.find_lines(cv2.resize(color, size), (width, height)):
        if not hole[line.slices].any():
            continue
        place = line.padded(2, width, height)
        reading = ocr.read_line(color[place.slices])
        worst = max([worst, *(text_similarity(reading.text, text) for text in texts)])
    return worst


def hole_box(hole: BoolMask, pad: int) -> Box:
    """Return the box around a hole, padded, inside its region."""
    x, y, width, height = cv2.boundingRect(hole.astype("uint8"))
    return Box(x, y, x + width, y + height).padded(pad, hole.shape[1], hole.shape[0])
