"""What the service changed in a frame beyond coding noise: a block model of the noise, and what stands out of it.

The noise of a block grows with its activity. For each class of activity the median and the spread above it of the
logarithms of all blocks' differences give the noise, whose distribution is skew; text that was removed is a small part
of the picture, so both are robust. Drawn pictures have most blocks without any noise and a few, at hard edges and where
something runs, with much of it: so the spread is that of the blocks above the median, and a seed has to stand out by a
share of the contrast that the service's own picture has there, in place and time. Removed text leaves little of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.restore.composite.frames import Picture, Samples

BLOCK = 8
"""Luma samples of a block's side."""
SEED_SIGMAS = 5.0
"""Standard deviations above the median difference from which a block is a seed."""
SEED_FLOOR = 2.0
"""Gray levels of mean difference that a seed has at least above the median."""
CONTRAST_SHARE = 0.3
"""Share of the contrast around a block, in place and time, by which a seed's floor is higher."""
CERTAIN_FLOOR = 10.0
"""Gray levels above the median from which a block is a seed whatever the spread: no coder errs by so much."""
CERTAIN_SHARE = 0.6
"""Share of the contrast around the block by which that is higher."""
_TIME_WEIGHT = 0.5
"""Weight of the contrast in time beside that in place."""
_COLOR_WEIGHT = 0.2
"""Weight of chroma's contrast, whose errors are those of luma too where a coder chooses coarse steps."""
WEAK_SIGMAS = 2.2
"""Standard deviations from which a block beside a seed, in place or time, belongs to it."""
WEAK_FLOOR = 0.7
"""Gray levels of mean difference that such a block has at least above the median."""
CHROMA_WEIGHT = 1.5
"""Factor of chroma differences, which are smaller than those of luma where text is as visible."""
_ACTIVITY_EDGES = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0)
"""Mean gray levels of local contrast that part the classes of activity."""
_FEW = 24
"""Blocks that a class needs for a model of its own."""
_DEVIATION = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""
_UPPER = 75.0
"""Percentile above the median that the spread is measured at: removed text may be a quarter of the picture."""

_LEAST = 0.3
"""Gray levels added to each difference before its logarithm is taken."""
_NARROWEST = 0.28
"""Standard deviation of the logarithms that noise has at least."""

_AROUND = np.ones((3, 3), np.uint8)
"""Blocks whose edges a block's noise may come from."""

Grid = NDArray[np.float32]
BlockMask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ChangeEvidence:
    """Blocks that stand out clearly (`seeds`) and a little (`weak`), and `scores` in standard deviations.

    `known` is False for a frame of which nothing is known but its neighbours.
    """

    seeds: BlockMask
    weak: BlockMask
    scores: Grid
    known: bool = True

    def unknown(self) -> ChangeEvidence:
        """Return the evidence of a frame that has no counterpart: none of its own, any that its neighbours have."""
        return ChangeEvidence(
            np.zeros_like(self.seeds), np.ones_like(self.weak), np.zeros_like(self.scores), known=False
        )


def block_means(plane: Samples, rows: int, columns: int) -> Grid:
    """Return the mean of each block, a block of a plane being its `rows`th by `columns`th part."""
    # Rounded means would leave no deviations to measure.
    grid: Grid = cv2.resize(plane.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return grid


def compare(sent: Picture, cleaned: Picture, before: Picture | None = None) -> ChangeEvidence:
    """Return which blocks of the aligned picture `cleaned` differ from those of `sent` by more than coding noise.

    `before` is the aligned picture of the frame before, if there is one.
    """
    height, width = sent.y.shape
    rows, columns = max(1, height // BLOCK), max(1, width // BLOCK)
    luma = block_means(cv2.absdiff(sent.y, cleaned.y), rows, columns)
    chroma = np.maximum(
        *(block_means(cv2.absdiff(a, b), rows, columns) for a, b in zip(sent[1:], cleaned[1:], strict=True))
    )
    activity = _activity(cleaned.y, rows, columns)
    colorful = np.maximum(*(_activity(plane, rows, columns) for plane in cleaned[1:]))
    contrast = cv2.dilate(activity, _AROUND)
    color_contrast = cv2.dilate(colorful, _AROUND)
    if before is not None:
        contrast = contrast + _TIME_WEIGHT * block_means(cv2.absdiff(cleaned.y, before.y), rows, columns)
    classes = np.digitize(activity, _ACTIVITY_EDGES)
    seeds = weak = np.zeros((rows, columns), bool)
    scores = np.full((rows, columns), -np.inf, np.float32)
    for differences, around in (
        (luma, contrast + _COLOR_WEIGHT * color_contrast),
        (np.asarray(CHROMA_WEIGHT * chroma, np.float32), np.maximum(contrast, color_contrast)),
    ):
        score, excess = _scores(differences, classes)
        seeds = seeds | ((score > SEED_SIGMAS) & (excess > SEED_FLOOR + CONTRAST_SHARE * around))
        seeds = seeds | (excess > CERTAIN_FLOOR + CERTAIN_SHARE * around)
        weak = weak | ((score > WEAK_SIGMAS) & (excess > WEAK_FLOOR))
        scores = np.maximum(scores, score)
    return ChangeEvidence(seeds, weak | seeds, scores)


def _activity(plane: Samples, rows: int, columns: int) -> Grid:
    return block_means(cv2.absdiff(plane, cv2.blur(plane, (3, 3))), rows, columns)


def _scores(differences: Grid, classes: NDArray[np.intp]) -> tuple[Grid, Grid]:
    """Return how many standard deviations and gray levels each block is above the median of its class."""
    scores, excess = np.empty_like(differences), np.empty_like(differences)
    usual = _noise(differences.ravel())
    for number in range(len(_ACTIVITY_EDGES) + 1):
        inside = classes == number
        if not inside.any():
            continue
        values = differences[inside]
        middle, sigma = _noise(values) if values.size >= _FEW else usual
        excess[inside] = values - (np.exp(middle) - _LEAST)
        scores[inside] = (np.log(values + _LEAST) - middle) / sigma
    return scores, excess


def _noise(values: Grid) -> tuple[float, float]:
    """Return median and standard deviation, of what is above it, of the logarithms."""
    logarithms = np.log(values + _LEAST)
    middle, upper = (float(value) for value in np.percentile(logarithms, (50.0, _UPPER)))
    spread = _DEVIATION * max(upper - middle, float(np.median(np.abs(logarithms - middle))))
    return middle, max(spread, _NARROWEST)
