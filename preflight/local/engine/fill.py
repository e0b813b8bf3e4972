"""Fill what text hides: from other frames where they show it, checked against what is known, else from around it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from preflight.local.engine import donors
from preflight.local.engine.align import Aligner, Alignment, View, view
from preflight.local.engine.glyphs import Mask, Picture
from preflight.local.engine.motion import Motion
from preflight.local.engine.smooth import Field, spread

MAX_DONORS = 3
_MAX_TRIES = 7
_LOST = 16.0
"""Median gray difference outside the text above which two frames do not show the same scene."""
_KEPT_VIEWS = 120
_RADIUS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A filled region: `color` like the view's, `share` of the hole's samples taken from other frames (0..1),
    `error` the mean difference on the held-out ring of what was used, in gray levels.
    """  # noqa: D205

    color: Picture
    share: float
    error: float


@dataclass(slots=True)
class _Gathered:
    """The temporal estimate of a frame: a colour for each sample, its expected error, where there is one."""

    color: Field
    error: Field
    there: Mask
    used: set[int]


@dataclass(slots=True)
class _Previous:
    index: int
    filled: Picture
    trust: Field


@dataclass(slots=True)
class Filler:
    """Fills one region over a stretch of frames; `color`, `hole` give a frame's region and what text paints of it."""

    known: range
    color: Callable[[int], Picture]
    hole: Callable[[int], Mask]
    state: Callable[[int], int]
    motion: Motion
    corner: tuple[int, int]
    _views: OrderedDict[int, View] = field(default_factory=OrderedDict)
    _small: dict[int, Picture | None] = field(default_factory=dict)
    _loyal: set[int] = field(default_factory=set)
    _previous: _Previous | None = None
    _aligner: Aligner | None = None

    def fill(self, index: int) -> Filled:
        """Fill frame `index`; frames are expected in rising order, so that the fill stays calm from one to the next."""
        here = self._view(index)
        if self._aligner is None:
            height, width = here.hole.shape
            self._aligner = Aligner(height, width, self.corner)
        if self._previous is not None and (self._previous.index != index - 1 or index - 1 in self.motion.cuts):
            self._previous, self._loyal = None, set()
        gathered = self._gather(index, here)
        spatial = cv2.inpaint(here.color, here.wide.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
        ring = (here.wide & ~here.hole).astype(np.float32)
        missed = spread(_difference(spatial, here.color), ring, 7.0, shrink=2)
        trust = _trust(gathered, missed)
        if self._previous is not None:
            trust = np.where(gathered.there, 0.6 * trust + 0.4 * self._previous.trust, 0).astype(np.float32)
        if (trust[here.hole] < 0.97).any():
            spatial = cv2.inpaint(here.color, here.hole.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
        mixed = gathered.color * trust[..., None] + spatial * (1 - trust[..., None])
        result = here.color.copy()
        result[here.hole] = np.clip(np.rint(mixed[here.hole]), 0, 255).astype(np.uint8)
        self._calm(index, here, result)
        self._previous, self._loyal = _Previous(index, result, trust), gathered.used
        held = here.hole
        error = float((trust * gathered.error + (1 - trust) * missed)[held].mean())
        return Filled(color=result, share=float(trust[held].mean()), error=error)

    def _view(self, index: int) -> View:
        if index not in self._views:
            self._views[index] = view(self.color(index), self.hole(index))
            if len(self._views) > _KEPT_VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(index)
        return self._views[index]

    def _small_hole(self, index: int) -> Picture | None:
        if index not in self._small:
            hole = self.hole(index)
            self._small[index] = donors.shrink(hole) if hole.any() else None
        return self._small[index]

    def _gather(self, index: int, here: View) -> _Gathered:
        shape = here.hole.shape
        total, weights = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
        top, top_weight = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
        error, used, tried = np.full(shape, 99, np.float32), set[int](), set[int]()
        others = donors.candidates(index, self.known, self.state)
        known = donors.coverage(index, here.wide, others, self._small_hole, self.motion, self.corner)
        counted = np.zeros(known.needed.shape, np.uint8)
        while len(used) < MAX_DONORS and len(tried) < _MAX_TRIES:
            other = donors.best(index, known, counted, tried, self._loyal)
            if other is None:
                break
            tried.add(other)
            there = self._view(other)
            assert self._aligner is not None  # noqa: S101
            aligned = self._aligner.align(here, there, known.steps[other])
            if aligned.typical > _LOST:
                continue
            color, usable = _fetch(here, there, aligned)
            if not usable.any():
                continue
            color, doubt = _fit(here, color, usable)
            weight = np.where(usable, 1 / (1 + (doubt / 4) ** 2 + 0.02 * abs(index - other)), 0).astype(np.float32)
            better = weight > top_weight
            top[better], error[better], top_weight[better] = color[better], doubt[better], weight[better]
            total += color * weight[..., None]
            weights += weight
            used.add(other)
            small = cv2.resize(usable.astype(np.uint8), counted.shape[::-1], interpolation=cv2.INTER_NEAREST)
            counted = counted + small
        mean = total / np.maximum(weights, 1e-6)[..., None]
        # Donors that disagree are not averaged into a blur: the best one wins.
        apart = np.clip((np.abs(mean - top).max(axis=2) - 6) / 10, 0, 1)[..., None]
        return _Gathered(color=mean * (1 - apart) + top * apart, error=error, there=weights > 0, used=used)

    def _calm(self, index: int, here: View, result: Picture) -> None:
        """Mix in the previous fill, moved along, where the two nearly agree: what is left of flicker goes."""
        before = self._previous
        if before is None or self._aligner is None:
            return
        step = self.motion.between(index, index - 1)
        if step is None:
            return
        aligned = self._aligner.align(here, self._view(index - 1), step)
        if aligned.typical > _LOST:
            return
        moved = cv2.remap(before.filled, aligned.x, aligned.y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        close = here.hole & (cv2.absdiff(moved, result).max(axis=2) < 10) & (aligned.error < 5)
        result[close] = np.rint(0.4 * moved[close] + 0.6 * result[close].astype(np.float32)).astype(np.uint8)


def _fetch(here: View, there: View, aligned: Alignment) -> tuple[Field, Mask]:
    """Return the donor's colours at the places of `here`, and where they can be used."""
    color = cv2.remap(there.color, aligned.x, aligned.y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )
    height, width = here.hole.shape
    usable = (aligned.x >= 0) & (aligned.y >= 0) & (aligned.x <= width - 1) & (aligned.y <= height - 1)
    if not there.clear:
        grown = cv2.dilate(there.hole.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
        hidden = cv2.remap(
            grown, aligned.x, aligned.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255
        )
        usable &= hidden < 1
    gray = here.gray.astype(np.float32)
    known = (~here.wide).astype(np.float32)
    mean = spread(gray, known, 10.0)
    texture = np.sqrt(np.maximum(spread((gray - mean) ** 2, known, 10.0), 0))
    return color, usable & (aligned.error < 6 + 0.45 * texture)


def _fit(here: View, color: Field, usable: Mask) -> tuple[Field, Field]:
    """Take the donor's difference in light off, and return the colours with their error expected from the ring."""
    gap = np.clip(here.color.astype(np.float32) - color, -25, 25)
    outside = (~here.wide).astype(np.float32)
    tested = color + spread(gap, outside, 8.0)
    ring = (here.wide & ~here.hole & usable).astype(np.float32)
    doubt = spread(_difference(tested, here.color), ring, 7.0, shrink=2)
    return color + spread(gap, ring, 6.0, shrink=2), doubt


def _difference(a: Picture | Field, b: Picture) -> Field:
    apart: Field = np.abs(a.astype(np.float32) - b).mean(axis=2)
    return apart


def _trust(gathered: _Gathered, missed: Field) -> Field:
    """Return how far to trust the temporal estimate over the spatial one, by their errors on the held-out ring."""
    trust = 1 / (1 + np.exp(-(1.15 * missed + 1.0 - gathered.error) / (0.5 + 0.12 * missed)))
    return np.where(gathered.there, trust, 0).astype(np.float32)
