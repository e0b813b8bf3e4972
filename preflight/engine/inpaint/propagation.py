"""Propagation of pixels from donor frames along the optical flow, their expected error, and their fusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, Mask255
from preflight.engine.core.box import Box
from preflight.engine.core.filters import normalized_convolution, weighted_mean
from preflight.engine.core.yuv import Planes, chroma_box, downscale_2x, upscale_2x
from preflight.engine.inpaint import donor_verification
from preflight.engine.inpaint.optical_flow import FlowField, RegionView
from preflight.engine.inpaint.settings import FUSION, INPAINT


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
    window: int
    """Height of the text, in pixels: the scale on which donors are verified."""

    @classmethod
    def of(cls, view: RegionView, window: int) -> TargetRegion:
        """Crop what is worked on out of a view with text."""
        box = view.core
        part = view.planes.inside(box)
        planes = Planes(part.luma.astype(np.float32), part.chroma.astype(np.float32))
        hole, wide = view.hole[box.slices], view.wide[box.slices]
        return cls(view, box, planes, hole, wide, wide & ~hole, _tolerance(view, box), window)

    def error(self, luma: FloatImage, band: BoolMask | None = None) -> FloatImage:
        """Return how far `luma` is off on the held-out ring, spread over the hole."""
        held = self.band if band is None else band
        return normalized_convolution(cv2.absdiff(luma, self.planes.luma), held.astype(np.float32), 7.0, shrink=2)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A donor's samples, the mean error to expect of each, and where they can be used at all.

    `noise` is the part of that error which each sample has by itself, since it was seen through text; None without.
    `doubtful` samples lie in the rim of a text; they count only where a frame with another text shows the same.
    """

    planes: Planes[np.float32]
    error: FloatImage
    usable: BoolMask
    noise: FloatImage | None = None
    doubtful: BoolMask | None = None


