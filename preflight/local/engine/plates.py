"""The block of one colour behind a text, when there is one."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Mask, Picture, Plane32

_FLAT = 18
_STEADY = 12.0
_LEAST = 0.75
"""Share of the line around its letters that has one steady colour, for it to stand on a plate."""


def plate(look: Picture, spread: Plane32, letters: Mask, line: Box) -> Mask | None:
    """Return what a plate behind the letters covers of the look, letters included; None without a plate.

    `line` is the text's place within the look. The plate is the flat, steady area of one colour that is connected to
    the line, filled to its outline.
    """
    inside = np.zeros(letters.shape, bool)
    inside[line.slices] = True
    ground = inside & ~letters
    if ground.sum() < 50:
        return None
    color = np.median(look[ground], axis=0)
    apart = np.abs(look.astype(np.float32) - color.astype(np.float32))
    same = (np.maximum(np.maximum(apart[..., 0], apart[..., 1]), apart[..., 2]) < _FLAT) & (spread < _STEADY)
    if same[ground].mean() < _LEAST:
        return None
    count, labels = cv2.connectedComponents((same | (letters & inside)).astype(np.uint8))
    touched = np.bincount(labels[inside], minlength=count)
    touched[0] = 0
    block = (labels == int(touched.argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(block, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = cv2.drawContours(np.zeros_like(block), outlines, -1, 1, cv2.FILLED)
    whole: Mask = cv2.dilate(solid, np.ones((7, 7), np.uint8)) > 0
    return whole
