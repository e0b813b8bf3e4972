"""Candidates for every sample of a hole: linear interpolation between its two rims along several directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BoolMask = NDArray[np.bool_]
Field = NDArray[np.float32]

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))
"""Steps (rows, columns) along which the two rims are looked for."""
REACH = 64
"""Steps after which a rim counts as out of sight."""


def candidates(planes: Field, hole: BoolMask, base: Field) -> tuple[Field, Field]:
    """Return what each direction makes of the hole.

    Args:
        planes: [h, w, c] samples, known outside `hole`.
        hole: [h, w].
        base: [h, w, c] a fill to fall back on where a direction meets no rim.

    Returns:
        values [directions, h, w, c], equal to `base` outside the hole, and contrast [directions, h, w]: the absolute
        difference of the two rims' means, in the samples' units; -1 where a rim is missing.
    """
    rows, columns = np.nonzero(hole)
    height, width = hole.shape
    values = np.repeat(base[None], len(DIRECTIONS), axis=0)
    contrast = np.zeros((len(DIRECTIONS), height, width), np.float32)
    for number, (down, right) in enumerate(DIRECTIONS):
        ends, steps = [], []
        for sign in (-1, 1):
            end = np.zeros((rows.size, planes.shape[2]), np.float32)
            step = np.zeros(rows.size, np.int32)
            left = np.arange(rows.size)
            for distance in range(1, REACH + 1):
                y, x = rows[left] + sign * distance * down, columns[left] + sign * distance * right
                inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
                left, y, x = left[inside], y[inside], x[inside]
                known = ~hole[y, x]
                end[left[known]] = planes[y[known], x[known]]
                step[left[known]] = distance
                left = left[~known]
                if not left.size:
                    break
            ends.append(end)
            steps.append(step)
        one, other = steps
        both = (one > 0) & (other > 0)
        share = (one / np.maximum(one + other, 1)).astype(np.float32)[:, None]
        value = base[rows, columns].copy()
        value[both] = (ends[0] * (1 - share) + ends[1] * share)[both]
        for end, own, counter in ((ends[0], one, other), (ends[1], other, one)):
            alone = (own > 0) & (counter == 0)
            value[alone] = end[alone]
        values[number, rows, columns] = value
        contrast[number, rows, columns] = np.where(both, np.abs(ends[0] - ends[1]).mean(axis=1), -1)
    return values, contrast
