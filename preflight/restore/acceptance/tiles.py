"""Compare two pictures tile by tile: structural similarity, mean and error, outside the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 32
"""Side of a tile in samples of the analysis size (540 lines), which is 64 at 1080p."""

_CONTRAST_FLOOR = 58.5
"""Constant of the contrast term of SSIM (Wang et al. 2004), (0.03 * 255)^2, in squared gray levels."""

DETAIL_SIGMA = 2.0
"""Standard deviation in samples of the blur that separates detail from the rest."""

MIN_DETAIL = 3.0
"""Energy of a tile's detail in the source, squared gray levels, at or above which its loss can be told from coding."""

LOST_DETAIL = 0.12
"""Share of its detail that a smeared tile keeps, by what the usual tile keeps. Coding at CRF 27 leaves 0.23 and more
of the usual share in weak textures, a blur by 9 samples at most 0.07."""

MIN_NEIGHBOURS = 3
"""Smeared tiles around one that make it count."""

Grid = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TileMeasures:
    """AcceptanceMeasures of all tiles of a picture pair, each (rows, columns).

    `structure` is the structural similarity (-1..1), `level` the difference of the means in gray levels without that of
    the whole picture, `error` the mean squared error. `smeared` tiles have lost their detail, unlike most of the
    picture.
    """

    structure: Grid
    level: Grid
    error: Grid
    smeared: Mask


def compare_tiles(source: NDArray[np.uint8], cleaned: NDArray[np.uint8]) -> TileMeasures:
    """Return the measures of every tile of two luma planes of one size; rest rows and columns are left out."""
    rows, columns = source.shape[0] // TILE, source.shape[1] // TILE
    a, b = (plane[: rows * TILE, : columns * TILE].astype(np.float32) for plane in (source, cleaned))

    def mean(plane: NDArray[np.float32]) -> Grid:
        grid: Grid = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
        return grid

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    floor = np.float32(_CONTRAST_FLOOR)
    structure = (2 * covariance + floor) / (var_a + var_b + floor)
    level = mean_b - mean_a
    return TileMeasures(
        structure.astype(np.float32),
        (level - np.median(level)).astype(np.float32),
        mean((a - b) ** 2),
        _smeared(mean(_detail(a)), mean(_detail(b))),
    )


def _detail(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the energy of what is finer than a few samples, in squared gray levels."""
    fine: NDArray[np.float32] = plane - cv2.GaussianBlur(plane, (0, 0), DETAIL_SIGMA)
    return fine * fine


def _smeared(source: Grid, cleaned: Grid) -> Mask:
    """Return the tiles whose detail is gone, several beside one another; a coder takes some of it everywhere."""
    textured = source > MIN_DETAIL
    if int(textured.sum()) < MIN_NEIGHBOURS:
        return np.zeros(source.shape, bool)
    kept = cleaned / np.maximum(source, MIN_DETAIL)
    gone = textured & (kept < LOST_DETAIL * np.median(kept[textured]))
    around = cv2.boxFilter(gone.astype(np.float32), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    smeared: Mask = gone & (around > MIN_NEIGHBOURS)
    return smeared


def text_tiles(boxes: Sequence[tuple[int, int, int, int]], size: tuple[int, int]) -> Mask:
    """Return the tiles (rows, columns) of a picture of `size` (width, height) that the boxes touch."""
    mask = np.zeros((size[1] // TILE, size[0] // TILE), bool)
    for left, top, right, bottom in boxes:
        mask[max(0, top // TILE) : max(0, -(-bottom // TILE)), max(0, left // TILE) : max(0, -(-right // TILE))] = True
    return mask


def psnr(error: float) -> float:
    """Return the peak signal-to-noise ratio of a mean squared error, in dB, at most 100."""
    return 100.0 if error <= 0 else min(100.0, float(10 * np.log10(255**2 / error)))
