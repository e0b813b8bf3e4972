"""The spatial fill by a fill model, in place of the harmonic one where the held-out band shows that it is good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap, dilate
from preflight.engine.core.box import Box
from preflight.engine.core.filters import normalized_convolution, weighted_mean
from preflight.engine.core.harmonic_fill import harmonic_inpaint
from preflight.engine.core.yuv import Planes, bgr_from_planes, downscale_2x
from preflight.engine.inpaint.bands import inpaint_parts
from preflight.engine.inpaint.fill_model import FillModel
from preflight.engine.inpaint.optical_flow import VALIDATION_BAND
from preflight.engine.inpaint.propagation import TargetRegion
from preflight.engine.inpaint.settings import LEARNED, LearnedSettings
from preflight.engine.model.rasterize import chroma_mask

_TO_YCBCR = np.array(
    [[0.256788, 0.504129, 0.097906], [-0.148223, -0.290993, 0.439216], [0.439216, -0.367788, -0.071427]], np.float32
)
"""Rows of Y, Cb and Cr for red, green and blue in 0..255 (ITU-R BT.601, 16..235)."""
_OFFSET = np.array([16, 128, 128], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedResult:
    """A core whose hole is filled with a model's help.

    Attributes:
        planes: the core.
        error_ratio: ratio of the expected error of each sample to that of the harmonic fill.
        share: share of the model in each sample, 0..1.
    """

    planes: Planes[np.float32]
    error_ratio: FloatMap
    share: FloatMap


@dataclass(frozen=True, slots=True)
class _Inferred:
    """What the model made of a region, and of what: `luma` beside the `mask`, on which it must be the same again."""

    mask: BoolMask
    luma: NDArray[np.uint8]
    result: FloatImage | None


@dataclass(slots=True)
class LearnedFill:
    """Fills the holes of one region's frames, in ascending order; an unchanged scene keeps its fill."""

    model: FillModel
    settings: LearnedSettings = LEARNED
    _last: _Inferred | None = None
    _share: FloatMap | None = None
    """The model's share in the last fill of the region."""
    _refused: int = 0
    """Answers in a row that were no good."""

    def fill(
        self,
        target: TargetRegion,
        filled: Planes[np.float32],
        wanted: BoolMask,
        sure: BoolMask,
        edges: tuple[int, ...],
    ) -> LearnedResult | None:
        """Return the core with a better fill of what is `wanted`; None where the model can't help.

        Args:
            target: what is filled.
            filled: the core with its hole filled from other frames and harmonically.
            wanted: (height, width) of the core, the samples of the hole that no other frame shows.
            sure: (height, width) of the core, the samples of the hole that other frames show surely.
            edges: rows at which flat bands end.
        """
        if wanted.sum() < self.settings.least_samples or self._refused >= self.settings.patience:
            return None
        # What is beside the wanted samples is hidden from both fills, to compare them with it: the held-out band, and
        # what other frames show surely.
        near = target.wide & dilate(wanted, 2 * VALIDATION_BAND)
        band, mask = (target.band | sure) & near & ~wanted, dilate(near, self.settings.rim)
        rim = chroma_mask(mask)
        harmonic = Planes(
            inpaint_parts(filled.luma, mask, edges),
            inpaint_parts(filled.chroma, rim, tuple(edge // 2 for edge in edges)),
        )
        harmonic_error = _error(harmonic.luma, filled.luma, band)
        if not (wanted & (harmonic_error > self.settings.flat_error)).any():
            return None
        inferred = self._infer(target, harmonic, mask)
        if inferred is None:
            self._refused += 1
            return None
        luma, chroma = inferred
        known = (~mask).astype(np.float32)
        luma = luma + normalized_convolution(filled.luma - luma, known, self.settings.light_radius)
        lead = self._lead((luma, harmonic.luma, filled.luma), band, known)
        # A model that is wrong as a whole is right in places by accident.
        refused = bool(lead[band].mean() < 0)
        self._refused = self._refused + 1 if refused else 0
        # Where the scene is flat, the harmonic fill is as right as can be.
        texture = np.clip(harmonic_error / self.settings.flat_error - 1, 0, 1)
        share = self._smoothed(target, wanted * texture / (1 + np.exp(-np.clip(lead, -30, 30))) * (not refused))
        if not share.any():
            return None
        error = _error(luma, filled.luma, band)
        # As in gradient-domain fusion: what is left of the difference on the rim fades out inside the hole.
        luma = luma + harmonic_inpaint(filled.luma - luma, wanted)
        # Letters tint the chroma around their hole, so that it is no rim to join to.
        chroma = chroma + harmonic_inpaint(filled.chroma - chroma, chroma_mask(near & ~sure))
        half = downscale_2x(share)
        planes = Planes(
            filled.luma + share * (luma - filled.luma), filled.chroma + weighted_mean(chroma - filled.chroma, half)
        )
        ratio = 1 + share * (error / np.maximum(harmonic_error, self.settings.flat_error) - 1)
        return LearnedResult(planes=planes, error_ratio=ratio.astype(np.float32), share=share)

    def _smoothed(self, target: TargetRegion, share: FloatMap) -> FloatMap:
        """Return the model's share in a core, smoothed over time where the last fill used it too."""
        before = None if self._share is None else self._share[target.box.slices]
        if before is not None:
            share = np.where((share > 0) & (before > 0), 0.6 * share + 0.4 * before, share)
        share = np.where(share > self.settings.least_share, share, 0).astype(np.float32)
        self._share = np.zeros(target.view.hole.shape, np.float32)
        self._share[target.box.slices] = share
        return share

    def _lead(
        self,
        lumas: tuple[FloatImage, FloatImage, FloatImage],
        band: BoolMask,
        known: FloatMap,
    ) -> FloatMap:
        """Return by how much the model's fill is better than the harmonic one, in units of doubt.

        Texture of the right kind whose details are elsewhere is off by its own variance and that of the scene, a mean
        by that of the scene alone. So the model isn't charged for texture, as far as the scene around has as much.

        Args:
            lumas: of the model, of the harmonic fill, and of the scene.
            band: where both are compared with the scene.
            known: 1 where neither had to guess, 0 elsewhere.
        """
        settings = self.settings
        model, harmonic, scene = lumas
        held = band.astype(np.float32)
        error, harmonic_error = (
            normalized_convolution((luma - scene) ** 2, held, 7.0, shrink=2) for luma in (model, harmonic)
        )
        detail, scene_detail = (
            (luma - cv2.GaussianBlur(luma, (0, 0), settings.detail_radius)) ** 2 for luma in (model, scene)
        )
        texture = np.minimum(
            normalized_convolution(detail, held, 7.0, shrink=2),
            normalized_convolution(scene_detail, known, settings.light_radius),
        )
        lead: FloatMap = (1 + settings.slack) * harmonic_error + texture - error
        return lead / (settings.least_doubt + settings.doubt * harmonic_error)

    def _infer(
        self, target: TargetRegion, given: Planes[np.float32], mask: BoolMask
    ) -> tuple[FloatImage, FloatImage] | None:
        """Return luma and chroma that the model makes of the `given` core; None when it fails."""
        view = target.view.planes
        whole: BoolMask = np.zeros(view.luma.shape, bool)
        whole[target.box.slices] = mask
        last = self._last
        if last is None or not _is_same(last, view.luma, whole, target.box, self.settings):
            picture = Planes(view.luma.copy(), view.chroma.copy())
            core = picture.inside(target.box)
            core.luma[:], core.chroma[:] = (np.clip(np.rint(plane), 0, 255) for plane in (given.luma, given.chroma))
            rgb = bgr_from_planes(picture.luma, *np.moveaxis(picture.chroma, 2, 0))[..., ::-1]
            self._last = last = _Inferred(whole, view.luma, infer(self.model, rgb, whole))
        if last.result is None:
            return None
        colors = last.result[target.box.slices] @ _TO_YCBCR.T + _OFFSET
        return np.ascontiguousarray(colors[..., 0]), downscale_2x(np.ascontiguousarray(colors[..., 1:]))


def _error(luma: FloatImage, scene: FloatImage, band: BoolMask) -> FloatImage:
    """Return the mean difference from the scene on a band, spread over what is beside it."""
    return normalized_convolution(cv2.absdiff(luma, scene), band.astype(np.float32), 7.0, shrink=2)


def _is_same(last: _Inferred, luma: NDArray[np.uint8], mask: BoolMask, box: Box, settings: LearnedSettings) -> bool:
    """Return True when the model has filled all of a mask before, and the scene around it has not changed."""
    if (mask & ~last.mask).any():
        return False
    around = ~last.mask[box.slices]
    off = cv2.absdiff(luma[box.slices], last.luma[box.slices])[around]
    return bool(off.size and off.mean() <= settings.still_mean and (off > settings.change).mean() <= settings.changed)


def infer(model: FillModel, picture: NDArray[np.uint8], mask: BoolMask) -> FloatImage | None:
    """Return a picture whose masked part is filled by a model, in parts that the model can take.

    Args:
        model: a model that was tried.
        picture: (height, width, 3), red, green, blue.
        mask: (height, width), what is to be filled; not empty.

    Returns:
        (height, width, 3) in gray levels, the picture itself where no part was filled; None when the model fails.
    """
    total, weights = np.zeros(picture.shape, np.float32), np.zeros(mask.shape, np.float32)
    for box in tiles(mask, model.layout.tile):
        filled = model.fill(np.ascontiguousarray(picture[box.slices]), mask[box.slices])
        if filled is None:
            return None
        weight = np.outer(_ramp(box.height), _ramp(box.width)).astype(np.float32)
        total[box.slices] += weighted_mean(filled, weight)
        weights[box.slices] += weight
    seen = weights > 0
    result = picture.astype(np.float32)
    result[seen] = total[seen] / weights[seen][:, None]
    return result


def _ramp(length: int) -> FloatMap:
    """Return the weights of a part's samples along one side, which fall towards its ends."""
    place = np.arange(length)
    return np.minimum(np.minimum(place + 1, length - place) / LEARNED.overlap, 1).astype(np.float32)


def tiles(mask: BoolMask, size: tuple[int, int]) -> Iterator[Box]:
    """Yield overlapping boxes of up to `size` (height, width) that cover a mask with its context."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    rows = _spans(y, y + height, mask.shape[0], size[0])
    columns = _spans(x, x + width, mask.shape[1], size[1])
    for (y0, y1), (x0, x1) in product(rows, columns):
        if mask[y0:y1, x0:x1].any():
            yield Box(x0, y0, x1, y1)


def _spans(first: int, stop: int, length: int, size: int) -> list[tuple[int, int]]:
    """Return spans of up to `size` inside 0..`length` that cover `first`..`stop` with context on both sides."""
    if length <= size:
        return [(0, length)]
    low, high = max(0, first - LEARNED.context), min(length, stop + LEARNED.context)
    if high - low <= size:
        start = min(max(0, (low + high - size) // 2), length - size)
        return [(start, start + size)]
    overlap = min(LEARNED.overlap, size // 4)
    count = -(-(high - low - overlap) // (size - overlap))
    starts = [low + round((high - size - low) * number / (count - 1)) for number in range(count)]
    return [(start, start + size) for start in starts]
