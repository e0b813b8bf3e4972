"""The task of a worker process: fill a chunk, check the result, and escalate while text is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes, bgr_from_planes
from preflight.engine.inpaint import alpha_layers, crop_cache, mask_refinement
from preflight.engine.inpaint.chunk_plan import InpaintChunk
from preflight.engine.inpaint.fill_model import FillModel
from preflight.engine.inpaint.inpainter import InpaintedRegion, Inpainter
from preflight.engine.inpaint.learned_fill import LearnedFill
from preflight.engine.inpaint.patches import Patch, cut
from preflight.engine.inpaint.result_check import ResultCheck
from preflight.engine.inpaint.settings import RESIDUAL
from preflight.engine.inpaint.translucent_marks import TranslucentMark, sample_frames
from preflight.engine.model.rasterize import (
    changed_mask,
    has_plates,
    place_mask,
    rasterize,
    widened_mask,
    without_plates,
)
from preflight.engine.model.track import Track
from preflight.engine.motion.camera import Motion


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFigures:
    """How the fill of one frame went: filled samples, share from other frames, error on the held-out ring.

    `learned` is the share of a fill model.
    """

    index: int
    samples: int
    share: float
    error: float
    learned: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkResult:
    """A finished chunk: its patches and figures, one of each a frame.

    Attributes:
        chunk: what was filled, without its tracks.
        patches: the filled pixels.
        figures: quality of each frame.
        residual: how much of the text is left, 0 (nothing that an eye can see) to 1 (as legible as before).
        steps: step of `ESCALATION` by which each track of the chunk was filled.
        left: the residual of each track.
        unblended: for each track, that the scene was recovered from under it.
    """

    chunk: InpaintChunk
    patches: tuple[Patch, ...]
    figures: tuple[FrameFigures, ...]
    residual: float = 0.0
    steps: tuple[int, ...] = ()
    left: tuple[float, ...] = ()
    unblended: tuple[bool, ...] = ()

    @property
    def escalation(self) -> int:
        """The largest step of `ESCALATION` that a text on the chunk's frames needed."""
        return max(self.steps, default=0)


@dataclass(frozen=True, slots=True)
class FillMethod:
    """How a text is filled: how far its mask is widened, and from what.

    Attributes:
        widening: as in `widened_mask`.
        unblend: recover the scene from under translucent text.
        donors: propagate pixels from other frames.
    """

    widening: int = 0
    unblend: bool = False
    donors: bool = True


