"""How far the scene, or a text, moves from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from preflight.engine.core.box import Box
from preflight.engine.motion.camera import Motion


def cumulative_displacement(motion: Motion, box: Box, first: int, last: int) -> tuple[float, float]:
    """Return how far (x, y) the scene moved under the middle of `box` from frame `first` to `last`, up to any cut."""
    x0, y0 = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    x, y = x0, y0
    for index in range(first, last):
        step = motion.steps.get(index)
        if step is None or index in motion.cuts:
            break
        x, y = step[0, 0] * x + step[0, 1] * y + step[0, 2], step[1, 0] * x + step[1, 1] * y + step[1, 2]
    return x - x0, y - y0


def maximum_displacement(motion: Motion, box: Box, first: int, last: int) -> float:
    """Return the largest distance that the scene moved under `box` between any sampled frames of the stretch."""
    places, x, y = [(0.0, 0.0)], 0.0, 0.0
    for index in range(first, last, 4):
        dx, dy = cumulative_displacement(motion, box, index, min(last, index + 4))
        x, y = x + dx, y + dy
        places.append((x, y))
    return largest_distance(places)


def largest_distance(places: Sequence[tuple[float, float]]) -> float:
    """Return the largest distance between two of `places`, of which about 40 are looked at."""
    return max(math.dist(a, b) for a in places[:: max(1, len(places) // 40)] for b in places)
