"""What another frame lends to the hole of one, how far it can be trusted, and what several make of it together."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage
from preflight.engine.core.box import Box
from preflight.engine.core.filters import normalized_convolution, weighted
from preflight.engine.core.yuv import Planes, chroma_box, downscale_2x, upscale_2x
from preflight.engine.inpaint.optical_flow import FlowField, RegionView

_BRIGHTER = 25.0
"""Gray levels by which the light of two frames differs at most."""
_DISAGREE, _ELSEWHERE = 6.0, 16.0
"""Gray levels between the donors' mean and the best of them from which on that counts, and from which on it alone."""


@dataclass(frozen=True, slots=True)
class TargetRegion:
    """The core of the view that is filled; `band` is the held-out rim of the text."""

    view: RegionView
    box: Box
    planes: Planes[np.float32]
    hole: BoolMask
    wide: BoolMask
    band: BoolMask
    tolerance: FloatImage
    """How far a donor may be off at each place, at half size: more where the scene around is richly textured."""

    @classmethod
    def of(cls, view: RegionView) -> TargetRegion:
        """Crop what is worked on out of a view with text."""
        box = view.core
        part = view.planes.inside(box)
        planes = Planes(part.luma.astype(np.float32), part.chroma.astype(np.float32))
        hole, wide = view.hole[box.slices], view.wide[box.slices]
        return cls(view, box, planes, hole, wide, wide & ~hole, _tolerance(view, box))

    def error(self, luma: FloatImage, band: BoolMask | None = None) -> FloatImage:
        """Return how far `luma` is off on the held-out ring, spread over the hole."""
        held = self.band if band is None else band
        return normalized_convolution(cv2.absdiff(luma, self.planes.luma), held.astype(np.float32), 7.0, shrink=2)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A donor's samples, the mean error to expect of each, and where they can be used at all.

    `noise` is the part of that error which each sample has by itself, since it was seen through text; None without.
    """

    planes: Planes[np.float32]
    doubt: FloatImage
    usable: BoolMask
    noise: FloatImage | None = None


def propagate(target: TargetRegion, there: RegionView, flow_field: FlowField) -> Candidate | None:
    """Return what `there` shows of the core of `target`, in its light; None for nothing."""
    usable = _usable(target, there, flow_field)
    if not usable.any():
        return None
    planes = moved(there.planes, flow_field)
    gap = np.clip(target.planes.luma - planes.luma, -_BRIGHTER, _BRIGHTER)
    tested = planes.luma + normalized_convolution(gap, (~target.wide).astype(np.float32), 8.0)
    band = target.band & usable
    held = band.astype(np.float32)
    luma = planes.luma + normalized_convolution(gap, held, 6.0, shrink=2)
    tint = np.clip(target.planes.chroma - planes.chroma, -_BRIGHTER, _BRIGHTER)
    chroma = planes.chroma + normalized_convolution(tint, downscale_2x(held), 3.0, shrink=1)
    doubt = target.error(tested, band)
    if there.doubt is not None:
        noise = cv2.remap(there.doubt, flow_field.x, flow_field.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return Candidate(Planes(luma, chroma), np.hypot(doubt, noise), usable, noise)
    return Candidate(Planes(luma, chroma), doubt, usable)


class FusedEstimate:
    """The mean of loans, weighted; where they disagree, the best of them, since a mean would blur."""

    def __init__(self, shape: tuple[int, int]) -> None:
        small = (shape[0] // 2, shape[1] // 2)
        self._luma, self._chroma = _Sum(shape, ()), _Sum(small, (2,))
        self.error: FloatImage = np.full(shape, 99, np.float32)

    def add(self, candidate: Candidate, distance: int) -> None:
        """Take a loan from `distance` frames away into account."""
        weight: FloatImage = np.zeros_like(candidate.doubt)
        less = (candidate.doubt / 4) ** 2 + 0.02 * distance
        if candidate.noise is not None:
            less += candidate.noise**2
        np.divide(1, 1 + less, out=weight, where=candidate.usable)
        better = self._luma.add(candidate.planes.luma, weight)
        cv2.copyTo(candidate.doubt, better, self.error)
        # Chroma beside text is tinted by it.
        whole = downscale_2x(candidate.usable.view(np.uint8) * 255) == 255
        self._chroma.add(candidate.planes.chroma, downscale_2x(weight) * whole)

    @property
    def there(self) -> BoolMask:
        """Where there is an estimate."""
        return np.asarray(self._luma.weights > 0, bool)

    def fuse(self) -> Planes[np.float32]:
        """Return the colours."""
        luma, chroma = self._luma.mean(), self._chroma.mean()
        apart = np.maximum(cv2.absdiff(luma, self._luma.top), upscale_2x(_largest(chroma - self._chroma.top)))
        alone: FloatImage = np.clip((apart - _DISAGREE) / (_ELSEWHERE - _DISAGREE), 0, 1).astype(np.float32)
        return Planes(
            luma + (self._luma.top - luma) * alone,
            chroma + weighted(self._chroma.top - chroma, downscale_2x(alone)),
        )

    def coverage(self) -> BoolMask:
        """Return where chroma has an estimate."""
        return np.asarray(self._chroma.weights > 0, bool)


class _Sum:
    """The weighted mean of fields, and the one of the greatest weight at each place."""

    def __init__(self, shape: tuple[int, int], channels: tuple[int, ...]) -> None:
        self.total, self.top = np.zeros((*shape, *channels), np.float32), np.zeros((*shape, *channels), np.float32)
        self.weights, self._most = np.zeros(shape, np.float32), np.zeros(shape, np.float32)

    def add(self, field: FloatImage, weight: FloatImage) -> NDArray[np.uint8]:
        """Add a field and return where it outweighs all before it."""
        self.total += weighted(field, weight)
        self.weights += weight
        better = (weight > self._most).view(np.uint8)
        cv2.copyTo(field, better, self.top)
        np.maximum(self._most, weight, out=self._most)
        return better

    def mean(self) -> FloatImage:
        return weighted(self.total, np.reciprocal(np.maximum(self.weights, np.float32(1e-6))))


def moved(planes: Planes[np.uint8] | Planes[np.float32], flow_field: FlowField) -> Planes[np.float32]:
    """Return a region's samples at the places of the core that was aligned to it."""
    edge = cv2.BORDER_REPLICATE
    luma = cv2.remap(planes.luma, flow_field.x, flow_field.y, cv2.INTER_CUBIC, borderMode=edge)
    chroma = cv2.remap(planes.chroma, flow_field.x_half, flow_field.y_half, cv2.INTER_LINEAR, borderMode=edge)
    return Planes(luma.astype(np.float32, copy=False), chroma.astype(np.float32, copy=False))


