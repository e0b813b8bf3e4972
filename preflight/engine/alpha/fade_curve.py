"""How strong a fading text is on a frame, by all of its samples together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, Gray, YCbCr, dilate

OPAQUE = 0.9
"""Opacity from which on a sample is of a letter's inside."""
BLACK = np.array([16, 128, 128], np.float32)
_ROUNDS, _TURNS = 3, 4
"""Times that strengths and shade are found in turn, and that samples are weighed anew for each."""
_PARTS, _UNEVEN = 3, 0.2
"""Parts of a text that fade alike, and how much their strengths differ at most."""
_LIKE, _TOLD = 0.5, 0.25
"""How alike what is seen and the letters are at least, from what strength on: less is another text, or a part of it."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FadingText:
    """A text whose fading is to be learnt: the samples that it covers in its box, its `height`, its frames.

    `known` are the frames that can be looked at, in order. `luma` and `color` show its box on one of them, `hidden`
    what other text paints there.
    """

    mask: BoolMask
    height: int
    first: int
    last: int
    known: Sequence[int]
    luma: Callable[[int], Gray]
    color: Callable[[int], YCbCr]
    hidden: Callable[[int], BoolMask]

    def fine(self, field: NDArray[Any]) -> Vector:
        """Return what is finer than its strokes, where it covers the picture."""
        whole = field.astype(np.float32)
        return np.asarray((whole - cv2.GaussianBlur(whole, (0, 0), max(2.0, self.height / 8)))[self.mask], np.float32)


@dataclass(frozen=True, slots=True)
class ContrastSamples:
    """Samples of one frame: how far what is `seen` is from the expected scene, and the usual `letters` would be.

    `below` is what a shadow hides while it fades by itself.
    """

    seen: Vector
    letters: Vector
    below: Vector

    def without(self, strength: float, shade: float) -> Vector:
        """Return what is seen beside such a shadow."""
        return self.seen + np.float32((strength - strength**2) * shade) * self.below


@dataclass(frozen=True, slots=True)
class FrameContrast:
    """What one frame shows where the text is: its details, all of it, and the column of each sample."""

    fine: ContrastSamples
    whole: ContrastSamples
    column: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        text: FadingText,
        index: int,
        paint: tuple[FloatImage, FloatImage],
        filled: Callable[[FloatImage, BoolMask], FloatImage],
    ) -> FrameContrast:
        """Look at a frame over a fill from around; `paint` is the text's opacity, and what it adds to luma."""
        opacity, added = paint
        hidden = text.hidden(index)
        luma = text.luma(index).astype(np.float32)
        around = filled(luma, dilate(text.mask | hidden))
        free = ~hidden[text.mask]
        fields = luma - around, added - opacity * around, (opacity > OPAQUE) * (around - BLACK[0])
        fine = ContrastSamples(*(text.fine(field)[free] for field in fields))
        return cls(fine, ContrastSamples(*(field[text.mask][free] for field in fields)), np.nonzero(text.mask)[1][free])

    def strength(self, start: float, shade: float) -> float:
        """Return how strong the text is, by the details that most samples agree on; about `start`."""
        found, weight = start, np.ones_like(self.fine.seen)
        for _ in range(_TURNS):
            seen = self.fine.without(found, shade)
            found = float(np.clip(_slope(self.fine.letters, seen, weight), 0, 1))
            weight = _robust(seen - found * self.fine.letters)
        return found

    def is_even(self, strength: float, shade: float) -> bool:
        """Return True when all of the text is as strong, and not one part of it only, as while it is written."""
        seen, letters = self.fine.without(strength, shade), self.fine.letters
        if not seen.size:
            return False
        for start, end in pairwise(np.quantile(self.column, np.linspace(0, 1, _PARTS + 1))):
            weight = ((self.column >= start) & (self.column <= end)).astype(np.float32)
            if abs(_slope(letters, seen, weight) - strength) > _UNEVEN:
                return False
        like = float(seen @ letters) / max(float(np.linalg.norm(seen) * np.linalg.norm(letters)), 1e-6)
        return strength < _TOLD or like > _LIKE


def fit_opacity(views: Mapping[int, FrameContrast], rough: Mapping[int, float]) -> tuple[dict[int, float], float]:
    """Return the strength on each frame, and how much of what is behind the letters a shadow hides."""
    strengths, shade = dict(rough), 0.0
    for _ in range(_ROUNDS):
        strengths = {index: view.strength(strengths[index], shade) for index, view in views.items()}
        below, left = [], []
        for index, view in views.items():
            strength, some = strengths[index], view.whole.below != 0
            below.append(((strength - strength**2) * view.whole.below)[some])
            left.append((strength * view.whole.letters - view.whole.seen)[some])
        x, y = (np.concatenate(parts).astype(np.float32) for parts in (below, left))
        shade = float(np.clip(_slope(x, y, _robust((y - shade * x).astype(np.float32))), 0, 1))
    return strengths, shade


def _slope(x: Vector, y: Vector, weight: Vector) -> float:
    return float((weight * x) @ y) / max(float((weight * x) @ x), 1e-6)


def _robust(error: Vector) -> Vector:
    """Return the weights of samples by how far they are off.

    Huber, *Robust Estimation of a Location Parameter*, 1964.
    """
    scale = max(1.0, 1.5 * float(np.median(np.abs(error)))) if error.size else 1.0
    return np.minimum(1, scale / np.maximum(np.abs(error), 1e-3)).astype(np.float32)
