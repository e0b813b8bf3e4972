"""The task of a worker process: fill a chunk, check the result, and escalate while text is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, YCbCr
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes, bgr_from_planes
from preflight.engine.inpaint import alpha_layers, crop_cache, mask_refinement
from preflight.engine.inpaint.chunk_plan import InpaintChunk
from preflight.engine.inpaint.inpainter import InpaintedRegion, Inpainter
from preflight.engine.inpaint.patches import Patch, cut
from preflight.engine.inpaint.residual_check import RemovedLine, legibility, stroke_residue
from preflight.engine.inpaint.settings import RESIDUAL
from preflight.engine.inpaint.translucent_marks import TranslucentMark, sample_frames
from preflight.engine.model.rasterize import (
    MAX_WIDENING,
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
    """How the fill of one frame went: filled samples, share from other frames, error on the held-out ring."""

    index: int
    samples: int
    share: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkResult:
    """A finished chunk: its patches and figures, one of each a frame.

    Attributes:
        chunk: what was filled, without its tracks.
        patches: the filled pixels.
        figures: quality of each frame.
        residual: how much of the text is left, 0 (nothing that an eye can see) to 1 (as legible as before).
        escalation: step of `ESCALATION` that was needed.
        unblended: the scene was recovered from under translucent text.
    """

    chunk: InpaintChunk
    patches: tuple[Patch, ...]
    figures: tuple[FrameFigures, ...]
    residual: float = 0.0
    escalation: int = 0
    unblended: bool = False


@dataclass(frozen=True, slots=True)
class FillMethod:
    """How a chunk is filled: how far masks are widened, and from what.

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

    def run(self) -> ChunkResult:
        """Fill the chunk, escalating until the check of the result finds no text."""
        done = replace(self, chunk=self._with_fitted_masks()).filled()
        # What the chunk knew is not needed any more, and would add up over a long video.
        return replace(done, chunk=replace(self.chunk, tracks=(), kept=(), motion=Motion()))

    def filled(self) -> ChunkResult:
        """Return what `run` does, by the masks as they are. The last method is taken whatever its check says."""
        done = self.attempt(0)
        step = 1 if done.unblended else 2
        while not is_clean(done) and step < len(ESCALATION):
            done = self.attempt(step)
            step += 1
        return done

    def attempt(self, step: int) -> ChunkResult:
        """Fill the chunk by one step of `ESCALATION` and check the result."""
        widened = self._widened(ESCALATION[step])
        return replace(self, chunk=widened)._filled_by(step)  # noqa: SLF001 - its own kind

    def _filled_by(self, step: int) -> ChunkResult:
        chunk, method = self.chunk, ESCALATION[step]
        holes = _Holes(chunk, method.widening)
        patches, figures = [], []
        with self.layout.path.open("rb") as file:
            check = _ResultCheck(
                chunk,
                lambda index: crop_cache.load(file, self.layout, index, chunk.place, chunk.region),
                traces=method.widening < MAX_WIDENING,
            )
            marks = self._marks(file) if method.unblend else []
            inpainter = self._inpainter(file, holes, marks, donors=method.donors)
            for index in range(chunk.first, chunk.rendered_last + 1):
                own = changed_mask(chunk.tracks, index, chunk.region, method.widening)
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
                    FrameFigures(index=index, samples=int(own.sum()), share=filled.share, error=filled.error)
                )
                source = crop_cache.load(file, self.layout, index, chunk.place, chunk.region)
                check.add(index, filled.planes, source)
        return ChunkResult(
            chunk=self.chunk,
            patches=tuple(patches),
            figures=tuple(figures),
            residual=check.residual(),
            escalation=step,
            unblended=bool(marks),
        )

    def _widened(self, method: FillMethod) -> InpaintChunk:
        """Return the chunk with masks on plates as a method needs them.

        Letters are widened inside their plate, from which alone they are filled; without donors the plate goes too.
        """
        if not method.widening:
            return self.chunk
        tracks = []
        for track in self.chunk.tracks:
            plate = track.masks.plate
            if plate is None:
                tracks.append(track)
                continue
            wide = widened_mask(track, track.first, method.widening)
            masks = {"usual": wide & plate} if method.donors else {"usual": wide | plate, "plate": None}
            tracks.append(track.with_masks(**masks))
        return replace(self.chunk, tracks=tuple(tracks))

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

    def _inpainter(self, file: BinaryIO, holes: _Holes, marks: list[TranslucentMark], *, donors: bool) -> Inpainter:
        chunk = self.chunk
        return Inpainter(
            known=range(chunk.search_first, chunk.search_last + 1) if donors else range(0),
            planes=lambda index: self._planes(file, index),
            hole=holes.at,
            state=holes.state,
            motion=chunk.motion if donors else replace(chunk.motion, leaps={}),
            corner=(chunk.region.x0, chunk.region.y0),
            unblended=lambda index: alpha_layers.seen_through(
                chunk, index, partial(self._planes, file), holes.at, marks
            ),
            fade_donors=alpha_layers.fade_donors(chunk) if donors else frozenset(),
            kept_text=partial(_kept_text, chunk),
            text_height=max((track.line.text_height for track in chunk.tracks if track.text), default=24),
        )


