"""Fill what text hides: from other frames where they show it, checked against what is known, else from around it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from preflight.local.engine import donors, spatial
from preflight.local.engine.align import Aligner, Alignment, View, view
from preflight.local.engine.glyphs import Mask, Picture
from preflight.local.engine.motion import Motion
from preflight.local.engine.smooth import Field, spread

MAX_DONORS = 6
_MAX_TRIES = 10
_LOST = 16.0
"""Median gray difference outside the text above which two frames do not show the same scene."""
_KEPT_VIEWS = 64
_SURE = 0.97
_CALM = 0.65
"""Largest share of the frame before in a fill where the scene moves: more calms more, lags behind light, and blurs."""
_APART = 12.0
"""Gray levels from which on the two are not mixed; from half of them on they are mixed less."""
_HELD = 8.0
"""The same where the scene stands still, and the frame before is kept as it is: so is most of a still scene encoded."""
_UNLIKE, _CHANGED = 8.0, 1.0
"""Difference around the text between the two frames from which on nothing is mixed, moving and still."""
_STILL = 0.25
"""Median motion in samples up to which a region stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A filled region: `color` like the view's, `share` of the hole's samples taken from other frames (0..1).

    `error` is the mean difference of what was used on the held-out ring, in gray levels.
    """

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
    filled: Field
    trust: Field


@dataclass(slots=True)
class Filler:
    """Fills one region over a stretch of frames; `color` and `hole` give a frame's region and what text paints of it.

    `state` numbers the text that is on at a frame, 0 for none.
    """

    known: range
    color: Callable[[int], Picture]
    hole: Callable[[int], Mask]
    state: Callable[[int], int]
    motion: Motion
    corner: tuple[int, int]
    _views: OrderedDict[int, View] = field(default_factory=OrderedDict)
    _small: dict[int, Picture | None] = field(default_factory=dict)
    _aligned: dict[int, Alignment] = field(default_factory=dict)
    _loyal: set[int] = field(default_factory=set)
    _previous: _Previous | None = None
    _aligner: Aligner | None = None

    def fill(self, index: int) -> Filled:
        """Fill frame `index`; frames are expected in rising order, so that the fill stays calm from one to the next."""
        here = self._view(index)
        self._aligned = {}
        if self._previous is not None and (self._previous.index != index - 1 or index - 1 in self.motion.cuts):
            self._previous, self._loyal = None, set()
        gathered = self._gather(index, here)
        around = spatial.membrane(here.color[..., 0].astype(np.float32), here.wide)
        missed = _ring_error(around, here, here.wide & ~here.hole)
        trust = _trust(gathered, missed)
        if self._previous is not None:
            trust = np.where(gathered.there, 0.6 * trust + 0.4 * self._previous.trust, 0).astype(np.float32)
        result = _mixed(here, gathered.color, trust)
        self._calm(index, here, result)
        self._previous, self._loyal = _Previous(index, result, trust), gathered.used
        held = trust[here.hole]
        error = held * gathered.error[here.hole] + (1 - held) * missed[here.hole]
        return Filled(color=_rounded(result), share=float(held.mean()), error=float(error.mean()))

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

    def _align(self, index: int, other: int) -> Alignment | None:
        """Return where frame `index` lies on `other`, None when they do not show the same scene."""
        if other not in self._aligned:
            step = self.motion.between(index, other)
            if step is None:
                return None
            here = self._view(index)
            if self._aligner is None:
                height, width = here.hole.shape
                self._aligner = Aligner(height, width, self.corner)
            self._aligned[other] = self._aligner.align(here, self._view(other), step)
        aligned = self._aligned[other]
        return aligned if aligned.typical <= _LOST else None

    def _gather(self, index: int, here: View) -> _Gathered:
        shape = here.hole.shape
        total, weights = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
        top, top_weight = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
        error, used, tried = np.full(shape, 99, np.float32), set[int](), set[int]()
        others = donors.candidates(index, self.known, self.state)
        known = donors.coverage(here.wide, index, others, self._small_hole, self.motion, self.corner)
        counted = np.zeros(known.needed.shape, np.uint8)
        tolerance = _tolerance(here)
        while len(used) < MAX_DONORS and len(tried) < _MAX_TRIES:
            other = donors.best(index, known, counted, tried, self._loyal)
            if other is None:
                break
            tried.add(other)
            aligned = self._align(index, other)
            if aligned is None:
                continue
            color, usable = _fetch(self._view(other), aligned, tolerance)
            if not usable.any():
                continue
            color, doubt = _fit(here, color, usable)
            weight = np.where(usable, 1 / (1 + (doubt / 4) ** 2 + 0.02 * abs(index - other)), 0).astype(np.float32)
            better = weight > top_weight
            np.copyto(top, color, where=better[..., None])
            np.copyto(error, doubt, where=better)
            top_weight = np.maximum(top_weight, weight)
            total += color * weight[..., None]
            weights += weight
            used.add(other)
            counted = counted + cv2.resize(
                usable.astype(np.uint8), counted.shape[::-1], interpolation=cv2.INTER_NEAREST
            )
        mean: Field = (total / np.maximum(weights, 1e-6)[..., None]).astype(np.float32)
        # Donors that disagree are not averaged into a blur: the best one wins.
        apart = np.clip((_largest(mean - top) - 6) / 10, 0, 1)[..., None]
        settled = (mean + (top - mean) * apart).astype(np.float32)
        return _Gathered(color=settled, error=error, there=weights > 0, used=used)

    def _calm(self, index: int, here: View, result: Field) -> None:
        """Mix in the previous fill, moved along, where the two nearly agree: what is left of flicker goes."""
        before = self._previous
        aligned = None if before is None else self._align(index, index - 1)
        if before is None or aligned is None:
            return
        still = aligned.shift <= _STILL
        moved = before.filled if still else _sampled(before.filled, aligned)
        apart = _largest(moved - result)
        most, far, off = (1.0, _HELD, _CHANGED) if still else (_CALM, _APART, _UNLIKE)
        share = most * np.clip(2 - 2 * apart / far, 0, 1) * np.clip((off - aligned.error) * 3 / off, 0, 1)
        held = share[here.hole][:, None]
        result[here.hole] = held * moved[here.hole] + (1 - held) * result[here.hole]


def _rounded(color: Field) -> Picture:
    """Return colours as 8-bit samples."""
    return np.clip(np.rint(color), 0, 255).astype(np.uint8)


def _largest(color: Field) -> Field:
    """Return the largest magnitude over the three colours (quicker than a reduction over so short an axis)."""
    size = np.abs(color)
    return np.maximum(np.maximum(size[..., 0], size[..., 1]), size[..., 2])


def _tolerance(here: View) -> Field:
    """Return how far a donor may be off at each place: more where the scene around is richly textured."""
    gray, known = here.gray.astype(np.float32), (~here.hidden).astype(np.float32)
    mean = spread(gray, known, 10.0)
    texture = np.sqrt(np.maximum(spread((gray - mean) ** 2, known, 10.0), 0))
    height, width = here.hole.shape
    result: Field = cv2.resize(6 + 0.45 * texture, (width, height), interpolation=cv2.INTER_LINEAR)
    return result


def _sampled(color: Picture | Field, aligned: Alignment) -> Field:
    """Return a view's colours at the places of the view it was aligned to."""
    moved: Field = cv2.remap(color, aligned.x, aligned.y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )
    return moved


