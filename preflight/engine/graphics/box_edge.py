"""The edge of a box behind text: how far the box is present on a frame, and where it is while it slides."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.alpha import translucent_box
from preflight.engine.core.arrays import BGR, BoolMask, FloatImage
from preflight.engine.graphics.settings import BOX_EDGE
from preflight.engine.motion.template_match import Offset


def downscale(crop: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Return a picture at one in `scale` of its size."""
    if scale == 1:
        return crop
    size = max(1, crop.shape[1] // scale), max(1, crop.shape[0] // scale)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class BoxEdge:
    """Pairs of places at the border of a block, `inside` and `outside` (x, y), and the colour of the inner ones."""

    inside: NDArray[np.int_]
    outside: NDArray[np.int_]
    color: FloatImage

    @classmethod
    def of(cls, mask: BoolMask, crop: BGR, scale: int, height: int) -> BoxEdge:
        """Return the border of `mask` on pictures at a `scale` of `crop`."""
        outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        points = np.concatenate([outline.reshape(-1, 2) for outline in outlines])
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)
        rise = np.stack([cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)], axis=2)
        inward = rise[points[:, 1], points[:, 0]]
        inward /= np.maximum(np.hypot(inward[:, 0], inward[:, 1]), 1e-6)[:, None]
        inside = np.rint((points + max(2.5, 0.12 * height) * inward) / scale - 0.25).astype(int)
        outside = np.rint((points - max(3.5, 0.18 * height) * inward) / scale - 0.25).astype(int)
        small = downscale(crop, scale)
        rows, columns = small.shape[:2]
        most = np.array([columns, rows])
        seen = ((inside >= 0) & (inside < most) & (outside >= 0) & (outside < most)).all(axis=1)
        inside, outside = inside[seen], outside[seen]
        return cls(inside, outside, small[inside[:, 1], inside[:, 0]].astype(np.float32))

    def strength(self, small: BGR, translucent: translucent_box.TranslucentBox | None) -> float:
        """Return how far a block is there: 1 wholly, 0 not at all; NaN when its colour is all around."""
        if translucent is not None:
            ends = [small[at[:, 1], at[:, 0]].astype(np.float32) for at in (self.inside, self.outside)]
            return translucent_box.box_opacity(translucent, *ends)
        return self._strength(small, (0, 0), len(self.color) // 10)[0]

    def slid(self, small: BGR, near: Offset) -> tuple[Offset, float]:
        """Return where a block is that slides, searched for on from its place `near`, and how far it is there."""
        reach = (small.shape[1] // BOX_EDGE.slide_frames, small.shape[0] // BOX_EDGE.slide_frames)
        along: list[Offset] = []
        if not near[1]:
            along += [(near[0] + step, near[1]) for step in range(-reach[0], reach[0] + 1)]
        if not near[0]:
            along += [(near[0], near[1] + step) for step in range(-reach[1], reach[1] + 1)]
        found = [self._strength(small, offset, BOX_EDGE.least_points) for offset in along]
        # What most of the border says, not what the little says that is seen of a block far out of the picture.
        said = np.array([0.0 if np.isnan(strength) else strength * telling for strength, telling in found])
        best = np.nonzero(said > 0.98 * said.max())[0]
        middle = int(best[len(best) // 2]) if len(best) else int(said.argmax())
        return along[middle], found[middle][0]

    def _strength(self, small: BGR, offset: Offset, least: int) -> tuple[float, int]:
        """Return how far a block is there at an offset, and how many places tell."""
        ends, most = [at + np.array(offset) for at in (self.inside, self.outside)], np.array(small.shape[1::-1])
        seen = np.logical_and.reduce([((at >= 0) & (at < most)).all(axis=1) for at in ends])
        colors = [small[at[seen, 1], at[seen, 0]] for at in ends]
        inner, outer = (np.abs(color - self.color[seen]).max(axis=1) for color in colors)
        telling = outer > BOX_EDGE.informative
        if telling.sum() < max(1, least):
            return float("nan"), 0
        return float(np.clip(1 - inner[telling] / outer[telling], -1, 1).mean()), int(telling.sum())
