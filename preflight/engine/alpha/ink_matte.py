"""Faint marks of one or two inks (a fill and an outline): their matte, from a scene that hardly changes.

The regression of `watermark_matte` needs a scene that moves behind every pixel. A mark of an agency gives more to hold
on to: it has a fill and an outline, each of one colour and one opacity, so every pixel is a mixture of scene, fill and
outline. The shares are those that leave the smoothest scenes on all samples: a labelling of the pixels with the least
differences between neighbours, by min-sum belief propagation (Felzenszwalb and Huttenlocher, *Efficient Belief
Propagation for Early Vision*, IJCV 2006). The inks follow from the steps at the borders of the labels, over everything
that lies behind the mark; both are estimated in turns. An edge of the scene can't be taken for one of the mark unless
the inks explain its step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.alpha.matte import AlphaMatte
from preflight.engine.alpha.settings import INK
from preflight.engine.core.arrays import BoolMask, FloatImage

_WEIGHTS = np.array([1.0, 0.7, 0.7], np.float32)
"""Weights of luma and chroma: chroma has half the resolution."""
_NEUTRAL = 128.0
"""Chroma of gray."""
_DARKEST, _BRIGHTEST = 16.0, 235.0
"""Luma of black and of white."""
_Directions = tuple[FloatImage, FloatImage, FloatImage, FloatImage]
"""Messages from the left, the right, above and below: (labels, height, width) each."""


@dataclass(frozen=True, slots=True)
class _Inks:
    """Fill and outline.

    Attributes:
        opacity: of each, (2,), 0..1.
        added: the colour that each adds, in YCbCr, multiplied by its opacity, (2, 3).
    """

    opacity: FloatImage
    added: FloatImage

    @classmethod
    def guess(cls) -> _Inks:
        """Return a faint dark and a faint bright ink."""
        colors = np.array([[luma, _NEUTRAL, _NEUTRAL] for luma in INK.colors], np.float32)
        return cls(np.full(2, INK.opacity, np.float32), np.asarray(colors * INK.opacity, np.float32))

    def matte(self, shares: FloatImage) -> AlphaMatte:
        """Return what shares of the inks, (..., 2), make of a scene."""
        transmittance = np.asarray(1 - shares @ self.opacity, np.float32)
        return AlphaMatte(transmittance, np.asarray(shares @ self.added, np.float32), INK.noise)


@dataclass(frozen=True, slots=True)
class InkMatte:
    """The matte of a mark, and how well it explains the samples.

    Attributes:
        matte: the matte.
        covered: what the mark covers, (height, width).
        explained: share of the steps at its edges that is gone from the unblended samples, 0..1.
    """

    matte: AlphaMatte
    covered: BoolMask
    explained: float


def fit_inks(samples: NDArray[np.uint8]) -> InkMatte | None:
    """Return the matte of a faint mark; None when none explains what the samples have in common.

    Args:
        samples: the mark's place, with a margin that it does not cover, on several frames, (samples, height, width, 3),
            YCbCr.
    """
    height, width = samples.shape[1:3]
    scale = min(1.0, float(np.sqrt(INK.most_pixels / (height * width))))
    small = samples
    if scale < 1:
        size = round(width * scale), round(height * scale)
        small = np.stack([cv2.resize(sample, size, interpolation=cv2.INTER_AREA) for sample in samples])
    stack = small.astype(np.float32)
    inks = _strongest(stack, _search(stack))
    labels = _labels(INK.levels)
    shares = labels[_propagate(stack, inks, labels, None)[0]]
    if scale < 1:
        shares = np.asarray(cv2.resize(shares, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    covered = shares.sum(axis=2) > 0
    if not covered.any() or float(inks.opacity.max()) > INK.most_opacity:
        return None
    matte = inks.matte(shares)
    explained = _explained(samples, matte, shares)
    return InkMatte(matte, np.asarray(covered, bool), explained) if explained > INK.explained else None


def _labels(levels: int) -> FloatImage:
    """Return the shares of fill and outline that a pixel may have, in so many steps; the first is the scene alone."""
    pairs = [(i / levels, j / levels) for i in range(levels + 1) for j in range(levels + 1 - i)]
    return np.array(pairs, np.float32)


def _search(stack: FloatImage) -> _Inks:
    """Return the inks, estimated in turns with the shares."""
    inks, labels = _Inks.guess(), _labels(2)
    messages: _Directions | None = None
    for _ in range(INK.rounds):
        chosen, messages = _propagate(stack, inks, labels, messages)
        inks = _fit(stack, labels[chosen], inks)
    return inks


def _strongest(stack: FloatImage, inks: _Inks) -> _Inks:
    """Return the inks, or stronger ones that leave smoother scenes."""
    labels = _labels(2)
    tried = [inks, *(_possible(inks.opacity * factor, inks.added * factor) for factor in INK.strengths)]
    return min(tried, key=lambda each: _energy(stack, each, labels[_propagate(stack, each, labels, None)[0]]))


def _energy(stack: FloatImage, inks: _Inks, shares: FloatImage) -> float:
    """Return what `_propagate` makes as small as it can."""
    matte = inks.matte(shares)
    scenes = np.asarray((stack - matte.premultiplied) / matte.transmittance[..., None] * _WEIGHTS, np.float32)
    total = INK.mark * float((shares.sum(axis=2) > 0).sum())
    for axis in (0, 1):
        before, after = _neighbours(matte.transmittance, axis)
        seen = np.asarray((before + after)[..., None] / 2, np.float32)
        total += float(_difference(*_neighbours(scenes, axis + 1), seen).sum())
        one, other = _neighbours(shares, axis)
        total += INK.change * float((one != other).any(axis=2).sum())
    return total


def _propagate(
    stack: FloatImage, inks: _Inks, labels: FloatImage, messages: _Directions | None
) -> tuple[NDArray[np.intp], _Directions]:
    """Return the label of each pixel with the least differences between neighbours, and the messages."""
    count, (height, width) = len(labels), stack.shape[1:3]
    mattes = [inks.matte(label) for label in labels]
    scenes = [(stack - own.premultiplied) / own.transmittance * _WEIGHTS for own in mattes]
    across = np.empty((count, count, height, width - 1), np.float32)
    down = np.empty((count, count, height - 1, width), np.float32)
    for one, scene in enumerate(scenes):
        for two, other in enumerate(scenes):
            change = INK.change if one != two else 0.0
            # As large as it is seen: unblending makes all differences of the scene larger, which says nothing.
            seen = float(mattes[one].transmittance + mattes[two].transmittance) / 2
            across[one, two] = _difference(scene[:, :, :-1], other[:, :, 1:], seen) + change
            down[one, two] = _difference(scene[:, :-1], other[:, 1:], seen) + change
    own = np.full((count, height, width), INK.mark, np.float32)
    own[0] = 0
    border = np.ones((height, width), bool)
    border[INK.border : -INK.border, INK.border : -INK.border] = False
    own[1:, border] = INK.forbidden
    left, right, above, below = messages or tuple(np.zeros_like(own) for _ in range(4))
    for _ in range(INK.iterations):
        belief = np.asarray(own + left + right + above + below, np.float32)
        new = [np.zeros_like(own) for _ in range(4)]
        new[0][:, :, 1:] = _least(across + (belief - right)[:, None, :, :-1], 0)
        new[1][:, :, :-1] = _least(across + (belief - left)[None, :, :, 1:], 1)
        new[2][:, 1:] = _least(down + (belief - below)[:, None, :-1], 0)
        new[3][:, :-1] = _least(down + (belief - above)[None, :, 1:], 1)
        left, right, above, below = (
            np.asarray((a + b) / 2, np.float32) for a, b in zip((left, right, above, below), new, strict=True)
        )
    chosen = (own + left + right + above + below).argmin(axis=0)
    return chosen, (left, right, above, below)


def _least(costs: FloatImage, axis: int) -> FloatImage:
    """Return the least costs along an axis, with 0 for the best label."""
    best = costs.min(axis=axis)
    return np.asarray(best - best.min(axis=0), np.float32)


def _difference(one: FloatImage, other: FloatImage, seen: float | FloatImage) -> FloatImage:
    """Return the mean difference of pixels over the samples, of which the share `seen` is seen.

    Edges of the scene count for no more than a step.
    """
    apart = np.minimum(np.abs(one - other) * seen, INK.step).sum(axis=(0, 3))
    return np.asarray(apart / len(one), np.float32)


def _neighbours(values: FloatImage, axis: int, gap: int = 1) -> tuple[FloatImage, FloatImage]:
    """Return the values of all pixels but the last ones along an axis, and those of the pixels `gap` further on."""
    moved = np.moveaxis(values, axis, 0)
    return np.moveaxis(moved[:-gap], 0, axis), np.moveaxis(moved[gap:], 0, axis)


def _steps(stack: FloatImage, scenes: FloatImage, shares: FloatImage) -> Iterator[tuple[FloatImage, ...]]:
    """Yield the steps of the samples, the scene there, and the steps of the shares, where these change.

    They go over the width of a blurred edge: from pixel to pixel, the steps of soft edges are too small.
    """
    for axis in (0, 1):
        before, after = _neighbours(shares, axis, INK.gap)
        change = after - before
        at = np.abs(change).sum(axis=2) > 0
        seen, scene = (_neighbours(each, axis + 1, INK.gap) for each in (stack, scenes))
        yield (seen[1] - seen[0])[:, at], np.asarray((scene[0] + scene[1])[:, at] / 2, np.float32), change[at]


def _fit(stack: FloatImage, shares: FloatImage, inks: _Inks) -> _Inks:
    """Return the inks by robust least squares over the steps at the borders of the labels.

    A step is `-scene * change of opacity + change of added colour`: six unknown colours and two opacities.
    """
    matte = inks.matte(shares)
    scenes = np.asarray((stack - matte.premultiplied) / matte.transmittance[..., None], np.float32)
    parts = list(_steps(stack, scenes, shares))
    seen, scene = (np.concatenate([part[n] for part in parts], axis=1) for n in (0, 1))
    change = np.concatenate([part[2] for part in parts])
    if not len(change):
        return inks
    found = np.concatenate([inks.opacity, inks.added.ravel()]).astype(np.float64)
    for _ in range(INK.reweightings):
        gram, moment = np.zeros((8, 8)), np.zeros(8)
        for channel in range(3):
            basis = np.zeros((*seen.shape[:2], 8), np.float32)
            basis[..., :2] = -scene[..., channel, None] * change
            basis[..., 2 + channel], basis[..., 5 + channel] = change[:, 0], change[:, 1]
            rows, values = basis.reshape(-1, 8), seen[..., channel].ravel()
            off = np.abs(values - rows @ found)
            weight = _WEIGHTS[channel] / np.maximum(off, 1) * (off < INK.step)
            gram += rows.T @ (rows * weight[:, None])
            moment += rows.T @ (weight * values)
        _expect_gray(gram)
        gram[[0, 1], [0, 1]] += INK.prior
        moment[:2] += INK.prior * INK.opacity
        found = np.asarray(np.linalg.solve(gram + 1e-3 * np.eye(8), moment), np.float64)
    return _possible(found[:2], found[2:].reshape(2, 3))


def _expect_gray(gram: NDArray[np.float64]) -> None:
    """Add the expectation to normal equations that inks are about gray, as those of nearly all marks."""
    weight = INK.gray * np.trace(gram[2:, 2:]) / 6
    for ink in (0, 1):
        for chroma in (3 * ink + 3, 3 * ink + 4):
            off = np.zeros(8)
            off[chroma], off[ink] = 1, -_NEUTRAL
            gram += weight * np.outer(off, off)


def _possible(opacity: NDArray[np.floating], added: NDArray[np.floating]) -> _Inks:
    """Return the nearest inks that exist: none is brighter than white, or darker than black."""
    opacity = np.clip(opacity, INK.least_opacity, INK.opaque)
    added = added.copy()
    added[:, 0] = np.clip(added[:, 0], _DARKEST * opacity, _BRIGHTEST * opacity)
    return _Inks(opacity.astype(np.float32), added.astype(np.float32))


def _explained(samples: NDArray[np.uint8], matte: AlphaMatte, shares: FloatImage) -> float:
    """Return the share of the steps at the mark's edges that unblending takes away."""
    stack = samples.astype(np.float32)
    scenes = np.asarray((stack - matte.premultiplied) / matte.transmittance[..., None], np.float32)
    before = after = count = 0.0
    for axis in (0, 1):
        one, other = _neighbours(shares, axis)
        at = np.abs(other - one).sum(axis=2) > 0
        for index in range(len(stack)):
            seen, scene = ((b - a)[at, 0] for a, b in (_neighbours(part[index], axis) for part in (stack, scenes)))
            before += float(np.minimum(np.abs(seen), INK.step).sum())
            after += float(np.minimum(np.abs(scene), INK.step).sum())
            count += len(seen)
    return 1 - after / before if count else 0.0
