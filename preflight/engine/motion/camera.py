"""How the scene moves from frame to frame as a whole, and where it is cut, measured on small gray pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import Gray
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.motion.settings import CAMERA

Matrix = NDArray[np.float64]
Points = NDArray[np.float32]
PROXY_WIDTH = 480
_STILL: Matrix = np.eye(3, dtype=np.float64)


def proxy(frame: Frame) -> Gray:
    """Return the small gray picture of a frame that motion is measured on."""
    height, width = frame.y.shape
    size = PROXY_WIDTH, max(16, round(height * PROXY_WIDTH / width))
    picture = frame.y
    if width >= 2 * PROXY_WIDTH:
        # Halving is many times as fast as any other factor.
        picture = np.asarray(cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    small: Gray = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return small


@dataclass(slots=True)
class Motion:
    """The scene's motion: `steps[k]` maps places on frame k to frame k + 1; `cuts` holds each k with a cut behind it.

    Only stretches near text are measured; elsewhere `between` knows nothing, but of single frames far away that can be
    looked at too: `leaps` holds for each of them a near frame, and the map of places on that one to it.
    """

    scale: float = 1.0
    steps: dict[int, Matrix] = field(default_factory=dict)
    cuts: set[int] = field(default_factory=set)
    leaps: dict[int, tuple[int, Matrix]] = field(default_factory=dict)

    def measure(self, index: int, before: Gray, after: Gray, text: list[Box]) -> None:
        """Measure the step from frame `index` to the next one, looking away from `text` (boxes on the full picture)."""
        if index in self.steps:
            return
        ground = np.full(before.shape, 255, np.uint8)
        for box in text:
            corners = [round(side * self.scale) for side in (box.x0, box.y0, box.x1, box.y1)]
            ground[max(0, corners[1] - 3) : corners[3] + 3, max(0, corners[0] - 3) : corners[2] + 3] = 0
        step, cut = small_step(before, after, ground)
        step = step.copy()
        step[:2, 2] /= self.scale
        self.steps[index] = step
        if cut:
            self.cuts.add(index)

    def between(self, start: int, end: int) -> Matrix | None:
        """Return the map of places on frame `start` to frame `end`; None across a cut or an unmeasured step."""
        if end in self.leaps:
            near, leap = self.leaps[end]
            way = self.between(start, near)
            return None if way is None else np.asarray(leap @ way, np.float64)
        low, high = min(start, end), max(start, end)
        total: Matrix = _STILL
        for index in range(low, high):
            if index in self.cuts or index not in self.steps:
                return None
            total = np.asarray(self.steps[index] @ total, np.float64)
        if start <= end:
            return total
        return np.asarray(np.linalg.inv(total), np.float64)

    def from_frame(self, start: int, ends: Iterable[int]) -> dict[int, Matrix]:
        """Return what `between` does of `start` and each of `ends` of which it knows."""
        wanted = set(ends)
        far = {end: leap for end, leap in self.leaps.items() if end in wanted}
        found = self._from_frame(start, (wanted - far.keys()) | {near for near, _ in far.values()})
        ways = {start: _STILL} | found
        leaps = {end: np.asarray(leap @ ways[near], np.float64) for end, (near, leap) in far.items() if near in ways}
        return {end: way for end, way in found.items() if end in wanted} | leaps

    def _from_frame(self, start: int, wanted: set[int]) -> dict[int, Matrix]:
        found = dict[int, Matrix]()
        for direction in (1, -1):
            total, place = _STILL, start
            last = max((direction * end for end in wanted), default=0)
            while direction * place < last:
                step = min(place, place + direction)
                if step in self.cuts or step not in self.steps:
                    break
                one = self.steps[step]
                total = np.asarray((one if direction > 0 else np.linalg.inv(one)) @ total, np.float64)
                place += direction
                if place in wanted:
                    found[place] = total
        return found

    def part(self, first: int, last: int) -> Motion:
        """Return what is known of frames `first`..`last`."""
        return Motion(
            scale=self.scale,
            steps={k: m for k, m in self.steps.items() if first <= k < last},
            cuts={k for k in self.cuts if first <= k < last},
        )


def small_step(before: Gray, after: Gray, ground: Gray) -> tuple[Matrix, bool]:
    """Return the affine motion between two small pictures over `ground`, and whether there is a cut between them."""
    apart = cv2.absdiff(before, after)
    change = float(cv2.mean(apart, ground)[0])
    if change < CAMERA.still:
        return _STILL, False
    contrast = float(after.std())
    points = cv2.goodFeaturesToTrack(before, CAMERA.features, 0.01, 8, mask=ground)
    if points is None or len(points) < CAMERA.min_features:
        return _STILL, change > 0.4 * contrast + 4
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, winSize=(15, 15), maxLevel=4)
    good = status.ravel() > 0
    if good.sum() < CAMERA.min_features:
        return _STILL, change > 0.35 * contrast + 4
    cv2.setRNGSeed(1)
    affine, inliers = cv2.estimateAffine2D(points[good], moved[good], method=cv2.RANSAC, ransacReprojThreshold=1.0)
    if affine is None:
        return _STILL, change > 0.35 * contrast + 4
    if np.abs(affine[:, :2] - np.eye(2)).max() > CAMERA.max_zoom:
        affine = np.eye(2, 3)
    height, width = before.shape
    warped = cv2.warpAffine(before, affine, (width, height), borderMode=cv2.BORDER_REPLICATE)
    left = min(change, float(cv2.mean(cv2.absdiff(warped, after), ground)[0]))
    cut = _is_cut(before, after, left, contrast, float(inliers.mean()))
    alike = left > CAMERA.explained * change and _alike(before, after) > CAMERA.alike
    # What explains nothing, or only itself, is the motion of a thing that passes, and not the camera's.
    own = moved[good][inliers.ravel() > 0]
    if alike or left >= change or _stays_beyond(before, after, warped, ground, own):
        return _STILL, cut and not alike
    return np.vstack([affine, [0.0, 0.0, 1.0]]), cut


def _stays_beyond(before: Gray, after: Gray, warped: Gray, ground: Gray, moved: Points) -> bool:
    """Return True when the places that were seen to have `moved` are few, and details beyond them tell of no motion."""
    beyond = ground.copy()
    for x, y in moved.reshape(-1, 2).astype(int):
        beyond[
            max(0, y - CAMERA.feature_reach) : max(0, y + CAMERA.feature_reach + 1),
            max(0, x - CAMERA.feature_reach) : max(0, x + CAMERA.feature_reach + 1),
        ] = 0
    if cv2.countNonZero(beyond) < CAMERA.passing * cv2.countNonZero(ground):
        return False
    detail = cv2.morphologyEx(before, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > CAMERA.detail
    told = (beyond > 0) & detail
    # By their number: a few edges of the thing itself change the most, and say neither.
    still, moving = (cv2.absdiff(picture, after)[told] < CAMERA.detail // 2 for picture in (before, warped))
    stayed, went = int((still & ~moving).sum()), int((moving & ~still).sum())
    return bool(stayed > max(CAMERA.static_ratio * went, CAMERA.min_details * told.size))


def _alike(before: Gray, after: Gray) -> float:
    """Return how alike (-1..1) two pictures are, whatever the light."""
    return float(cv2.matchTemplate(after, before, cv2.TM_CCOEFF_NORMED)[0, 0])


def _is_cut(before: Gray, after: Gray, left: float, contrast: float, agreeing: float) -> bool:
    if left > 0.42 * contrast + 4:
        return True
    if agreeing > 0.25 or left < 0.25 * contrast + 3:
        return False
    histograms = [cv2.calcHist([picture], [0], None, [32], [0, 256]) for picture in (before, after)]
    return bool(cv2.compareHist(histograms[0], histograms[1], cv2.HISTCMP_CORREL) < 0.9)