def _fetch(there: View, aligned: Alignment, tolerance: Field) -> tuple[Field, Mask]:
    """Return the donor's colours at the places of the view it was aligned to, and where they can be used."""
    x, y = aligned.x, aligned.y
    color = _sampled(there.color, aligned)
    height, width = there.hole.shape
    usable = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    if not there.clear:
        grown = cv2.dilate(there.hole.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
        hidden = cv2.remap(grown, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
        usable &= hidden < 1
    return color, usable & (aligned.error < tolerance)


def _fit(here: View, color: Field, usable: Mask) -> tuple[Field, Field]:
    """Take the donor's difference in light off, and return the colours with their error expected from the ring."""
    gap = np.clip(here.color.astype(np.float32) - color, -25, 25)
    outside = (~here.wide).astype(np.float32)
    tested = color[..., 0] + spread(np.ascontiguousarray(gap[..., 0]), outside, 8.0)
    ring = here.wide & ~here.hole & usable
    return color + spread(gap, ring.astype(np.float32), 6.0, shrink=2), _ring_error(tested, here, ring)


def _ring_error(luma: Field, here: View, ring: Mask) -> Field:
    """Return how far `luma` is off on the held-out ring, spread over the hole."""
    apart = np.abs(luma - here.color[..., 0])
    return spread(apart, ring.astype(np.float32), 7.0, shrink=2)


def _trust(gathered: _Gathered, missed: Field) -> Field:
    """Return how far to trust the temporal estimate over the spatial one, by their errors on the held-out ring."""
    lead = (1.15 * missed + 0.3 - gathered.error) / (0.5 + 0.12 * missed)
    trust = 1 / (1 + np.exp(np.clip(-lead, -30, 30)))
    return np.where(gathered.there, trust, 0).astype(np.float32)


def _mixed(here: View, temporal: Field, trust: Field) -> Field:
    """Return the region with its hole filled: surely known samples first, then the rest from around them too."""
    result = here.color.astype(np.float32)
    sure = here.hole & (trust >= _SURE)
    result[sure] = temporal[sure]
    rest = here.hole & ~sure
    if rest.any():
        around = spatial.membrane(result, rest)[rest]
        share = trust[rest][:, None]
        result[rest] = temporal[rest] * share + around * (1 - share)
    return result
