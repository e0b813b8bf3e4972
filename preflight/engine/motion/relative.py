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
"""Displacements (x, y) in pixels, one a feature [N, 2]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeSettings:
    """Thresholds of the comparison of a text's motion with its surroundings."""

    features: int = 60
    """Features that are tracked in the text, and in each quarter around it."""
    min_features: int = 6
    """Features of the text, and of its surroundings, that a measurement needs."""
    min_quarter: int = 2
    """Features of one quarter around the text that its motion is known from."""
    moves: float = 1.0
    """Pixels between the two frames at or above which text moves."""
    stands: float = 0.35
    """Pixels between the two frames up to which text stands."""
    beside_moves: float = 1.2
    """Pixels between the two frames at or above which a feature beside standing text moves."""
    at_home: float = 0.15
    """Share of the text's height that text which is seen at its place may seem to have moved."""
    cap: float = 1 / 160
    """Share of the frame's width that one measurement counts for, so that one mistake doesn't outvote the rest."""
    share_around: float = 0.6
    """Share of the features of each quarter that move while text stands."""
    rings: tuple[float, ...] = (0.5, 1.0, 1.6)
    """Distances from the line, in text heights, within which the nearest details beside moving text are looked for."""
    detail: float = 12.0
    """Gray levels by which a detail differs from its neighbours."""
    min_details: int = 24
    """Pixels of detail that a ring needs to be compared."""
    ratio: float = 0.6
    """Ratio of the better to the worse alignment error below which the better one is right."""
    min_error: float = 5.0
    """Mean gray levels of the worse alignment error; below, both alignments are as good."""


RELATIVE = RelativeSettings()


@dataclass(frozen=True, slots=True)
class RelativeMotion:
    """How far text was seen to move with its surroundings, and against them, in pixels."""

    with_background: float = 0.0
    against_background: float = 0.0

    def __add__(self, other: RelativeMotion) -> RelativeMotion:
        """Return the sum of two stretches."""
        return RelativeMotion(
            self.with_background + other.with_background, self.against_background + other.against_background
        )


UNKNOWN = RelativeMotion()


def measure(
    before: Gray, after: Gray, letters: BoolMask, box: Box, others: list[Box], *, at_home: bool
) -> RelativeMotion:
    """Compare the motion of one text with that of its surroundings between two frames a few frames apart.

    Args:
        before: luma of the earlier frame [H, W].
        after: luma of the later frame [H, W].
        letters: the strokes inside `box` [box height, box width].
        box: place of the text on `before`.
        others: boxes of other text, which is no surroundings.
        at_home: `after` shows the text at its old place.

    Returns:
        The motion, capped to what one measurement may count for.
    """
    height, width = before.shape
    around = box.padded(max(24, round(RELATIVE.rings[-1] * box.text_height)), width, height)
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
    text = _track(pair[0], pair[1], own)
    if len(text) < RELATIVE.min_features:
        return UNKNOWN
    step = np.median(text, axis=0)
    if at_home and np.hypot(*step) > max(RELATIVE.moves, RELATIVE.at_home * box.text_height):
        # A scene that rushes by drags the features along; text seen at its place has not gone by half a letter.
        step = np.zeros(2)
    quarters = [_track(pair[0], pair[1], quarter) for quarter in _quarters(beside)]
    found = UNKNOWN
    if np.hypot(*step) > RELATIVE.moves:
        found = compare_nearest_details(pair[0], pair[1], own > 0, step, quarters, box.text_height)
    elif sum(map(len, quarters)) >= RELATIVE.min_features:
        found = compare_features(step, quarters)
    cap = width * RELATIVE.cap
    return RelativeMotion(min(cap, found.with_background), min(cap, found.against_background))


def compare_nearest_details(
    before: Gray, after: Gray, letters: BoolMask, step: Steps, quarters: Sequence[Steps], text_height: int
) -> RelativeMotion:
    """Return whether the nearest details beside moving text move as it does, as those of the object it is on do.

    The details are compared by how well the text's own step, and the steps of the background, align them.
    """
    features = np.concatenate([np.zeros((0, 2)), *quarters])
    other = np.median(features, axis=0) if len(features) >= RELATIVE.min_features else np.zeros(2)
    steps = [np.zeros(2)]
    if np.hypot(*(other - step)) > RELATIVE.moves:
        steps.append(other)
    detail = cv2.morphologyEx(before, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > RELATIVE.detail
    rows, columns = np.flatnonzero(letters.any(axis=1)), np.flatnonzero(letters.any(axis=0))
    near = np.zeros(letters.shape, bool)
    near[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    inner = cv2.dilate(near.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    far = float(np.hypot(*step))
    for reach in RELATIVE.rings:
        pad = 2 * round(reach * text_height) + 1
        ring = (cv2.dilate(near.astype(np.uint8), np.ones((pad, pad), np.uint8)) > 0) & ~inner & detail
        if ring.sum() < RELATIVE.min_details:
            continue
        own, *rest = (_alignment_error(before, after, one, ring) for one in (step, *steps))
        if max(own, *rest) < RELATIVE.min_error:
            continue
        if own < RELATIVE.ratio * min(rest):
            return RelativeMotion(with_background=far)
        return RelativeMotion(against_background=far) if min(rest) < RELATIVE.ratio * own else UNKNOWN
    return UNKNOWN


def _alignment_error(before: Gray, after: Gray, step: Steps, where: BoolMask) -> float:
    """Return the mean difference in gray levels of `before` and `after`, moved back by `step`, over some pixels."""
    height, width = before.shape
    back = np.array([[1, 0, -step[0]], [0, 1, -step[1]]], np.float64)
    moved = cv2.warpAffine(after, back, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return float(cv2.absdiff(before, moved)[where].mean())


def compare_features(text: Steps, quarters: Sequence[Steps]) -> RelativeMotion:
    """Return what the step of a standing text (x, y) and the steps of features beside it, by quarters, show."""
    moves = [np.hypot(*quarter.T) for quarter in quarters]
    known = [len(quarter) >= RELATIVE.min_quarter for quarter in moves]
    # A thing that passes on one side is not the scene.
    opposite = (known[0] and known[3]) or (known[1] and known[2])
    around = all(
        float((quarter > RELATIVE.beside_moves).mean()) > RELATIVE.share_around for quarter in moves if len(quarter)
    )
    if np.hypot(*text) < RELATIVE.stands and opposite and around:
        return RelativeMotion(against_background=float(np.median(np.concatenate(moves))))
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


def _track(before: Gray, after: Gray, where: Gray) -> Steps:
    """Return the displacements of features of `before` inside `where` (pyramidal Lucas-Kanade, checked backwards)."""
    points = cv2.goodFeaturesToTrack(before, RELATIVE.features, 0.02, 4, mask=where)
    if points is None:
        return np.zeros((0, 2))
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, winSize=(11, 11), maxLevel=3)
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=(11, 11), maxLevel=3)
    steady = (found.ravel() > 0) & (again.ravel() > 0) & (np.abs(back - points).reshape(-1, 2).max(axis=1) < 0.5)
    return np.asarray((there - points).reshape(-1, 2)[steady], np.float64)
