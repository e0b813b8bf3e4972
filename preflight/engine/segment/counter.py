"""Text whose digits change at their place: a clock, a time code, a counter.

What its looks have in common is only half of it, so its letters are learnt from one look and then found on every frame
by their colour. Each frame has a mask of its own: where one shows a digit, its neighbours show the scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap
from preflight.engine.core.box import Box
from preflight.engine.segment.settings import COUNTER
from preflight.engine.segment.strokes import Strokes, median_and_spread
from preflight.engine.segment.text_mask import TextMask


def digit_area(fill: BoolMask) -> BoolMask:
    """Return the rows and columns that the letters' body takes up: the digits to come are no larger."""
    counts = fill.sum(axis=1), fill.sum(axis=0)
    rows, columns = (np.flatnonzero(count > COUNTER.sparse * count.max()) for count in counts)
    result = np.zeros(fill.shape, bool)
    result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return result


def static_strokes(strokes: Strokes, looks: list[BGR]) -> tuple[Strokes, BGR, FloatMap]:
    """Return what of the `strokes` of the last look stands still, with the median of all looks and their variation.

    How far an outline reaches and what is behind the letters shows where the scene passes and the letters stay. With
    no such letters, the last look has to do.
    """
    look, spread = median_and_spread(looks)
    fill = strokes.fill & (spread < COUNTER.static)
    if fill.sum() < COUNTER.least_static * strokes.fill.sum():
        return strokes, *median_and_spread(looks[-1:])
    return replace(strokes, fill=fill), look, spread


@dataclass(frozen=True, slots=True)
class CounterModel:
    """How to know the letters of changing text: what it paints on one look at its `box`."""

    ink: TextMask
    box: Box

    def masks(self, looks: Mapping[int, BGR]) -> dict[int, BoolMask]:
        """Return what the text paints of its box on each of the `looks`, by their frames.

        What most of them have in common is on all of them, even where one has a ground of the letters' colour. What
        few of those around have is the scene: digits share their strokes.
        """
        if not looks:
            return {}
        own = np.stack([self.ink.alone(look) for look in looks.values()])
        sums = np.concatenate((np.zeros((1, *own.shape[1:]), np.int32), np.cumsum(own, axis=0, dtype=np.int32)))
        usual = sums[-1] > COUNTER.usual * len(own)
        masks = {}
        for place, (index, mask) in enumerate(zip(looks, own, strict=True)):
            start, stop = max(0, place - COUNTER.window), min(len(own), place + COUNTER.window + 1)
            seldom = sums[stop] - sums[start] < COUNTER.seldom * (stop - start)
            masks[index] = (mask & ~seldom) | usual
        return masks
