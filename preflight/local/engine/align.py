"""Dense motion from one look at a region to another, completed where text hides the scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preflight.local.engine.glyphs import Mask, Picture
from preflight.local.engine.motion import Matrix
from preflight.local.engine.smooth import Field, spread

RING = 3
"""Samples around the text that are held out to test a fill on."""
_DISK = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RING + 1, 2 * RING + 1))
_GRID = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One frame's region: `color` is luma and full-size chroma, `hole` what text paints, `wide` the hole with its ring;
    `gray` is luma with the wide hole smoothed over, to measure motion on.
    """  # noqa: D205

    color: Picture
    hole: Mask
    wide: Mask
    gray: Picture

    @property
    def clear(self) -> bool:
        """True when no text is on this frame's region."""
        return not self.hole.any()


def view(color: Picture, hole: Mask) -> View:
    """Prepare a frame's region."""
    gray = np.ascontiguousarray(color[..., 0])
    if not hole.any():
        return View(color=color, hole=hole, wide=hole, gray=gray)
    wide = cv2.dilate(hole.astype(np.uint8), _DISK) > 0
    smooth = spread(gray.astype(np.float32), (~wide).astype(np.float32), 6.0)
    return View(color=color, hole=hole, wide=wide, gray=np.where(wide, smooth, gray).astype(np.uint8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where each sample of one view lies on another: `x`, `y`; `error` is the gray difference there, smoothed over the
    hole; `typical` its median outside the text.
    """  # noqa: D205

    x: Field
    y: Field
    error: Field
    typical: float


class Aligner:
    """Aligns views of one region, whose left top corner on the picture is `corner`."""

    def __init__(self, height: int, width: int, corner: tuple[int, int]) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._columns, self._rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        grid_rows, grid_columns = np.mgrid[0:height:_GRID, 0:width:_GRID]
        ones = np.ones(grid_rows.size)
        self._basis = np.stack([ones, grid_columns.ravel() / width - 0.5, grid_rows.ravel() / height - 0.5], 1)
        self._corner = corner

    def global_flow(self, step: Matrix) -> Field:
        """Return the displacement field of a global motion on this region."""
        x, y = self._columns + self._corner[0], self._rows + self._corner[1]
        u = (step[0, 0] - 1) * x + step[0, 1] * y + step[0, 2]
        v = step[1, 0] * x + (step[1, 1] - 1) * y + step[1, 2]
        return np.dstack([u, v]).astype(np.float32)

    def align(self, here: View, there: View, start: Matrix) -> Alignment:
        """Return where the samples of `here` lie on `there`; `start` is the global motion between the two."""
        flow = self._dis.calc(here.gray, there.gray, self.global_flow(start))
        x, y = self._columns + flow[..., 0], self._rows + flow[..., 1]
        warped = cv2.remap(there.gray, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = cv2.absdiff(warped, here.gray).astype(np.float32)
        known = ~here.wide
        if there.wide.any():
            marked = there.wide.astype(np.uint8)
            hidden = cv2.remap(marked, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=1)
            known = known & (hidden == 0)
        seen = error[::2, ::2][known[::2, ::2]]
        typical = float(np.median(seen)) if seen.size else 255.0
        weight = np.where(known, np.exp(-error / 8), 0).astype(np.float32)
        flow = self._complete(flow, weight, here.wide)
        if here.wide.any():
            error = np.where(here.wide, spread(error, known.astype(np.float32), 8.0), error)
        return Alignment(x=self._columns + flow[..., 0], y=self._rows + flow[..., 1], error=error, typical=typical)

    def _complete(self, flow: Field, weight: Field, hole: Mask) -> Field:
        """Replace the flow inside the hole by a robust affine motion plus what the surroundings deviate from it."""
        if not hole.any():
            return flow
        plane = self._affine(flow, weight)
        if plane is None:
            return flow
        rest = flow - plane
        trusted = weight * (np.abs(rest).max(axis=2) < 6)
        return np.where(hole[..., None], plane + spread(rest, trusted.astype(np.float32), 10.0), flow)

    def _affine(self, flow: Field, weight: Field) -> Field | None:
        weights = weight[::_GRID, ::_GRID].ravel().astype(np.float64)
        used = weights > 0.05
        if used.sum() < 30:
            return None
        basis, values, weights = (
            self._basis[used],
            flow[::_GRID, ::_GRID].reshape(-1, 2)[used].astype(np.float64),
            weights[used],
        )
        current, coefficients = weights, np.zeros((3, 2))
        for _ in range(5):
            weighted = basis.T * current
            coefficients = np.linalg.solve(weighted @ basis + 1e-6 * np.eye(3), weighted @ values)
            residue = np.abs(values - basis @ coefficients).max(axis=1)
            current = weights / (1 + (residue / 0.7) ** 2)
        height, width = weight.shape
        c = coefficients.astype(np.float32)
        x, y = self._columns / width - 0.5, self._rows / height - 0.5
        return np.dstack([c[0, k] + c[1, k] * x + c[2, k] * y for k in range(2)])
