"""Does text move with what is right beside it? Signs do, in any parallax; text put on top of the picture does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, Gray
from preflight.engine.core.box import Box

Steps = NDArray[np.float64]
_FEATURES = 60
_ENOUGH, _FEW = 6, 2
_MOVES, _STANDS = 1.0, 0.35
"""Samples that text moves between the two frames to be called moving or standing; between the two nothing is said."""
_BESIDE = 1.2
_LETTER = 0.15
_MOST = 1 / 160
"""Share of the picture's width that one look counts for at most, lest one mistake in a whip pan outvotes the rest."""
_TOGETHER, _APART, _ALL_AROUND = 0.5, 0.2, 0.6
"""Shares of the places beside a text: that go with it, that may when it goes alone, that move while it stands."""


@dataclass(frozen=True, slots=True)
class RelativeMotion:
    """How far text was seen to move `together` with its surroundings, and `apart` from them, in samples."""

    together: float = 0.0
    apart: float = 0.0

    def __add__(self, other: RelativeMotion) -> RelativeMotion:
        """Return the sum of two stretches."""
        return RelativeMotion(self.together + other.together, self.apart + other.apart)


UNKNOWN = RelativeMotion()


def measure(
    before: Gray, after: Gray, letters: BoolMask, box: Box, others: list[Box], *, at_home: bool
) -> RelativeMotion:
    """Return the drift of one text from one gray picture to another, a few frames later.

    `letters` marks the strokes inside `box`, its place on `before`; `others` are boxes of other text to look away from.
    `at_home` says that `after` shows the text at its old place.
    """
    height, width = before.shape
    around = box.padded(max(24, box.text_height), width, height)
    inside = Box(max(0, box.x0), max(0, box.y0), min(width, box.x1), min(height, box.y1))
    if inside.width < 8 or inside.height < 6:
        return UNKNOWN
    own, beside = (np.zeros((around.height, around.width), np.uint8) for _ in range(2))
    own[inside.moved(-around.x0, -around.y0).slices] = cv2.dilate(
        letters[inside.moved(-box.x0, -box.y0).slices].astype(np.uint8) * 255, np.ones((3, 3), np.uint8)
    )
    beside[:] = 255
    for place in (box, *others):
        hidden = place.moved(-around.x0, -around.y0)
        beside[max(0, hidden.y0) : max(0, hidden.y1), max(0, hidden.x0) : max(0, hidden.x1)] = 0
    pair = [np.ascontiguousarray(picture[around.slices]) for picture in (before, after)]
    text = _steps(pair[0], pair[1], own)
    ring = [_steps(pair[0], pair[1], quarter) for quarter in _quarters(beside)]
    if len(text) < _ENOUGH or sum(map(len, ring)) < _ENOUGH:
        return UNKNOWN
    step = np.median(text, axis=0)
    if at_home and np.hypot(*step) > max(_MOVES, _LETTER * box.text_height):
        # A scene that rushes by drags the features along; text seen at its place has not gone by half a letter.
        step = np.zeros(2)
    found, most = judged(step, ring), width * _MOST
    return RelativeMotion(min(most, found.together), min(most, found.apart))


def judged(text: Steps, quarters: Sequence[Steps]) -> RelativeMotion:
    """Return what the step of a text (x, y) and the steps of places beside it, by the quarters around it, say."""
    far, ring = float(np.hypot(*text)), np.concatenate(quarters)
    if far > _MOVES:
        alike = float((np.hypot(*(ring - text).T) < max(0.6, 0.3 * far)).mean())
        if alike > _TOGETHER:
            return RelativeMotion(together=far)
        # Where what is around goes every way at once, as coding noise on a sky does, it says nothing.
        agree = float((np.hypot(*(ring - np.median(ring, axis=0)).T) < _MOVES).mean())
        return RelativeMotion(apart=far) if alike < _APART and agree > _TOGETHER else UNKNOWN
    moves = [np.hypot(*quarter.T) for quarter in quarters]
    tells = [len(quarter) >= _FEW for quarter in moves]
    # A thing that passes on one side is not the scene.
    opposite = (tells[0] and tells[3]) or (tells[1] and tells[2])
    goes = all(float((quarter > _BESIDE).mean()) > _ALL_AROUND for quarter in moves if len(quarter))
    if far < _STANDS and opposite and goes:
        return RelativeMotion(apart=float(np.median(np.concatenate(moves))))
    return UNKNOWN


def _quarters(beside: Gray) -> list[Gray]:
    """Return the parts of a mask above its middle, to the left and to the right, and below it."""
    height, width = beside.shape
    found = []
    for rows in (slice(0, height // 2), slice(height // 2, height)):
        for columns in (slice(0, width // 2), slice(width // 2, width)):
            quarter = np.zeros_like(beside)
            quarter[rows, columns] = beside[rows, columns]
            found.append(quarter)
    return found


def _steps(before: Gray, after: Gray, where: Gray) -> Steps:
    """Return how features of `before` inside `where` moved, those that are found back from `after`."""
    points = cv2.goodFeaturesToTrack(before, _FEATURES, 0.02, 4, mask=where)
    if points is None:
        return np.zeros((0, 2))
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, winSize=(11, 11), maxLevel=3)
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=(11, 11), maxLevel=3)
    sure = (found.ravel() > 0) & (again.ravel() > 0) & (np.abs(back - points).reshape(-1, 2).max(axis=1) < 0.5)
    return np.asarray((there - points).reshape(-1, 2)[sure], np.float64)
