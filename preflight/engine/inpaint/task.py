"""What a worker process does to fill a job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, YCbCr
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes, bgr_from_planes
from preflight.engine.inpaint import alpha_layers, crop_cache, mask_refinement, residual_check
from preflight.engine.inpaint.chunk_plan import WARM_UP_FRAMES, InpaintChunk
from preflight.engine.inpaint.inpainter import InpaintedRegion, Inpainter
from preflight.engine.inpaint.patches import Patch, cut
from preflight.engine.inpaint.translucent_marks import TranslucentMark, sample_frames
from preflight.engine.model.rasterize import (
    MAX_WIDENING,
    changed_mask,
    has_plates,
    place_mask,
    rasterize,
    without_plates,
)
from preflight.engine.model.track import Track
from preflight.engine.motion.camera import Motion


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFigures:
    """How the fill of one frame went: filled samples, share from other frames, error on the held-out ring."""

    index: int
    samples: int
    share: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkResult:
    """A finished job: its patches and figures, one of each a frame.

    `left` is how legible the text still is (0..1) and `widened` how often its masks had to be widened for that;
    `lifted` tells that the scene was seen through some of it.
    """

    chunk: InpaintChunk
    patches: tuple[Patch, ...]
    figures: tuple[FrameFigures, ...]
    left: float = 0.0
    widened: int = 0
    lifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintTask:
    """Fill a job from the crops in a layout's file."""

    chunk: InpaintChunk
    layout: crop_cache.CropLayout

    def run(self) -> ChunkResult:
        """Return the filled samples of every frame; while the text can be read in the result, with wider masks.

        What was lifted off the scene and can be read all the same is filled, as opaque text is.
        """
        done = replace(self, chunk=self._with_fitted_masks()).filled()
        # What the job knew is not wanted any more, and would add up over a long video.
        return replace(done, chunk=replace(self.chunk, tracks=(), kept=(), motion=Motion()))

    def _with_fitted_masks(self) -> InpaintChunk:
        """Return the job with masks that take many looks: of changing digits, and of what stays over a busy scene."""
        with self.layout.path.open("rb") as file:
            return replace(self.chunk, tracks=tuple(self._with_fitted_mask(track, file) for track in self.chunk.tracks))

    def _with_fitted_mask(self, track: Track, file: BinaryIO) -> Track:
        """Return a track with the mask that it has in this job."""
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
            track = mask_refinement.sharpened(
                track, [self._planes(file, index).luma[place] for index in sample_frames(track, chunk)]
            )
        return alpha_layers.with_fade(track, others, chunk, partial(self._planes, file))

    def filled(self) -> ChunkResult:
        """Return what `run` does, by the masks as they are."""
        done = self._attempt(0, lifting=True)
        # What is left may be of other text than what was lifted.
        if done.lifted and done.left >= residual_check.LEGIBLE:
            done = min(done, self._attempt(0), key=lambda one: one.left)
        for widened in range(1, MAX_WIDENING + 1):
            if done.left < residual_check.LEGIBLE:
                break
            done = min(done, self._attempt(widened, lifting=done.lifted), key=lambda one: one.left)
        return done

    def _attempt(self, widened: int, *, lifting: bool = False) -> ChunkResult:
        chunk = self.chunk
        holes = _Holes(chunk, widened)
        patches, figures, filled_looks = [], [], {}
        with self.layout.path.open("rb") as file:
            marks = self._marks(file) if lifting else []
            filler = self._filler(file, holes, marks)
            for index in range(max(chunk.search_first, chunk.first - WARM_UP_FRAMES), chunk.last + 1):
                own = changed_mask(chunk.tracks, index, chunk.region, widened)
                if not own.any():
                    continue
                if holes.at(index).any():
                    filled = filler.fill(index)
                else:
                    filled = InpaintedRegion(planes=self._planes(file, index), share=0.0, error=0.0)
                if index < chunk.first:
                    continue
                patches.append(cut(index, chunk.region, filled.planes, own))
                figures.append(
                    FrameFigures(index=index, samples=int(own.sum()), share=filled.share, error=filled.error)
                )
                if index in _checked(chunk):
                    filled_looks[index] = filled.planes.to_ycbcr()
        left = max(
            (
                self._left(look, changed_mask(chunk.tracks, index, chunk.region, widened), index)
                for index, look in filled_looks.items()
            ),
            default=0.0,
        )
        return ChunkResult(
            chunk=chunk, patches=tuple(patches), figures=tuple(figures), left=left, widened=widened, lifted=bool(marks)
        )

    def _marks(self, file: BinaryIO) -> list[TranslucentMark]:
        """Return the still tracks that let the scene through, with how they do."""
        chunk, found = self.chunk, []
        for track in chunk.tracks:
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

    def _filler(self, file: BinaryIO, holes: _Holes, marks: list[TranslucentMark]) -> Inpainter:
        chunk = self.chunk
        return Inpainter(
            known=range(chunk.search_first, chunk.search_last + 1),
            planes=lambda index: self._planes(file, index),
            hole=holes.at,
            state=holes.state,
            motion=chunk.motion,
            corner=(chunk.region.x0, chunk.region.y0),
            unblended=lambda index: alpha_layers.seen_through(
                chunk, index, partial(self._planes, file), holes.at, marks
            ),
            fade_donors=alpha_layers.fade_donors(chunk),
            kept_text=partial(_kept_text, chunk),
            text_height=max((track.line.text_height for track in chunk.tracks if track.text), default=24),
        )

    def _left(self, look: YCbCr, hole: BoolMask, index: int) -> float:
        texts = tuple(t.text for t in self.chunk.tracks if t.first <= index <= t.last and t.text)
        if not texts:
            return 0.0
        # Without the scene around: other text there is no residue. Colours need not be exact to be read.
        place = residual_check.hole_box(hole, 16)
        color = cv2.cvtColor(np.ascontiguousarray(look[place.slices][..., [0, 2, 1]]), cv2.COLOR_YCrCb2BGR)
        return residual_check.left(np.asarray(color, np.uint8), hole[place.slices], texts)


def _checked(chunk: InpaintChunk) -> set[int]:
    """Return the frames of a job that are read again: two inside, and one for each text that is on neither."""
    length = chunk.last - chunk.first + 1
    inside = {chunk.first + length // 3, chunk.first + 2 * length // 3}
    spans = ((max(chunk.first, track.first), min(chunk.last, track.last)) for track in chunk.tracks if track.text)
    briefly = [(first, last) for first, last in spans if not any(first <= index <= last for index in inside)]
    return inside | {(first + last) // 2 for first, last in briefly if first <= last}


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
    """What can't be seen of the scene in a job's region on each frame, kept packed."""

    def __init__(self, chunk: InpaintChunk, widened: int) -> None:
        self._job, self._widened = chunk, widened
        self._packed: dict[int, bytes] = {}

    def at(self, index: int) -> BoolMask:
        """Return the mask of frame `index`."""
        region = self._job.region
        if index not in self._packed:
            self._packed[index] = np.packbits(
                rasterize(self._job.tracks, index, region, self._widened, hidden=True)
            ).tobytes()
        bits = np.unpackbits(np.frombuffer(self._packed[index], np.uint8), count=region.area)
        return bits.reshape(region.height, region.width).astype(bool)

    def state(self, index: int) -> int:
        """Return a number for the set of tracks that are on at frame `index`, 0 for none."""
        tracks = enumerate(self._job.tracks)
        on = (1 << n for n, track in tracks if track.lasting or track.first <= index <= track.last)
        return sum(on)