class _ResultCheck:
    """Checks the filled frames of a chunk, at most as often as they change."""

    def __init__(self, chunk: InpaintChunk, shown: Callable[[int], Planes[np.uint8]], *, traces: bool) -> None:
        """Check a chunk, whose frames `shown` returns; where whole lines are filled, letters leave no `traces`."""
        self._chunk, self._shown, self._traces = chunk, shown, traces
        self._legibility = 0.0
        self._residue: dict[int, list[float]] = {}

    def add(self, index: int, filled: Planes[np.uint8], source: Planes[np.uint8]) -> None:
        """Check frame `index`."""
        chunk = self._chunk
        on = [(n, t) for n, t in enumerate(chunk.tracks) if t.text and t.is_on(index) and not t.lasting]
        read = (index - chunk.first) % RESIDUAL.read_step == RESIDUAL.read_step // 2
        read = read or any(index == (max(t.first, chunk.first) + min(t.last, chunk.last)) // 2 for _, t in on)
        measured = self._traces and (index - chunk.first) % RESIDUAL.trace_step == 0
        if not on or not (read or measured):
            return
        corner = -chunk.region.x0, -chunk.region.y0
        lines = [
            RemovedLine(
                track.line_on(index).moved(*corner),
                place_mask(chunk.region, track.box_on(index), track.mask_on(index)),
                track.text,
                *self._fainter(track, index),
            )
            for _, track in on
        ]
        if read:
            kept = [track.line_on(index).moved(*corner) for track in chunk.kept if track.is_on(index)]
            color = bgr_from_planes(filled.luma, filled.chroma[..., 0], filled.chroma[..., 1])
            self._legibility = max(self._legibility, legibility(color, lines, kept))
        if measured:
            after, before = filled.to_ycbcr(), source.to_ycbcr()
            for (number, _), line in zip(on, lines, strict=True):
                self._residue.setdefault(number, []).append(stroke_residue(after, before, line))

    def _fainter(self, track: Track, index: int) -> tuple[YCbCr | None, float]:
        """Return the region where a fading text is faintest, and its opacity there as a share of that on a frame."""
        fade = track.masks.fade
        if fade is None or not fade.faintest:
            return None, 0.0
        faint = fade.faintest[0]
        return self._shown(faint).to_ycbcr(), fade.opacity[faint] / max(0.01, fade.opacity.get(index, 1.0))

    def residual(self) -> float:
        """Return the residual of the whole chunk: the largest of its lines, each by the median of its frames."""
        traces = max((float(np.median(values)) for values in self._residue.values()), default=0.0)
        # Traces count from a smaller share on than similarity of readings does.
        return max(self._legibility, min(1.0, traces * RESIDUAL.limit / RESIDUAL.trace_limit))


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
