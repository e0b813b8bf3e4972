"""The block of one colour behind a text, when there is one."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.local.engine.glyphs import Mask, Picture, Plane32

_FLAT = 18
_STEADY = 12.0
_LEAST = 0.75
"""Share of the ground among the letters that has one steady colour, for them to stand on a plate."""
_STRAIGHT = 0.8
"""Share of a plate's columns that end in one line, above and below: outlines that flow together are ragged."""
_SIDES = 2
"""Borders of a plate that are seen at least: it may hold other lines, or be a band across the picture."""
_COVERED = 0.95
"""Share of the letters' place that a plate covers."""


def plate(look: Picture, spread: Plane32, fill: Mask) -> Mask | None:
    """Return what a plate behind the letters' body `fill` covers of the look, letters included; None without a plate.

    The plate is the flat, steady area of one colour around the letters, with straight borders, filled to its outline.
    """
    x, y, width, height = cv2.boundingRect(fill.astype(np.uint8))
    body = np.zeros(fill.shape, bool)
    body[y : y + height, x : x + width] = True
    letters = cv2.dilate(fill.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    ground = body & ~letters
    if ground.sum() < 50:
        return None
    color = np.median(look[ground], axis=0)
    apart = np.abs(look.astype(np.float32) - color.astype(np.float32)).max(axis=2)
    same = (apart < _FLAT) & (spread < _STEADY)
    if same[ground].mean() < _LEAST:
        return None
    count, labels = cv2.connectedComponents((same | (letters & body)).astype(np.uint8))
    touched = np.bincount(labels[body], minlength=count)
    touched[0] = 0
    block = (labels == int(touched.argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(block, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = cv2.drawContours(np.zeros_like(block), outlines, -1, 1, cv2.FILLED) > 0
    if solid[body].mean() < _COVERED or not _is_straight(solid) or not _is_bounded(solid):
        return None
    whole: Mask = cv2.dilate(solid.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return whole


def _is_straight(solid: Mask) -> bool:
    """Return True when most columns of the area begin in one row, and end in one row."""
    columns = solid[:, solid.any(axis=0)]
    tops, bottoms = columns.argmax(axis=0), columns[::-1].argmax(axis=0)
    return all(float((np.abs(ends - np.median(ends)) <= 1).mean()) > _STRAIGHT for ends in (tops, bottoms))


def _is_bounded(solid: Mask) -> bool:
    """Return True when the area ends inside the look on two sides at least; a wall or a road goes on beyond all."""
    sides = (solid[0], solid[-1], solid[:, 0], solid[:, -1])
    return sum(not side.any() for side in sides) >= _SIDES