def apart(one: Planes[np.float32], other: Planes[np.float32]) -> FloatImage:
    """Return the largest difference of the three colours at each place of luma."""
    largest: FloatImage = np.maximum(cv2.absdiff(one.luma, other.luma), upscale_2x(_largest(one.chroma - other.chroma)))
    return largest


def _largest(chroma: FloatImage) -> FloatImage:
    """Return the larger magnitude of two (quicker than a reduction over so short an axis)."""
    return np.maximum(np.abs(chroma[..., 0]), np.abs(chroma[..., 1]))


def _usable(target: TargetRegion, there: RegionView, flow_field: FlowField) -> BoolMask:
    x, y = flow_field.x, flow_field.y
    height, width = there.hole.shape
    usable: BoolMask = upscale_2x((flow_field.error < target.tolerance).view(np.uint8) * 255) > 127
    if there.clear:
        usable &= (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    else:
        hidden = cv2.remap(there.excluded, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
        usable &= hidden < 1
    return usable


def _tolerance(view: RegionView, box: Box) -> FloatImage:
    gray, known = view.gray.astype(np.float32), (~view.hidden).astype(np.float32)
    mean = normalized_convolution(gray, known, 10.0)
    texture = np.sqrt(np.maximum(normalized_convolution((gray - mean) ** 2, known, 10.0), 0))
    part = texture[chroma_box(box).slices] if gray.shape != view.hole.shape else downscale_2x(texture[box.slices])
    return np.asarray(6 + np.float32(0.45) * part, np.float32)
