"""Inpainting of one region: donors from other frames, validated on a held-out band, mixed with a spatial fill."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, Gray
from preflight.engine.core.filters import normalized_convolution, weighted_mean
from preflight.engine.core.yuv import Planes, downscale_2x, upscale_2x
from preflight.engine.inpaint import donor_selection, donor_verification, propagation
from preflight.engine.inpaint.bands import band_edges, inpaint_parts
from preflight.engine.inpaint.learned_fill import LearnedFill
from preflight.engine.inpaint.optical_flow import FlowEstimator, FlowField, RegionView, view
from preflight.engine.inpaint.propagation import Candidate, FusedEstimate, TargetRegion
from preflight.engine.inpaint.settings import FUSION, LEARNED, SMOOTHING
from preflight.engine.model.rasterize import chroma_mask
from preflight.engine.motion.camera import Motion


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintedRegion:
    """A filled region: its `planes`, `share` of the hole's samples taken from other frames (0..1).

    `error` is the mean difference of what was used on the held-out ring, in gray levels. `learned` is the share of a
    fill model in the hole's samples (0..1).
    """

    planes: Planes[np.uint8]
    share: float
    error: float
    learned: float = 0.0


@dataclass(frozen=True, slots=True)
class UnblendedRegion:
    """A region on a frame without the text that lets the scene through: `doubt` is each sample's error (levels).

    It is 0 beside the text; the `hole` is what can't be seen through. How `with_fade` text lets the scene through was
    found over many frames.
    """

    planes: Planes[np.uint8]
    doubt: FloatImage
    hole: BoolMask
    with_fade: BoolMask


def _clear(_: int) -> UnblendedRegion | None:
    return None


def _no_mask(_: int) -> BoolMask | None:
    return None


def _none_kept(_target: int, _donor: int) -> BoolMask | None:
    return None


@dataclass(slots=True)
class _Previous:
    index: int
    filled: Planes[np.float32]
    trust: FloatImage


@dataclass(slots=True)
class Inpainter:
    """Fills one region over a stretch of frames; `planes` and `hole` give a frame's region and what text paints of it.

    `state` numbers the text that is on at a frame, 0 for none. `unblended` tells what is seen through text, and
    `fade_donors` are the frames whose unblended scene may be a donor.
    """

    known: range
    planes: Callable[[int], Planes[np.uint8]]
    hole: Callable[[int], BoolMask]
    state: Callable[[int], int]
    motion: Motion
    corner: tuple[int, int]
    unblended: Callable[[int], UnblendedRegion | None] = _clear
    fade_donors: frozenset[int] = frozenset()
    kept_text: Callable[[int, int], BoolMask | None] = _none_kept
    text_height: int = 24
    core_hole: Callable[[int], BoolMask | None] = _no_mask
    smooth: Callable[[int], BoolMask | None] = _no_mask
    learned: LearnedFill | None = None
    _views: OrderedDict[tuple[int, bool], RegionView] = field(default_factory=OrderedDict)
    _small: dict[int, Gray | None] = field(default_factory=dict)
    _flows: dict[int, FlowField] = field(default_factory=dict)
    _loyal: set[int] = field(default_factory=set)
    _unexpected: dict[int, NDArray[np.uint8] | None] = field(default_factory=dict)
    _previous: _Previous | None = None
    _flow_estimator: FlowEstimator | None = None

    def fill(self, index: int) -> InpaintedRegion:
        """Fill frame `index`. Frames must come in ascending order: each fill is smoothed with the previous one."""
        target = TargetRegion.of(self._view(index), self.text_height)
        self._flows = {}
        if self._previous is not None and (self._previous.index != index - 1 or index - 1 in self.motion.cuts):
            self._previous, self._loyal = None, set()
        estimate, used = self._fuse_candidates(index, target)
        smooth = self.smooth(index)
        if smooth is not None:
            estimate = replace(estimate, covered=estimate.covered & ~smooth[target.box.slices])
        edges = band_edges(target.planes.luma, ~target.wide)
        missed = target.error(inpaint_parts(target.planes.luma, target.wide, edges))
        trust = _trust(estimate, missed)
        if self._previous is not None:
            before = self._previous.trust[target.box.slices]
            trust = np.where(estimate.covered, 0.6 * trust + 0.4 * before, 0).astype(np.float32)
        filled, learned = _mixed(target, estimate, trust, edges), 0.0
        if self.learned is not None:
            wanted = target.hole & (trust < LEARNED.most_trust)
            if smooth is not None:
                wanted &= ~smooth[target.box.slices]
            better = self.learned.fill(target, filled, wanted, target.hole & (trust >= FUSION.certain), edges)
            if better is not None:
                left = 1 - trust
                filled, missed = _weighted(filled, better.planes, left), missed * better.error_ratio
                learned = float((left * better.share)[target.hole].mean())
        error = trust * estimate.error + (1 - trust) * missed
        unblended = self.unblended(index)
        if unblended is not None:
            filled = _seen_through(target, filled, error, trust, unblended)
        result = self._remember(index, target, self._temporally_smoothed(index, target, filled), trust)
        self._loyal = used
        return InpaintedRegion(
            planes=_rounded(result),
            share=float(trust[target.hole].mean()),
            error=float(error[target.hole].mean()),
            learned=learned,
        )

    def _view(self, index: int, *, as_donor: bool = False) -> RegionView:
        key = index, as_donor and index in self.fade_donors
        if key not in self._views:
            self._views[key] = (
                self._unblended_view(index)
                if key[1]
                else view(self.planes(index), self.hole(index), core_hole=self.core_hole(index))
            )
            if len(self._views) > FUSION.cached_views:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return self._views[key]

    def _unblended_view(self, index: int) -> RegionView:
        unblended = self.unblended(index)
        assert unblended is not None  # noqa: S101
        return view(unblended.planes, unblended.hole, unblended.doubt)

    def _small_hole(self, index: int) -> Gray | None:
        if index not in self._small:
            core = None if index in self.fade_donors else self.core_hole(index)
            if core is not None:
                self._small[index] = donor_selection.sampled(core) if core.any() else None
                return self._small[index]
            hole = self._view(index, as_donor=True).hole if index in self.fade_donors else self.hole(index)
            self._small[index] = donor_selection.shrink(hole) if hole.any() else None
        return self._small[index]

    def _flow(self, index: int, other: int) -> FlowField | None:
        """Return where frame `index` lies on `other`, None when they do not show the same scene."""
        if other not in self._flows:
            step = self.motion.between(index, other)
            if step is None:
                return None
            target = self._view(index)
            if self._flow_estimator is None:
                height, width = target.hole.shape
                self._flow_estimator = FlowEstimator(height, width, self.corner)
            self._flows[other] = self._flow_estimator.estimate(target, self._view(other, as_donor=True), step)
        flow_field = self._flows[other]
        return flow_field if flow_field.typical <= FUSION.largest_error else None

    def _unexpected_lines(self, other: int) -> NDArray[np.uint8] | None:
        """Return the numbers of the lines of text on frame `other` that were not tracked; None without any."""
        if other not in self._unexpected:
            view = self._view(other, as_donor=True)
            scale = view.hole.shape[1] / view.gray.shape[1]
            numbers = np.zeros(view.hole.shape, np.uint8)
            for number, line in enumerate(
                donor_verification.unexpected_text(view.gray, round(self.text_height / scale))
            ):
                x0, y0, x1, y1 = (round(edge * scale) for edge in (line.x0, line.y0, line.x1, line.y1))
                numbers[y0:y1, x0:x1] = min(255, number + 1)
            self._unexpected[other] = numbers if numbers.any() else None
        return self._unexpected[other]

    def _fuse_candidates(self, index: int, target: TargetRegion) -> tuple[FusedEstimate, set[int]]:
        """Return what other frames make of the hole together, and which they are."""
        found: list[tuple[Candidate, int]] = []
        states: list[int] = []
        used, tried = set[int](), set[int]()
        others = donor_selection.candidates(index, self.known, self.state) | self.motion.leaps.keys() | self.fade_donors
        known = donor_selection.coverage(
            target.view.wide, index, others - {index}, self._small_hole, self.motion, self.corner, self.fade_donors
        )
        counted = np.zeros(known.count, np.uint8)
        while len(used) < FUSION.most_donors and len(tried) < FUSION.most_tries:
            other = donor_selection.best_donor(known, counted, tried, self._loyal)
            if other is None:
                break
            tried.add(other)
            flow_field = self._flow(index, other)
            if flow_field is None:
                continue
            donor = self._view(other, as_donor=True)
            candidate = propagation.propagate(
                target, donor, flow_field, self.kept_text(index, other), self._unexpected_lines(other)
            )
            if candidate is None:
                continue
            found.append((candidate, abs(index - other)))
            states.append(self.state(other))
            used.add(other)
            counted += candidate.usable[known.rows - target.box.y0, known.columns - target.box.x0]
        return propagation.fuse(found, target, states), used

    def _temporally_smoothed(self, index: int, target: TargetRegion, result: Planes[np.float32]) -> Planes[np.float32]:
        """Mix in the previous fill, moved along, where the two nearly agree: what is left of flicker goes."""
        before = self._previous
        flow_field = None if before is None else self._flow(index, index - 1)
        if before is None or flow_field is None:
            return result
        still = flow_field.shift <= SMOOTHING.still_motion
        moved = before.filled.inside(target.box) if still else propagation.warp_planes(before.filled, flow_field)
        most, far, off = (
            (1.0, SMOOTHING.still_difference, SMOOTHING.still_error)
            if still
            else (SMOOTHING.moving_share, SMOOTHING.moving_difference, SMOOTHING.moving_error)
        )
        alike = np.clip(2 - 2 * propagation.plane_distance(moved, result) / far, 0, 1)
        share = most * alike * upscale_2x(np.clip((off - flow_field.error) * 3 / off, 0, 1))
        return Planes(
            _blended(result.luma, moved.luma, share, target.hole),
            _blended(result.chroma, moved.chroma, downscale_2x(share), chroma_mask(target.hole)),
        )

    def _remember(
        self, index: int, target: TargetRegion, core: Planes[np.float32], trust: FloatImage
    ) -> Planes[np.float32]:
        """Return the whole region, and keep it for temporal smoothing of the next frame."""
        planes = target.view.planes
        whole = Planes(planes.luma.astype(np.float32), planes.chroma.astype(np.float32))
        part, trusted = whole.inside(target.box), np.zeros(planes.luma.shape, np.float32)
        part.luma[:], part.chroma[:], trusted[target.box.slices] = core.luma, core.chroma, trust
        self._previous = _Previous(index, whole, trusted)
        return whole


def _rounded(planes: Planes[np.float32]) -> Planes[np.uint8]:
    """Return 8-bit samples."""
    luma, chroma = (np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in (planes.luma, planes.chroma))
    return Planes(luma, chroma)


def _trust(estimate: FusedEstimate, missed: FloatImage) -> FloatImage:
    """Return how far to trust the temporal estimate over the spatial one, by their errors on the held-out ring."""
    lead = (1.15 * missed + 0.3 - estimate.error) / (0.5 + 0.12 * missed)
    trust = 1 / (1 + np.exp(np.clip(-lead, -30, 30)))
    return np.where(estimate.covered, trust, 0).astype(np.float32)


def _mixed(
    target: TargetRegion, estimate: FusedEstimate, trust: FloatImage, edges: tuple[int, ...]
) -> Planes[np.float32]:
    """Return the core with its hole filled."""
    temporal = estimate.planes
    return Planes(
        _filled(target.planes.luma, target.hole, temporal.luma, trust, edges),
        # Vivid letters tint the chroma around their hole, which must not flow back into it.
        _filled(
            target.planes.chroma,
            chroma_mask(target.hole),
            temporal.chroma,
            downscale_2x(trust) * estimate.chroma_covered,
            tuple(edge // 2 for edge in edges),
            chroma_mask(target.wide),
        ),
    )


def _weighted(one: Planes[np.float32], other: Planes[np.float32], share: FloatImage) -> Planes[np.float32]:
    """Return the mean of two cores, with `share` of the other one."""
    return Planes(
        one.luma + share * (other.luma - one.luma),
        one.chroma + weighted_mean(other.chroma - one.chroma, downscale_2x(share)),
    )


def _seen_through(
    target: TargetRegion, filled: Planes[np.float32], error: FloatImage, trust: FloatImage, unblended: UnblendedRegion
) -> Planes[np.float32]:
    """Return the filled core with what is seen through text, as far as that is surer than the fill."""
    part, doubt = unblended.planes.inside(target.box), unblended.doubt[target.box.slices]
    own = target.hole & ~unblended.hole[target.box.slices]
    off = part.luma - filled.luma
    expected = (FUSION.error_ratio * error) ** 2
    both = expected + doubt**2
    # Where the two are further apart than their errors explain, the text is not what it was taken for.
    apart = normalized_convolution(off**2, own.astype(np.float32), FUSION.neighbourhood, shrink=1)
    # A fill from around the text knows too little of the scene to speak against what was learnt over many frames.
    apart = np.where(unblended.with_fade[target.box.slices], apart * trust / FUSION.fitted_ratio, apart)
    share = (expected / np.maximum(np.maximum(both, apart), 1e-6) * own).astype(np.float32)
    return Planes(
        filled.luma + off * share, filled.chroma + weighted_mean(part.chroma - filled.chroma, downscale_2x(share))
    )


def _filled(
    known: FloatImage,
    hole: BoolMask,
    temporal: FloatImage,
    trust: FloatImage,
    edges: tuple[int, ...],
    doubtful: BoolMask | None = None,
) -> FloatImage:
    """Return a plane with its hole filled: surely known samples first, then the rest from around them too.

    What is `doubtful` around the hole stays as it is, and nothing is filled from it.
    """
    sure = hole & (trust >= FUSION.certain)
    result: FloatImage = cv2.copyTo(temporal, sure.view(np.uint8), known.copy())
    rest = hole & ~sure
    if not rest.any():
        return result
    around = inpaint_parts(result, rest if doubtful is None else doubtful & ~sure, edges)
    filled: FloatImage = cv2.copyTo(around, rest.view(np.uint8), result.copy())
    return _blended(filled, temporal, trust, rest)


def _blended(one: FloatImage, other: FloatImage, share: FloatImage, where: BoolMask) -> FloatImage:
    """Return `one`, and `share` of the `other` in it at the places of a mask."""
    result: FloatImage = cv2.copyTo(one + weighted_mean(other - one, share), where.view(np.uint8), one.copy())
    return result
