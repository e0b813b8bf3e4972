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

Grid = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TileMeasures:
    """AcceptanceMeasures of all tiles of a picture pair, each (rows, columns).

    `structure` is the structural similarity (-1..1), `level` the difference of the means in gray levels without that of
    the whole picture, `error` the mean squared error.
    """

    structure: Grid
    level: Grid
    error: Grid


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
    return TileMeasures(structure.astype(np.float32), (level - np.median(level)).astype(np.float32), mean((a - b) ** 2))


def text_tiles(boxes: Sequence[tuple[int, int, int, int]], size: tuple[int, int]) -> Mask:
    """Return the tiles (rows, columns) of a picture of `size` (width, height) that the boxes touch."""
    mask = np.zeros((size[1] // TILE, size[0] // TILE), bool)
    for left, top, right, bottom in boxes:
        mask[max(0, top // TILE) : max(0, -(-bottom // TILE)), max(0, left // TILE) : max(0, -(-right // TILE))] = True
    return mask


def psnr(error: float) -> float:
    """Return the peak signal-to-noise ratio of a mean squared error, in dB, at most 100."""
    return 100.0 if error <= 0 else min(100.0, float(10 * np.log10(255**2 / error)))
