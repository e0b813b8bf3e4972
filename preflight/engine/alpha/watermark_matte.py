"""Translucent text that stays at its place: its matte, by regression over many frames.

A pixel of the mark shows `transmittance * scene + premultiplied`. The scene behind it changes over time, so both follow
from least squares of the observed values on the scene that is interpolated from around. The true scene scatters around
this value, and not this value around the scene, which keeps the slope unbiased (Berkson, *Are there two regressions?*,
1950).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.alpha.matte import AlphaMatte, Unblended, to_uint8, unblend
from preflight.engine.alpha.settings import WATERMARK
from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap, YCbCr, dilate
from preflight.engine.core.filters import weighted_mean
from preflight.engine.core.harmonic_fill import harmonic_inpaint


@dataclass(frozen=True, slots=True)
class WatermarkSample:
    """A mark's place on one frame.

    Attributes:
        color: the frame there, (height, width, 3).
        others: what text other than the mark covers, (height, width).
    """

    color: YCbCr
    others: BoolMask

    @property
    def observed(self) -> FloatImage:
        """The frame as real values."""
        return self.color.astype(np.float32)

    @property
    def weight(self) -> FloatMap:
        """1 where only the mark covers the scene, 0 elsewhere."""
        return (~dilate(self.others)).astype(np.float32)

    def interpolated(self, hidden: BoolMask) -> FloatImage:
        """Return the frame with `hidden` interpolated from around."""
        return harmonic_inpaint(self.observed, hidden)


def unblend_watermark(observed: YCbCr, matte: AlphaMatte, own: BoolMask) -> Unblended:
    """Return the scene below a mark's `own` pixels, without the tint that an error of the matte leaves on strokes."""
    below = unblend(observed, matte)
    return Unblended(_without_stroke_tint(below.scene, matte, own), below.error)


def fit_watermark(samples: list[WatermarkSample], mark: BoolMask) -> AlphaMatte | None:
    """Return the matte of the text that covers `mark` on all `samples`.

    None when it is opaque, or when the scene behind it changes too little to tell.
    """
    if len(samples) < WATERMARK.least_samples or not mark.any():
        return None
    variation = np.stack([sample.color[..., 0] for sample in samples]).std(axis=0, dtype=np.float32)
    if not _may_be_translucent(variation, mark):
        return None
    first = _regress(samples, [sample.interpolated(dilate(mark | sample.others)) for sample in samples], mark)
    if first is None:
        return None
    # Pixels of the mask that turn out to be clear show the scene itself, which improves the interpolation.
    painted = mark & dilate(first.transmittance < WATERMARK.clear)
    scenes = [sample.interpolated(painted | dilate(sample.others)) for sample in samples]
    matte = _regress(samples, scenes, mark)
    if matte is None:
        return None
    roughness = (_added_roughness(matte, *pair, mark) for pair in zip(samples, scenes, strict=True))
    return matte if max(roughness) < WATERMARK.least_roughness else None


def _without_stroke_tint(scene: FloatImage, matte: AlphaMatte, own: BoolMask) -> FloatImage:
    """Return an unblended scene without the mean difference between bright or dark strokes and their surroundings."""
    painted = own & (matte.transmittance < WATERMARK.clear)
    surroundings = harmonic_inpaint(scene, painted)
    bright = matte.premultiplied[..., 0] > (1 - matte.transmittance) * WATERMARK.middle_gray
    result = scene.copy()
    for stroke in (painted & bright, painted & ~bright):
        weight = stroke.astype(np.float32)
        share = 1 / np.maximum(_tint_mean(weight), 1e-3)
        tint = weighted_mean(_tint_mean(weighted_mean(surroundings - scene, weight)), share.astype(np.float32))
        result[stroke] += tint[stroke]
    return result


def _added_roughness(matte: AlphaMatte, sample: WatermarkSample, scene: FloatImage, mark: BoolMask) -> float:
    """Return how much rougher the unblended scene is than its surroundings on one frame, levels."""
    below = unblend_watermark(sample.color, matte, mark).scene
    mixed = to_uint8(scene + weighted_mean(below - scene, matte.confidence * mark))
    painted = mark & (matte.transmittance < WATERMARK.clear) & ~sample.others
    outside = ~dilate(mark | sample.others)
    if not painted.any() or not outside.any():
        return 0.0
    size = WATERMARK.roughness_window
    rough = [cv2.absdiff(luma, cv2.medianBlur(luma, size)) for luma in (mixed[..., 0], sample.color[..., 0])]
    return float(rough[0][painted].mean() - rough[1][outside].mean())


