"""Graphics that adjoin a box and came with it: a bar, an icon, a logo."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, Gray
from preflight.engine.graphics.settings import ADJACENT


def adjacent_graphic(plate: BoolMask, changes: list[BGR], spread: Gray) -> BoolMask:
    """Return what adjoins a plate, at the plate's own size.

    `changes` tell by how much the place changed when the plate came and when it went, as far as that was seen, and
    `spread` how steady it was between, both on small pictures. A sticker is steady, small and compact, and it ends in
    sight.
    """
    height, width = spread.shape
    if not changes:
        return np.zeros(plate.shape, bool)
    changed = np.minimum.reduce([change.max(axis=2) for change in changes]) > ADJACENT.changed
    known = cv2.resize(plate.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA) > 0
    rim = cv2.dilate(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    new = (changed & (spread < ADJACENT.steady) & ~rim).astype(np.uint8)
    new = cv2.morphologyEx(cv2.morphologyEx(new, cv2.MORPH_CLOSE, np.ones((3, 3))), cv2.MORPH_OPEN, np.ones((2, 2)))
    near = cv2.dilate(rim.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    found = np.zeros((height, width), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(new)
    for label in range(1, count):
        x, y, across, down, area = (int(value) for value in stats[label])
        part = labels == label
        outlines, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        solid = cv2.drawContours(np.zeros_like(found), outlines, -1, 1, cv2.FILLED)
        inside = x > 0 and y > 0 and x + across < width and y + down < height
        small = max(across, down) <= ADJACENT.largest and area >= ADJACENT.least
        if small and inside and (part & near).any() and solid.sum() > ADJACENT.compact * across * down:
            found |= solid
    # To the plate's own border, and beyond what a small picture can tell.
    found = cv2.dilate(found, np.ones((5, 5), np.uint8)) if found.any() else found
    whole = cv2.resize(found, plate.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole > 0, bool)