def propagate(
    target: TargetRegion,
    there: RegionView,
    flow_field: FlowField,
    kept: BoolMask | None = None,
    lines: NDArray[np.uint8] | None = None,
) -> Candidate | None:
    """Return the pixels that another frame shows of the target's core, with its brightness matched.

    Args:
        target: what is filled.
        there: the other frame's region.
        flow_field: optical flow from the target to the other frame.
        kept: (height, width) of the other frame's region, where it shows text that stays; None without any.
        lines: (height, width) of the other frame's region, numbers of the lines of text on it that were not tracked.

    Returns:
        None when no pixel can be used.
    """
    usable = _usable(target, there, flow_field)
    if kept is not None:
        usable &= _warped(kept.view(np.uint8), flow_field) == 0
    if not usable.any():
        return None
    planes = warp_planes(there.planes, flow_field)
    difference = target.planes.luma - planes.luma
    gap = np.clip(difference, -FUSION.largest_gain, FUSION.largest_gain)
    visible = usable & ~target.wide
    known = visible.astype(np.float32)
    light = normalized_convolution(gap, known, 8.0)
    differs = donor_verification.differing(difference - light, visible, target.tolerance, INPAINT)
    shown = None if lines is None else _warped(lines, flow_field)
    usable &= ~donor_verification.untrusted(differs, visible, target.window, shown)
    if not (usable & target.hole).any():
        return None
    band = target.band & usable
    held = band.astype(np.float32)
    luma = planes.luma + normalized_convolution(gap, held, 6.0, shrink=2)
    tint = np.clip(target.planes.chroma - planes.chroma, -FUSION.largest_gain, FUSION.largest_gain)
    chroma = planes.chroma + normalized_convolution(tint, downscale_2x(held), 3.0, shrink=1)
    error = target.error(planes.luma + light, band)
    if there.doubt is None:
        doubtful = None if there.doubtful is None else (_hidden(there.doubtful, flow_field) >= 1) & usable
        return Candidate(Planes(luma, chroma), error, usable, doubtful=doubtful)
    noise = cv2.remap(there.doubt, flow_field.x, flow_field.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Candidate(Planes(luma, chroma), np.hypot(error, noise), usable, noise)


@dataclass(frozen=True, slots=True)
class FusedEstimate:
    """What several frames show of the target's core together.

    Attributes:
        planes: the fused colours.
        error: expected error of each pixel, in gray levels: that of the best candidate.
        covered: (height, width), where luma is known.
        chroma_covered: (height / 2, width / 2), where chroma is known.
    """

    planes: Planes[np.float32]
    error: FloatImage
    covered: BoolMask
    chroma_covered: BoolMask


def fuse(
    candidates: Sequence[tuple[Candidate, int]], target: TargetRegion, states: Sequence[int] = ()
) -> FusedEstimate:
    """Fuse candidates: their weighted mean, or the best of them where they disagree, since a mean would blur.

    Args:
        candidates: each with its distance from the target, in frames.
        target: what is filled.
        states: number of the text that each candidate's frame shows.
    """
    if states:
        candidates = _confirmed(candidates, states)
    height, width = target.hole.shape
    luma, chroma = _WeightedMean((height, width)), _WeightedMean((height // 2, width // 2, 2))
    error: FloatImage = np.full((height, width), 99, np.float32)
    outliers = donor_verification.find_outliers(
        [candidate.planes.luma for candidate, _ in candidates],
        [candidate.usable for candidate, _ in candidates],
        target.hole,
    )
    for (candidate, distance), outlier in zip(candidates, outliers, strict=True):
        usable = candidate.usable if outlier is None else candidate.usable & ~outlier
        weight: FloatImage = np.zeros_like(candidate.error)
        variance = (candidate.error / 4) ** 2 + 0.02 * distance
        if candidate.noise is not None:
            variance += candidate.noise**2
        np.divide(1, 1 + variance, out=weight, where=usable)
        cv2.copyTo(candidate.error, luma.add(candidate.planes.luma, weight), error)
        # Chroma beside text is tinted by it.
        whole = downscale_2x(usable.view(np.uint8) * 255) == 255
        chroma.add(candidate.planes.chroma, downscale_2x(weight) * whole)
    mean_luma, mean_chroma = luma.mean(), chroma.mean()
    difference = np.maximum(cv2.absdiff(mean_luma, luma.best), upscale_2x(_largest(mean_chroma - chroma.best)))
    alone: FloatImage = np.clip(
        (difference - FUSION.disagreement) / (FUSION.contradiction - FUSION.disagreement), 0, 1
    ).astype(np.float32)
    planes = Planes(
        mean_luma + (luma.best - mean_luma) * alone,
        mean_chroma + weighted_mean(chroma.best - mean_chroma, downscale_2x(alone)),
    )
    return FusedEstimate(planes, error, luma.weights > 0, chroma.weights > 0)


def _confirmed(candidates: Sequence[tuple[Candidate, int]], states: Sequence[int]) -> list[tuple[Candidate, int]]:
    """Return the candidates without doubtful samples that no frame with another text confirms."""
    result = []
    for (candidate, distance), state in zip(candidates, states, strict=True):
        doubtful = candidate.doubtful
        if doubtful is None or not doubtful.any():
            result.append((candidate, distance))
            continue
        confirmed = np.zeros(doubtful.shape, bool)
        for (other, _), other_state in zip(candidates, states, strict=True):
            if other_state != state:
                alike = cv2.absdiff(other.planes.luma, candidate.planes.luma) < INPAINT.confirming_difference
                confirmed |= alike & other.usable
        result.append((replace(candidate, usable=candidate.usable & (confirmed | ~doubtful)), distance))
    return result


class _WeightedMean:
    """The weighted mean of images, and the one of the greatest weight at each pixel."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._total, self.best = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.weights, self._greatest = np.zeros(shape[:2], np.float32), np.zeros(shape[:2], np.float32)

    def add(self, image: FloatImage, weight: FloatImage) -> NDArray[np.uint8]:
        """Add an image and return where it outweighs all before it."""
        self._total += weighted_mean(image, weight)
        self.weights += weight
        better = (weight > self._greatest).view(np.uint8)
        cv2.copyTo(image, better, self.best)
        np.maximum(self._greatest, weight, out=self._greatest)
        return better

    def mean(self) -> FloatImage:
        """Return the weighted mean, 0 where nothing was added."""
        return weighted_mean(self._total, np.reciprocal(np.maximum(self.weights, np.float32(1e-6))))


def _warped(image: NDArray[np.uint8], flow_field: FlowField) -> NDArray[np.uint8]:
    return np.asarray(cv2.remap(image, flow_field.x, flow_field.y, cv2.INTER_NEAREST), np.uint8)


def warp_planes(planes: Planes[np.uint8] | Planes[np.float32], flow_field: FlowField) -> Planes[np.float32]:
    """Return a region's samples at the places of the core that was aligned to it."""
    edge = cv2.BORDER_REPLICATE
    luma = cv2.remap(planes.luma, flow_field.x, flow_field.y, cv2.INTER_CUBIC, borderMode=edge)
    chroma = cv2.remap(planes.chroma, flow_field.x_half, flow_field.y_half, cv2.INTER_LINEAR, borderMode=edge)
    return Planes(luma.astype(np.float32, copy=False), chroma.astype(np.float32, copy=False))


def plane_distance(one: Planes[np.float32], other: Planes[np.float32]) -> FloatImage:
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
        usable &= _hidden(there.excluded, flow_field) < 1
    return usable


def _hidden(marked: Mask255, flow_field: FlowField) -> Mask255:
    border = cv2.BORDER_CONSTANT
    hidden = cv2.remap(marked, flow_field.x, flow_field.y, cv2.INTER_LINEAR, borderMode=border, borderValue=255)
    return np.asarray(hidden, np.uint8)


def _tolerance(view: RegionView, box: Box) -> FloatImage:
    gray, known = view.gray.astype(np.float32), (~view.hidden).astype(np.float32)
    mean = normalized_convolution(gray, known, 10.0)
    texture = np.sqrt(np.maximum(normalized_convolution((gray - mean) ** 2, known, 10.0), 0))
    part = texture[chroma_box(box).slices] if gray.shape != view.hole.shape else downscale_2x(texture[box.slices])
    return np.asarray(6 + np.float32(0.45) * part, np.float32)