def _regress(samples: list[WatermarkSample], scenes: list[FloatImage], mark: BoolMask) -> AlphaMatte | None:
    """Return the matte that makes the observed `samples` of the interpolated `scenes`."""
    count = np.maximum(sum(sample.weight for sample in samples), 1).astype(np.float32)
    observed_mean = _mean((weighted_mean(sample.observed, sample.weight) for sample in samples), count)
    pairs = list(zip(samples, scenes, strict=True))
    scene_mean = _mean((weighted_mean(scene, sample.weight) for sample, scene in pairs), count)
    own, common, shown = (np.zeros(mark.shape, np.float32) for _ in range(3))
    # Frame by frame: all of them at once, as real values, take hundreds of megabytes.
    for sample, scene in pairs:
        x = weighted_mean(scene - scene_mean, sample.weight)
        y = weighted_mean(sample.observed - observed_mean, sample.weight)
        own += _channel_dot(x, x)
        common += _channel_dot(x, y)
        shown += _channel_dot(y, y)
    own, common, shown = map(_slightly_blurred, (own, common, shown))
    # The interpolation is smoother than the scene; beside the mark the scene itself is seen.
    expected = np.maximum(own, _surrounding_mean(own, mark))
    informative = mark & (expected > count * WATERMARK.least_variation**2) & (count >= WATERMARK.least_samples)
    if informative.sum() < WATERMARK.informative * mark.sum():
        return None
    sums = _Sums(own, expected, common, np.maximum(shown - 3 * count * WATERMARK.opaque_noise**2, 0))
    tint = (observed_mean - scene_mean)[..., 0]
    strongest = np.percentile(np.abs(tint[informative]), 90)
    strokes = (own > 3 * count * WATERMARK.least_variation**2) & (np.abs(tint) > WATERMARK.stroke_tint * strongest)
    if not _is_translucent(sums, informative, informative & strokes):
        return None
    prior = _transmittance_by_tint(sums, tint, scene_mean[..., 0], informative & strokes)
    # Weight of a pixel's own slope against the value that follows from its tint, by their variances.
    residual = np.maximum(shown - common * common / np.maximum(own, 1), 0)
    variance = WATERMARK.slope_error_factor * residual / (count * np.maximum(own, 1))
    trust = np.where(informative, WATERMARK.tint_error**2 / (WATERMARK.tint_error**2 + variance), 0)
    transmittance = np.clip(prior + (common / np.maximum(own, 1) - prior) * trust, 0, 1).astype(np.float32)
    premultiplied = (observed_mean - transmittance[..., None] * scene_mean).astype(np.float32)
    return AlphaMatte(transmittance, premultiplied, WATERMARK.noise)


def _may_be_translucent(variation: FloatMap, mark: BoolMask) -> bool:
    """Return False for what stays constant while the scene beside it changes, as most opaque text does."""
    informative = mark & (_surrounding_mean(variation, mark) > WATERMARK.least_variation)
    if informative.sum() < WATERMARK.informative * mark.sum():
        return False
    typical = np.percentile(variation[informative] - WATERMARK.opaque_noise, 25)
    return bool(typical >= WATERMARK.weakest_ratio * WATERMARK.least_variation)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Squared variation by pixel, over all frames and channels.

    Attributes:
        own: of the interpolated scene.
        expected: of the scene itself.
        common: product of interpolated scene and observed values.
        shown: of the observed values, without coding noise.
    """

    own: FloatMap
    expected: FloatMap
    common: FloatMap
    shown: FloatMap


def _is_translucent(sums: _Sums, informative: BoolMask, strokes: BoolMask) -> bool:
    """Return True when the scene shows through the mark's strokes.

    Opaque strokes do not vary. Highlighted words vary by themselves and do not follow the scene.
    """
    if strokes.sum() < WATERMARK.least_strokes * informative.sum():
        return False
    ratio = np.sqrt(sums.shown[strokes].sum() / sums.expected[strokes].sum())
    slope = sums.common[strokes].sum() / sums.own[strokes].sum()
    if ratio < WATERMARK.least_ratio or slope < max(WATERMARK.least_slope, WATERMARK.followed * ratio):
        return False
    each = informative & (sums.own > WATERMARK.predictable * sums.expected)
    if not each.any():
        return False
    weakest = np.percentile(np.sqrt(sums.shown[each] / sums.expected[each]), WATERMARK.densest_percent)
    return bool(weakest >= WATERMARK.weakest_ratio)


def _transmittance_by_tint(sums: _Sums, tint: FloatMap, scene: FloatMap, strokes: BoolMask) -> FloatMap:
    """Return the transmittance by how much of its stroke's colour each pixel has on average.

    Bright and dark strokes, as a rule fill and outline, have one colour and one opacity each.
    """
    alpha = np.zeros_like(tint)
    for stroke, sign in ((strokes & (tint > 0), 1), (strokes & (tint < 0), -1)):
        if stroke.sum() < WATERMARK.least_one_sign * strokes.sum():
            continue
        opacity = 1 - float(np.clip(sums.common[stroke].sum() / sums.own[stroke].sum(), 0, 0.95))
        color = float(np.median(scene[stroke] + tint[stroke] / opacity))
        distance = np.maximum(sign * (color - scene), WATERMARK.least_color_distance)
        alpha = np.maximum(alpha, np.clip(sign * tint / distance, 0, opacity))
    # Where fill and outline meet, their tints cancel out.
    transmittance: FloatMap = 1 - cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return transmittance


def _tint_mean(values: FloatImage) -> FloatImage:
    result: FloatImage = cv2.GaussianBlur(values, (0, 0), WATERMARK.tint_window)
    return result


def _surrounding_mean(values: FloatMap, mark: BoolMask) -> FloatMap:
    """Return the local mean of `values` outside a mark, at every pixel."""
    free = (~dilate(mark)).astype(np.float32)
    sums, weights = (cv2.GaussianBlur(each, (0, 0), WATERMARK.neighborhood) for each in (values * free, free))
    return np.asarray(sums / np.maximum(weights, 1e-3), np.float32)


def _mean(images: Iterable[FloatImage], count: FloatMap) -> FloatImage:
    """Return the sum of images divided by the `count` of each pixel."""
    return weighted_mean(np.asarray(sum(images), np.float32), np.asarray(1 / count, np.float32))


def _channel_dot(a: FloatImage, b: FloatImage) -> FloatMap:
    """Return the sum of products over the channels."""
    return np.asarray(np.einsum("hwc,hwc->hw", a, b), np.float32)


def _slightly_blurred(sums: FloatMap) -> FloatMap:
    """Return sums that share a little with their neighbours, which belong to the same stroke."""
    result: FloatMap = cv2.GaussianBlur(sums, (3, 3), 0.5)
    return result
