"""How near encoded pictures are to the source's outside the regions: PSNR of luma, by frame and by tile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.restore.composite.frames import Samples
from preflight.restore.composite.geometry import Area

TILE = 64
"""Samples of a tile's side."""
_COVERED = 0.25
"""Share of a tile that has to be outside of the regions for the tile to count."""
LOSSLESS = 99.0
"""PSNR, in dB, that stands for equal pictures."""


class Written(NamedTuple):
    """Where a region was written into a picture as shown: its box and, packed, which samples of it."""

    box: Area
    bits: bytes

    @classmethod
    def of(cls, box: Area, mask: NDArray[Any]) -> Written:
        """Return the place for a mask of the box's size."""
        return cls(box, np.packbits(mask).tobytes())

    def clear(self, weight: Samples) -> None:
        """Set to 0 what was written to, in an array of the shown picture's size."""
        height, width = self.box.y1 - self.box.y0, self.box.x1 - self.box.x0
        packed = np.frombuffer(self.bits, np.uint8)
        mask = np.unpackbits(packed, count=width * height).reshape(height, width).astype(bool)
        weight[self.box.slices][mask] = 0


@dataclass(slots=True)
class Fidelity:
    """Collects the error of frames. `worst_frame` and `worst_tile` are in dB; numbers are those of the timeline."""

    depth: int = 8
    frames: int = 0
    worst_frame: float = LOSSLESS
    worst_frame_number: int | None = None
    worst_tile: float = LOSSLESS
    worst_tile_place: tuple[int, int, int] | None = None
    """Number of the frame, left and top edge of the tile in samples of the picture as shown."""
    _total: float = 0.0

    @property
    def mean(self) -> float:
        """PSNR of the mean error of all frames, in dB."""
        return self._psnr(self._total / self.frames) if self.frames else LOSSLESS

    def add(self, number: int, source: Samples, made: Samples, outside: Samples | None) -> None:
        """Add a frame's luma planes; `outside` is 1 where samples count, None for everywhere."""
        height, width = source.shape
        difference = cv2.absdiff(source, made)
        square: Samples = cv2.multiply(difference, difference, dtype=cv2.CV_32F)
        rows, columns = -(-height // TILE), -(-width // TILE)
        pads = (0, rows * TILE - height, 0, columns * TILE - width)
        share: Any = np.ones((rows, columns), np.float32)
        if outside is not None:
            square *= outside
            padded = cv2.copyMakeBorder(outside.astype(np.float32), *pads, cv2.BORDER_CONSTANT)
            share = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
        if any(pads):
            square = cv2.copyMakeBorder(square, *pads, cv2.BORDER_CONSTANT)
        errors = cv2.resize(square, (columns, rows), interpolation=cv2.INTER_AREA)
        counted = float(share.sum()) * TILE * TILE if outside is not None else float(height * width)
        if not counted:
            return
        mean = float(errors.sum()) * TILE * TILE / counted
        self._total += mean
        self.frames += 1
        if (found := self._psnr(mean)) < self.worst_frame:
            self.worst_frame, self.worst_frame_number = found, number
        tiles = np.where(share >= _COVERED, errors / np.maximum(share, _COVERED), 0)
        row, column = np.unravel_index(int(np.argmax(tiles)), tiles.shape)
        if (found := self._psnr(float(tiles[row, column]))) < self.worst_tile:
            self.worst_tile, self.worst_tile_place = found, (number, int(column) * TILE, int(row) * TILE)

    def _psnr(self, error: float) -> float:
        peak = float((1 << self.depth) - 1)
        return min(LOSSLESS, 10 * math.log10(peak * peak / error)) if error > 0 else LOSSLESS