ESCALATION = (
    FillMethod(unblend=True),
    FillMethod(),
    FillMethod(1),
    FillMethod(2),
    FillMethod(2, donors=False),
)
"""The methods in the order in which they are tried until no text is left: the fitted masks, with and without
unblending; the masks with outline and halo; whole lines; whole lines, smoothly filled from around them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintTask:
    """Fill a chunk from the crops in a layout's file."""

    chunk: InpaintChunk
    layout: crop_cache.CropLayout
    least_steps: tuple[int, ...] = ()
    """Step of `ESCALATION` for each track of the chunk at or above which methods are tried; empty for the first one."""
    fill_model: FillModel | None = None
    """Fills what no other frame shows, by any method but the last."""

    def run(self) -> ChunkResult:
        """Fill the chunk, escalating until the check of the result finds no text."""
        done = replace(self, chunk=self._with_fitted_masks()).filled()
        # What the chunk knew is not needed any more, and would add up over a long video.
        return replace(done, chunk=replace(self.chunk, tracks=(), kept=(), motion=Motion()))

    def filled(self) -> ChunkResult:
        """Return what `run` does, by the masks as they are. The last method is taken whatever its check says.

        Only the texts that are left are escalated.
        """
        done = self.attempt(self.least_steps or (0,) * len(self.chunk.tracks))
        while (steps := _raised(done)) != done.steps:
            done = self.attempt(steps)
        return done

    def attempt(self, steps: tuple[int, ...]) -> ChunkResult:
        """Fill the chunk, each track by its step of `ESCALATION`, and check the result."""
        tracks = tuple(
            _by_method(track, ESCALATION[step]) for track, step in zip(self.chunk.tracks, steps, strict=True)
        )
        return replace(self, chunk=replace(self.chunk, tracks=tracks))._filled_by(steps)  # noqa: SLF001 - its own kind

    def _filled_by(self, steps: tuple[int, ...]) -> ChunkResult:
        chunk, methods = self.chunk, [ESCALATION[step] for step in steps]
        holes = _Holes(chunk)
        smooth = [track for track, method in zip(chunk.tracks, methods, strict=True) if not method.donors]
        patches, figures = [], []
        with self.layout.path.open("rb") as file:
            check = ResultCheck(
                chunk, lambda index: crop_cache.load(file, self.layout, index, chunk.place, chunk.region)
            )
            marks = self._marks(
                file, [track for track, method in zip(chunk.tracks, methods, strict=True) if method.unblend]
            )
            check.unblended = {id(mark.track) for mark in marks}
            inpainter = self._inpainter(file, holes, marks, smooth)
            for index in range(chunk.first, chunk.rendered_last + 1):
                own = changed_mask(chunk.tracks, index, chunk.region)
                if not own.any():
                    continue
                planes = self._planes(file, index)
                filled = InpaintedRegion(planes=planes, share=0.0, error=0.0)
                if holes.at(index).any():
                    filled = inpainter.fill(index)
                patches.append(cut(index, chunk.region, filled.planes, own, chunk.opacity(index)))
                if index > chunk.last:
                    continue
                figures.append(
                    FrameFigures(
                        index=index,
                        samples=int(own.sum()),
                        share=filled.share,
                        error=filled.error,
                        learned=filled.learned,
                    )
                )
                source = crop_cache.load(file, self.layout, index, chunk.place, chunk.region)
                check.add(index, filled.planes, source)
        return ChunkResult(
            chunk=self.chunk,
            patches=tuple(patches),
            figures=tuple(figures),
            residual=max(left := check.left(), default=0.0),
            steps=steps,
            left=left,
            unblended=tuple(id(track) in check.unblended for track in chunk.tracks),
        )

    def _with_fitted_masks(self) -> InpaintChunk:
        """Return the chunk with masks that need many frames: of counters, and of text that stays over a busy scene."""
        with self.layout.path.open("rb") as file:
            return replace(self.chunk, tracks=tuple(self._with_fitted_mask(track, file) for track in self.chunk.tracks))

    def _with_fitted_mask(self, track: Track, file: BinaryIO) -> Track:
        """Return a track with the mask that it has in this chunk."""
        chunk = self.chunk
        corner = -chunk.region.x0, -chunk.region.y0
        if not chunk.region.covers(track.box):
            return track
        if track.masks.counter is not None:
            own, place = track.masks.counter, track.masks.counter.box.moved(*corner).slices
            on = [index for index in chunk.known if track.first <= index <= track.last]
            masks = own.masks({index: self._shown(file, index)[place] for index in on})
            return track.with_masks(
                by_frame={index: place_mask(track.box, own.box, mask) for index, mask in masks.items()}
            )
        others = [other for other in chunk.tracks if other is not track]
        if mask_refinement.is_vague(track):
            place = track.box.moved(*corner).slices
            track = mask_refinement.refine_track(
                track, [self._planes(file, index).luma[place] for index in sample_frames(track, chunk)]
            )
        return alpha_layers.with_fade(track, others, chunk, partial(self._planes, file))

    def _marks(self, file: BinaryIO, tracks: Sequence[Track]) -> list[TranslucentMark]:
        """Return the still ones of `tracks` that let the scene through, with how they do."""
        chunk, found = self.chunk, []
        for track in tracks:
            moves = track.path is not None
            if moves or track.lasting or track.needs_no_donors or track.last < chunk.first or track.first > chunk.last:
                continue
            mark = TranslucentMark(track, chunk)
            found += [mark] if mark.learn(lambda index: self._planes(file, index).to_ycbcr()) else []
        return found

    def _shown(self, file: BinaryIO, index: int) -> BGR:
        """Return the region on frame `index` as it is shown, in blue, green, red."""
        planes = crop_cache.load(file, self.layout, index, self.chunk.place, self.chunk.region)
        return bgr_from_planes(planes.luma, planes.chroma[..., 0], planes.chroma[..., 1])

    def _planes(self, file: BinaryIO, index: int) -> Planes[np.uint8]:
        planes = crop_cache.load(file, self.layout, index, self.chunk.place, self.chunk.region)
        if not has_plates(self.chunk.tracks, index):
            return planes
        return Planes.from_ycbcr(without_plates(planes.to_ycbcr(), self.chunk.tracks, index, self.chunk.region))

    def _inpainter(self, file: BinaryIO, holes: _Holes, marks: list[TranslucentMark], smooth: list[Track]) -> Inpainter:
        chunk = self.chunk
        donors = len(smooth) < len(chunk.tracks)
        return Inpainter(
            known=range(chunk.search_first, chunk.search_last + 1) if donors else range(0),
            planes=lambda index: self._planes(file, index),
            hole=holes.at,
            core_hole=holes.core_at,
            state=holes.state,
            motion=chunk.motion if donors else replace(chunk.motion, leaps={}),
            corner=(chunk.region.x0, chunk.region.y0),
            unblended=lambda index: alpha_layers.seen_through(
                chunk, index, partial(self._planes, file), holes.at, marks
            ),
            fade_donors=alpha_layers.fade_donors(chunk) if donors else frozenset(),
            kept_text=partial(_kept_text, chunk),
            smooth=lambda index: rasterize(smooth, index, chunk.region) if smooth else None,
            learned=None if self.fill_model is None else LearnedFill(self.fill_model),
            text_height=max((track.line.text_height for track in chunk.tracks if track.text), default=24),
        )


