"""Fading text: its opacity on each frame, and the matte that follows from it.

At opacity `a` (0 invisible, 1 full) a pixel shows `(1 - a * alpha) * scene + a * premultiplied`. Alpha and the
premultiplied colour are estimated from the frames with full opacity; then one number per frame remains, fitted to all
pixels together. Video editors fade text as a whole. Where the shadow under the letters fades by itself (as libass draws
it), the letters hide a little more meanwhile: `shade * (a - a**2)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.alpha.fade_curve import FadingText, FrameContrast, fit_opacity
from preflight.engine.alpha.matte import BLACK_YCBCR, AlphaMatte, unblend
from preflight.engine.alpha.settings import FADE
from preflight.engine.core.arrays import BoolMask, ColorVector, FloatImage, FloatMap, dilate
from preflight.engine.core.filters import normalized_convolution, weighted_mean
from preflight.engine.core.harmonic_fill import harmonic_inpaint


@dataclass(frozen=True, slots=True)
class Fade:
    """How a text fades.

    Attributes:
        opacity: 0..1 by frame; frames on which it can't be told are absent.
        alpha: alpha of each pixel at full opacity, (height, width).
        premultiplied: its premultiplied YCbCr colour at full opacity, (height, width, 3).
        shade: density of a shadow below the letters that fades by itself, 0..1.
    """

    opacity: Mapping[int, float]
    alpha: FloatMap
    premultiplied: FloatImage
    shade: float = 0.0

    @property
    def faintest(self) -> list[int]:
        """The frames that show most of the scene."""
        faint = [(opacity, index) for index, opacity in self.opacity.items() if opacity <= FADE.faint]
        return [index for _, index in sorted(faint)[: FADE.donors]]

    def matte(self, index: int) -> AlphaMatte:
        """Return the matte of frame `index`, which is a key of `opacity`."""
        opacity = self.opacity[index]
        shadow = (opacity - opacity**2) * self.shade * (self.alpha > FADE.opaque)
        transmittance = np.clip(1 - opacity * self.alpha - shadow, 0, 1).astype(np.float32)
        premultiplied = opacity * self.premultiplied + shadow[..., None] * BLACK_YCBCR
        noise = min(FADE.most_noise, FADE.noise + FADE.noise_slope * opacity)
        return AlphaMatte(transmittance, premultiplied.astype(np.float32), noise)


def fit_fade(text: FadingText) -> Fade | None:
    """Return how a text fades; None when it doesn't, or when no known frame shows it at full opacity."""
    full = _full_frames(text)
    if not full:
        return None
    average = np.mean([text.color(index) for index in full], axis=0).astype(np.float32)
    bare = _bare_frame(text, average)
    if bare is None:
        return _fit_over(text, average, harmonic_inpaint(average, dilate(text.mask)))
    observed = text.color(bare)
    fade = _fit_over(text, average, observed.astype(np.float32))
    if fade is None or bare not in fade.opacity:
        return fade
    # Once more, without what is left of the text on the bare frame.
    return _fit_over(text, average, unblend(observed, fade.matte(bare)).scene) or fade


def _fit_over(text: FadingText, average: FloatImage, scene: FloatImage) -> Fade | None:
    """Return the fade of a text with an `average` appearance over a `scene`, both YCbCr."""
    painted = _alpha_over(average, scene, text.mask)
    if painted is None:
        return None
    alpha, premultiplied = painted
    paint = alpha, np.ascontiguousarray(premultiplied[..., 0])
    rough = _rough_opacity(text, paint)
    if not any(opacity < FADE.clearly_faded for opacity in rough.values()):
        return None
    contrasts = {index: FrameContrast.of(text, index, paint, harmonic_inpaint) for index in rough}
    opacities, shade = fit_opacity(contrasts, rough)
    even = {
        index: opacity
        for index, opacity in opacities.items()
        if opacity < FADE.full and contrasts[index].is_even(opacity, shade)
    }
    return Fade(even, alpha, premultiplied, shade) if even else None


def _bare_frame(text: FadingText, average: FloatImage) -> int | None:
    """Return the end of a text over a still scene at which it is invisible or faint; None without one.

    There the difference to the average is the letters alone; over a moving scene, details of it look like letters.
    """
    contrast = {}
    for index in {text.first, text.last} & set(text.known):
        difference = np.abs(average[..., 0] - text.luma(index))
        outside = difference[~dilate(text.mask | text.hidden(index))]
        if outside.size and float(np.percentile(outside, FADE.still_percentile)) < FADE.still:
            contrast[index] = float(difference[text.mask].mean())
    visible = (index for index in contrast if contrast[index] > FADE.still)
    return max(visible, key=lambda index: contrast[index], default=None)


