"""Counters: text whose digits change at their place, such as a clock or a timecode.

The median over the frames contains only half of such a text, so its letters are segmented on one frame and then found
on every other one by their colour. Each frame has a mask of its own.
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
    """Return the rows and columns of the letters' body, which later digits do not exceed; none without letters."""
    result = np.zeros(fill.shape, bool)
    if not fill.any():
        return result
    counts = fill.sum(axis=1), fill.sum(axis=0)
    rows, columns = (np.flatnonzero(count > COUNTER.sparse * count.max()) for count in counts)
    result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return result


def static_strokes(strokes: Strokes, crops: list[BGR]) -> tuple[Strokes, BGR, FloatMap]:
    """Return the strokes that do not change, with the median of all crops and its variation.

    Outline and ground are measured where the scene moves and the letters stay. Without enough static letters, the last
    crop alone is used.

    Args:
        strokes: strokes of the last crop.
        crops: the text on several frames, (height, width, 3) each.
    """
    crop, spread = median_and_spread(crops)
    fill = strokes.fill & (spread < COUNTER.static)
    if fill.sum() < COUNTER.least_static * strokes.fill.sum():
        return strokes, *median_and_spread(crops[-1:])
    return replace(strokes, fill=fill), crop, spread


@dataclass(frozen=True, slots=True)
class CounterModel:
    """Colour model of a counter.

    Attributes:
        text_mask: mask and strokes of one frame.
        box: place of the text.
    """

    text_mask: TextMask
    box: Box

    def masks(self, crops: Mapping[int, BGR]) -> dict[int, BoolMask]:
        """Return the mask of each frame.

        Pixels of most frames belong to the text on all of them, even where the ground has the letters' colour. Pixels
        of few frames around belong to the scene, because digits share their strokes.

        Args:
            crops: the box on each frame, by index.
        """
        if not crops:
            return {}
        own = np.stack([self.text_mask.alone(crop) for crop in crops.values()])
        sums = np.concatenate((np.zeros((1, *own.shape[1:]), np.int32), np.cumsum(own, axis=0, dtype=np.int32)))
        usual = sums[-1] > COUNTER.usual * len(own)
        masks = {}
        for place, (index, mask) in enumerate(zip(crops, own, strict=True)):
            start, stop = max(0, place - COUNTER.window), min(len(own), place + COUNTER.window + 1)
            seldom = sums[stop] - sums[start] < COUNTER.seldom * (stop - start)
            masks[index] = (mask & ~seldom) | usual
        return masks