def _by_method(track: Track, method: FillMethod) -> Track:
    """Return a track with masks as a method needs them.

    Letters are widened inside their plate, from which alone they are filled.
    """
    plate = track.masks.plate
    if plate is None or not method.widening:
        return replace(track, widening=method.widening)
    return track.with_masks(usual=widened_mask(track, track.first, method.widening) & plate)


def _raised(result: ChunkResult) -> tuple[int, ...]:
    """Return the steps of the next attempt, those of a result for texts of which nothing is left.

    A faint trace of a mark over half of the picture harms less than a fill of half of the picture.
    """
    last = len(ESCALATION) - 1
    return tuple(
        step
        if left < RESIDUAL.limit or track.masks.film is not None
        else min(last, step + 1 if step or unblended else 2)
        for track, step, left, unblended in zip(
            result.chunk.tracks, result.steps, result.left, result.unblended, strict=True
        )
    )


def is_clean(result: ChunkResult) -> bool:
    """Return True when the check of a result found nothing that an eye sees."""
    return result.residual < RESIDUAL.limit


def _kept_text(chunk: InpaintChunk, target: int, donor: int) -> BoolMask | None:
    """Return where a donor frame shows text that stays and that the target frame doesn't show; None for nowhere."""
    region, found = chunk.region, None
    for track in chunk.kept:
        if track.is_on(donor) and not track.is_on(target):
            found = np.zeros((region.height, region.width), bool) if found is None else found
            line = track.line_on(donor)
            margin = line.text_height // 3
            found |= _box_mask(region, line, margin)
    return found


def _box_mask(region: Box, box: Box, margin: int) -> BoolMask:
    mask = np.zeros((region.height, region.width), bool)
    inside = box.moved(-region.x0, -region.y0)
    mask[
        max(0, inside.y0 - margin) : max(0, inside.y1 + margin), max(0, inside.x0 - margin) : max(0, inside.x1 + margin)
    ] = True
    return mask


class _Holes:
    """Masks of what is hidden in a chunk's region on each frame, kept as packed bits."""

    def __init__(self, chunk: InpaintChunk) -> None:
        self._job = chunk
        self._packed: dict[tuple[int, bool], bytes] = {}

    def at(self, index: int) -> BoolMask:
        """Return the mask of frame `index`."""
        return self._mask(index, core=False)

    def core_at(self, index: int) -> BoolMask:
        """Return the mask of frame `index` without the rims of text, which show the scene."""
        return self._mask(index, core=True)

    def _mask(self, index: int, *, core: bool) -> BoolMask:
        region, key = self._job.region, (index, core)
        if key not in self._packed:
            self._packed[key] = np.packbits(
                rasterize(self._job.tracks, index, region, hidden=True, core=core)
            ).tobytes()
        bits = np.unpackbits(np.frombuffer(self._packed[key], np.uint8), count=region.area)
        return bits.reshape(region.height, region.width).astype(bool)

    def state(self, index: int) -> int:
        """Return a number for the set of tracks that are on at frame `index`, 0 for none."""
        tracks = enumerate(self._job.tracks)
        on = (1 << n for n, track in tracks if track.lasting or track.first <= index <= track.last)
        return sum(on)