def _full_frames(text: FadingText) -> list[int]:
    """Return known frames on which the text has full opacity."""
    frames = [index for index in text.known if text.first <= index <= text.last]
    chosen = frames[:: max(1, len(frames) // FADE.samples)]
    if len(chosen) < FADE.least_samples:
        return []
    details = [text.high_pass(text.luma(index)) for index in chosen]
    template = np.mean(details, axis=0)
    contrasts = [float(template @ detail) for detail in details]
    least = FADE.sample_contrast * np.percentile(contrasts, FADE.typical_percentile)
    return [index for index, contrast in zip(chosen, contrasts, strict=True) if contrast > least]


def _rough_opacity(text: FadingText, paint: tuple[FloatMap, FloatMap]) -> dict[int, float]:
    """Return a first estimate of the opacity on the frames at the text's known ends that have less than full."""
    rough: dict[int, float] = {}
    frames = [index for index in text.known if text.first <= index <= text.last]
    start = [index for index in frames if index < text.first + FADE.longest]
    end = [index for index in frames if index > text.last - FADE.longest]
    for first, run in ((text.first, start), (text.last, end[::-1])):
        if first not in run:
            continue
        for index in run:
            opacity = FrameContrast.of(text, index, paint, _fast_interpolation).fit(1.0, 0.0)
            if opacity >= FADE.full:
                break
            rough[index] = opacity
    return rough


def _fast_interpolation(luma: FloatMap, hole: BoolMask) -> FloatImage:
    """Return approximately what `harmonic_inpaint` returns."""
    return normalized_convolution(luma, (~hole).astype(np.float32), 8.0)


def _alpha_over(average: FloatImage, scene: FloatImage, mask: BoolMask) -> tuple[FloatMap, FloatImage] | None:
    """Return alpha and premultiplied colour of each pixel by its way from the scene to the letters' colour.

    None when the letters have the colours of the scene.
    """
    contrast = average - scene
    alpha, premultiplied = np.zeros(mask.shape, np.float32), np.zeros_like(average)
    for color in _letter_colors(average, scene, mask):
        way = color - scene
        squared = np.maximum((way * way).sum(axis=2), FADE.least_contrast**2)
        share = np.clip((contrast * way).sum(axis=2) / squared, 0, 1)
        premultiplied = np.where((share > alpha)[..., None], share[..., None] * color, premultiplied)
        alpha = np.maximum(alpha, share)
    if not alpha.any():
        return None
    # Where fill and outline meet, their tints cancel out.
    closed = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) * dilate(mask)
    # At low alpha the letters' colour is the better estimate, because the average contains a rest of the scene.
    own = closed[..., None]
    mixed = own * (average - weighted_mean(scene, 1 - closed)) + (1 - own) * premultiplied
    return closed, mixed.astype(np.float32)


def _letter_colors(average: FloatImage, scene: FloatImage, mask: BoolMask) -> list[ColorVector]:
    """Return the colours of the letters, fill and outline: one or two."""
    samples, behind = average[mask], scene[mask]
    labels = (samples[:, :1] > samples[:, 0].mean()).astype(np.int32)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 10, 0.0)
    _, labels, _ = cv2.kmeans(samples, 2, labels, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    contrast = np.linalg.norm(samples - behind, axis=1)
    candidates = []
    for label in (0, 1):
        own = labels[:, 0] == label
        if not own.any():
            continue
        clear = own & (contrast >= np.percentile(contrast[own], FADE.unmixed_percentile))
        candidates.append((float(contrast[clear].mean()), np.median(samples[clear], axis=0).astype(np.float32)))
    candidates.sort(key=lambda each: -each[0])
    colors = [color for distance, color in candidates if distance > FADE.least_contrast]
    if len(colors) == 2 and _is_mixture(colors[1], colors[0], np.median(behind, axis=0)):
        return colors[:1]
    return colors


def _is_mixture(color: ColorVector, one: ColorVector, other: ColorVector) -> bool:
    """Return True for a colour that is a mixture of two others."""
    way = one - other
    share = float((color - other) @ way) / max(float(way @ way), 1e-6)
    return 0 < share < 1 and float(np.linalg.norm(color - other - share * way)) < FADE.mixture_distance
