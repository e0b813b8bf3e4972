"""What the service changed in a frame beyond coding noise: a block model of the noise, and what stands out of it.

The noise of a block grows with its activity. For each class of activity the median and the median absolute deviation
of the logarithms of all blocks' differences give the noise, whose distribution is skew; text that was removed is a
small part of the picture, so both are robust.
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

_LEAST = 0.3
"""Gray levels added to each difference before its logarithm is taken."""
_NARROWEST = 0.28
"""Standard deviation of the logarithms that noise has at least."""

Grid = NDArray[np.float32]
BlockMask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ChangeEvidence:
    """Blocks that stand out clearly (`seeds`) and a little (`weak`), and `scores` in standard deviations."""

    seeds: BlockMask
    weak: BlockMask
    scores: Grid


def block_means(plane: Samples, rows: int, columns: int) -> Grid:
    """Return the mean of each block, a block of a plane being its `rows`th by `columns`th part."""
    # Rounded means would leave no deviations to measure.
    grid: Grid = cv2.resize(plane.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return grid


def compare(sent: Picture, cleaned: Picture) -> ChangeEvidence:
    """Return which blocks of the aligned picture `cleaned` differ from those of `sent` by more than coding noise."""
    height, width = sent.y.shape
    rows, columns = max(1, height // BLOCK), max(1, width // BLOCK)
    luma = block_means(cv2.absdiff(sent.y, cleaned.y), rows, columns)
    chroma = np.maximum(
        *(block_means(cv2.absdiff(a, b), rows, columns) for a, b in zip(sent[1:], cleaned[1:], strict=True))
    )
    activity = block_means(cv2.absdiff(cleaned.y, cv2.blur(cleaned.y, (3, 3))), rows, columns)
    classes = np.digitize(activity, _ACTIVITY_EDGES)
    luma_score, luma_excess = _scores(luma, classes)
    chroma_score, chroma_excess = _scores(np.asarray(CHROMA_WEIGHT * chroma, np.float32), classes)
    scores = np.maximum(luma_score, chroma_score)
    seeds = ((luma_score > SEED_SIGMAS) & (luma_excess > SEED_FLOOR)) | (
        (chroma_score > SEED_SIGMAS) & (chroma_excess > SEED_FLOOR)
    )
    weak = ((luma_score > WEAK_SIGMAS) & (luma_excess > WEAK_FLOOR)) | (
        (chroma_score > WEAK_SIGMAS) & (chroma_excess > WEAK_FLOOR)
    )
    return ChangeEvidence(seeds, weak, scores)


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
    """Return median and standard deviation of the logarithms."""
    logarithms = np.log(values + _LEAST)
    middle = float(np.median(logarithms))
    spread = _DEVIATION * float(np.median(np.abs(logarithms - middle)))
    return middle, max(spread, _NARROWEST)
