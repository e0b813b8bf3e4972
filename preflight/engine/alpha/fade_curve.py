"""The opacity of fading text on each frame, fitted to all of its pixels together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.alpha.matte import BLACK_YCBCR
from preflight.engine.alpha.settings import FADE
from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap, Gray, YCbCr, dilate

Vector = NDArray[np.float32]
"""One value per pixel of the text: (pixels,), float32."""


@dataclass(frozen=True, slots=True)
class FadingText:
    """A text that may fade, and access to its frames.

    Attributes:
        mask: pixels of its box that it covers.
        height: text height in pixels.
        first: first frame on which it is.
        last: last frame on which it is.
        known: frames that can be read, in order.
        luma: returns its box on a frame.
        color: the same in colour.
        hidden: returns what other text covers of the box on a frame.
    """

    mask: BoolMask
    height: int
    first: int
    last: int
    known: Sequence[int]
    luma: Callable[[int], Gray]
    color: Callable[[int], YCbCr]
    hidden: Callable[[int], BoolMask]

    def high_pass(self, values: NDArray[Any]) -> Vector:
        """Return the details of `values`, (height, width), as fine as strokes, at the text's pixels."""
        whole = values.astype(np.float32)
        return np.asarray((whole - cv2.GaussianBlur(whole, (0, 0), max(2.0, self.height / 8)))[self.mask], np.float32)


@dataclass(frozen=True, slots=True)
class ContrastSamples:
    """Contrast of one frame against the scene that is expected from around.

    Attributes:
        observed: contrast of the frame.
        full: contrast that the text would have at full opacity.
        shadow: contrast that a shadow below the letters would have, which shows while both fade.
    """

    observed: Vector
    full: Vector
    shadow: Vector

    def without_shadow(self, opacity: float, shade: float) -> Vector:
        """Return the observed contrast without a shadow of density `shade`."""
        return self.observed + np.float32((opacity - opacity**2) * shade) * self.shadow


@dataclass(frozen=True, slots=True)
class FrameContrast:
    """Contrast of one frame at the text's pixels.

    Attributes:
        details: contrast as fine as strokes, from which the opacity is fitted.
        whole: contrast of all frequencies, from which the shadow is fitted.
        column: column of each pixel.
    """

    details: ContrastSamples
    whole: ContrastSamples
    column: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        text: FadingText,
        index: int,
        paint: tuple[FloatMap, FloatMap],
        interpolate: Callable[[FloatMap, BoolMask], FloatImage],
    ) -> FrameContrast:
        """Return the contrast of frame `index`.

        Args:
            text: the text.
            index: number of the frame.
            paint: the text's alpha and premultiplied luma at full opacity.
            interpolate: estimates luma below a hole from around it.
        """
        alpha, premultiplied = paint
        hidden = text.hidden(index)
        luma = text.luma(index).astype(np.float32)
        scene = interpolate(luma, dilate(text.mask | hidden))
        free = ~hidden[text.mask]
        maps = luma - scene, premultiplied - alpha * scene, (alpha > FADE.opaque) * (scene - BLACK_YCBCR[0])
        details = ContrastSamples(*(text.high_pass(each)[free] for each in maps))
        whole = ContrastSamples(*(each[text.mask][free] for each in maps))
        return cls(details, whole, np.nonzero(text.mask)[1][free])

    def fit(self, start: float, shade: float) -> float:
        """Return the opacity, by robust regression that starts at `start`."""
        opacity, weight = start, np.ones_like(self.details.observed)
        for _ in range(FADE.reweightings):
            observed = self.details.without_shadow(opacity, shade)
            opacity = float(np.clip(_slope(self.details.full, observed, weight), 0, 1))
            weight = _huber_weights(observed - opacity * self.details.full)
        return opacity

    def is_even(self, opacity: float, shade: float) -> bool:
        """Return True when all parts of the text have this opacity, which a wipe or typewriter effect has not."""
        observed, full = self.details.without_shadow(opacity, shade), self.details.full
        if not observed.size:
            return False
        for start, end in pairwise(np.quantile(self.column, np.linspace(0, 1, FADE.parts + 1))):
            weight = ((self.column >= start) & (self.column <= end)).astype(np.float32)
            if abs(_slope(full, observed, weight) - opacity) > FADE.uneven:
                return False
        correlation = float(observed @ full) / max(float(np.linalg.norm(observed) * np.linalg.norm(full)), 1e-6)
        return opacity < FADE.telling_opacity or correlation > FADE.least_correlation


def fit_opacity(contrasts: Mapping[int, FrameContrast], start: Mapping[int, float]) -> tuple[dict[int, float], float]:
    """Return the opacity on each frame, 0..1, and the density of a shadow that fades by itself, 0..1.

    Args:
        contrasts: contrast by frame.
        start: first estimate of the opacity by frame.
    """
    opacities, shade = dict(start), 0.0
    for _ in range(FADE.rounds):
        opacities = {index: contrast.fit(opacities[index], shade) for index, contrast in contrasts.items()}
        shadows, rests = [], []
        for index, contrast in contrasts.items():
            opacity, inside = opacities[index], contrast.whole.shadow != 0
            shadows.append(((opacity - opacity**2) * contrast.whole.shadow)[inside])
            rests.append((opacity * contrast.whole.full - contrast.whole.observed)[inside])
        x, y = (np.concatenate(parts).astype(np.float32) for parts in (shadows, rests))
        shade = float(np.clip(_slope(x, y, _huber_weights((y - shade * x).astype(np.float32))), 0, 1))
    return opacities, shade


def _slope(x: Vector, y: Vector, weight: Vector) -> float:
    """Return the slope of the weighted regression of `y` on `x` through the origin."""
    return float((weight * x) @ y) / max(float((weight * x) @ x), 1e-6)


def _huber_weights(error: Vector) -> Vector:
    """Return the weight of each pixel by its error.

    Huber, *Robust Estimation of a Location Parameter*, 1964.
    """
    scale = max(1.0, 1.5 * float(np.median(np.abs(error)))) if error.size else 1.0
    return np.minimum(1, scale / np.maximum(np.abs(error), 1e-3)).astype(np.float32)
