"""How the service's picture lies and looks against the one that was sent: shift below a sample, gain and offset."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.restore.composite.frames import Picture, Samples

_STEP = 3
"""Every so manieth row and column is looked at."""
_TRIM = 85.0
"""Percentile of the differences up to which samples count: removed text is beyond it."""
_EVERY = 12
"""Frames between two estimates."""
_KEPT = 9
"""Estimates of which the median is taken."""
_MIN_SHIFT = 0.06
"""Samples of shift that are worth a resampling."""
_MAX_SHIFT = 4.0
"""Samples of shift beyond which an estimate is no shift of the whole picture."""
_ROUNDS = 3
"""Steps of the least-squares search (Lucas and Kanade 1981)."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """The service's picture is `shift` samples farther right and down; luma sent = `gain` * luma + `offset`."""

    shift: tuple[float, float] = (0.0, 0.0)
    gain: float = 1.0
    offset: float = 0.0

    @property
    def is_shifted(self) -> bool:
        """True when the shift is worth a resampling."""
        return max(abs(self.shift[0]), abs(self.shift[1])) >= _MIN_SHIFT

    def apply(self, plane: Samples, *, chroma: bool = False) -> Samples:
        """Return a plane of the service's picture put where it was in the picture sent; luma in its colours too."""
        divisor = 2.0 if chroma else 1.0
        moved = plane
        if self.is_shifted:
            height, width = plane.shape
            matrix = np.array([[1, 0, self.shift[0] / divisor], [0, 1, self.shift[1] / divisor]], np.float64)
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            moved = cv2.warpAffine(plane, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        if not chroma and (abs(self.gain - 1) > 0.002 or abs(self.offset) > 0.4):
            table = np.clip(np.arange(256) * self.gain + self.offset + 0.5, 0, 255).astype(np.uint8)
            moved = cv2.LUT(moved, table)
        return moved


def estimate(sent: Samples, cleaned: Samples, start: Alignment) -> Alignment:
    """Return the alignment of two luma planes of one frame by trimmed least squares."""
    blurred = cv2.GaussianBlur(sent, (0, 0), 1.0).astype(np.float32)
    right = (cv2.Sobel(blurred, cv2.CV_32F, 1, 0, ksize=1) / 2)[2:-2:_STEP, 2:-2:_STEP].ravel()
    down = (cv2.Sobel(blurred, cv2.CV_32F, 0, 1, ksize=1) / 2)[2:-2:_STEP, 2:-2:_STEP].ravel()
    level = blurred[2:-2:_STEP, 2:-2:_STEP].ravel()
    dx, dy, gain, offset = *start.shift, start.gain, start.offset
    height, width = cleaned.shape
    for _ in range(_ROUNDS):
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(cleaned, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        other = cv2.GaussianBlur(moved, (0, 0), 1.0)[2:-2:_STEP, 2:-2:_STEP].astype(np.float32).ravel()
        rest = level - (gain * other + offset)
        limit = np.percentile(np.abs(rest), _TRIM)
        inside = np.abs(rest) <= max(float(limit), 0.5)
        # level(x) = gain * cleaned(x + d) + offset; a step of d changes the right side by gain * gradient * step.
        terms = np.stack((right[inside], down[inside], other[inside], np.ones(int(inside.sum()), np.float32)), axis=1)
        normal = (terms.T @ terms).astype(np.float64) + np.diag((1e3, 1e3, 1e-3, 1e-3))
        step = np.linalg.solve(normal, (terms.T @ rest[inside]).astype(np.float64))
        dx, dy = float(dx + step[0]), float(dy + step[1])
        gain, offset = float(gain + step[2]), float(offset + step[3])
        if max(abs(dx), abs(dy)) > _MAX_SHIFT:
            return Alignment(gain=gain, offset=offset)
    return Alignment(shift=(dx, dy), gain=gain, offset=offset)


class Aligner:
    """Follows the alignment of a whole file, which is constant: the median of a few estimates."""

    def __init__(self) -> None:
        self._found: deque[Alignment] = deque(maxlen=_KEPT)
        self._seen = 0
        self.current = Alignment()

    def update(self, sent: Picture, cleaned: Picture) -> Alignment:
        """Return the alignment to use for a frame and its match."""
        if self._seen < 3 or self._seen % _EVERY == 0:
            found = estimate(sent.y, cleaned.y, self.current)
            self._found.append(found)
            shifts = np.median([item.shift for item in self._found], axis=0)
            gain, offset = np.median([(item.gain, item.offset) for item in self._found], axis=0)
            self.current = Alignment(shift=(float(shifts[0]), float(shifts[1])), gain=float(gain), offset=float(offset))
        self._seen += 1
        return self.current
