"""Plan of the inpainting: chunks of consecutive frames of one shot, each with one region of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from preflight.engine.core.box import Box
from preflight.engine.model.track import Track
from preflight.engine.motion.camera import Motion

CHUNK_FRAMES = 40
"""Largest number of frames of a chunk."""
SEARCH_RADIUS = 96
"""Frames before and after a chunk's own that may be donors."""
OVERLAP_FRAMES = 6
"""Frames that two consecutive chunks of one run both fill, and over which they are blended: what each of them decides
for itself (donors, masks, unblending) would be seen as a jump otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintChunk:
    """Fill `region` on frames `first`..`last`; frames `search_first`..`search_last` may be donors.

    `place` numbers the larger box that crops are stored for; `tracks` are all tracks in the region on these frames.
    """

    number: int
    first: int
    last: int
    search_first: int
    search_last: int
    region: Box
    place: int
    tracks: tuple[Track, ...]
    motion: Motion
    overlap: int = 0
    """Frames after the last one that are filled too, to be blended with the next chunk's."""
    continues: bool = False
    """It follows another chunk of the same run, and is blended with that one's overlap."""
    kept: tuple[Track, ...] = ()
    """Text in the region that stays in the video: its pixels are never propagated to frames that don't show it."""

    @property
    def rendered_last(self) -> int:
        """The last frame that is filled."""
        return self.last + self.overlap

    def opacity(self, index: int) -> float:
        """Return the weight (0..1) of this chunk's fill on frame `index` against the one of the chunk before."""
        return min(1.0, (index - self.first + 1) / (OVERLAP_FRAMES + 1)) if self.continues else 1.0

    def fills(self, track: Track) -> bool:
        """Return True when a track is on one of the chunk's own frames."""
        return track.first <= self.last and track.last >= self.first

    @property
    def known(self) -> list[int]:
        """All frames that may be used, ascending: those around the chunk, and reference frames further away."""
        return sorted({*range(self.search_first, self.search_last + 1), *self.motion.leaps})


def places(tracks: list[Track], width: int, height: int) -> list[Box]:
    """Return the boxes, apart from each other, in which all text of the video with its context lies."""
    return _joined([_context(track, width, height) for track in tracks])


def plan(
    tracks: list[Track], motion: Motion, frames: int, width: int, height: int, kept: Sequence[Track] = ()
) -> list[InpaintChunk]:
    """Return the chunks that fill every frame of every track, ordered by the last frame that they need."""
    where = places(tracks, width, height)
    jobs: list[InpaintChunk] = []
    spans = _spans(tracks, motion)
    for first, last in spans:
        live = [track for track in tracks if track.first <= last and track.last >= first]
        for region in _joined([_context(track, width, height) for track in live]):
            own = [track for track in live if _context(track, width, height).common(region)]
            start, end = max(first, min(t.first for t in own)), min(last, max(t.last for t in own))
            low, high = _scene(start, end, motion, frames)
            continues = start == first and any(stop == first - 1 for _, stop in spans) and first - 1 not in motion.cuts
            followed = any(begin == end + 1 for begin, _ in spans)
            rest = min(high, max(track.last for track in own)) - end
            near = tuple(
                t for t in tracks if (t.lasting or (t.first <= high and t.last >= low)) and t.extent.common(region)
            )
            jobs.append(
                InpaintChunk(
                    number=0,
                    first=start,
                    last=end,
                    search_first=low,
                    search_last=high,
                    region=region,
                    place=next(n for n, box in enumerate(where) if box.common(region) == region.area),
                    tracks=near,
                    motion=motion.part(low, high),
                    overlap=min(OVERLAP_FRAMES, rest) if followed else 0,
                    continues=continues,
                    kept=tuple(t for t in kept if t.first <= high and t.last >= low and t.extent.common(region)),
                )
            )
    jobs.sort(key=lambda chunk: (chunk.search_last, chunk.first, chunk.region.y0, chunk.region.x0))
    return [replace(chunk, number=number) for number, chunk in enumerate(jobs)]


def raised_steps(
    planned: Sequence[InpaintChunk], steps: Mapping[int, tuple[int, ...]], least: int
) -> dict[int, tuple[int, ...]]:
    """Return the chunks, by number, in which a text was filled by a lower step than in another, with the steps for all.

    A text is filled in one way for its whole life where a change between two chunks would be seen.

    Args:
        planned: the chunks with their tracks.
        steps: for each chunk's number, the step by which each of its tracks was filled.
        least: the step at or above which a fill looks different.
    """
    highest: dict[int, int] = {}
    for chunk in planned:
        for track, step in zip(chunk.tracks, steps[chunk.number], strict=True):
            if chunk.fills(track) and step >= least:
                highest[id(track)] = max(step, highest.get(id(track), 0))
    raised = {
        chunk.number: tuple(
            max(step, highest.get(id(track), 0)) if chunk.fills(track) else step
            for track, step in zip(chunk.tracks, steps[chunk.number], strict=True)
        )
        for chunk in planned
    }
    return {number: own for number, own in raised.items() if own != steps[number]}


def _context(track: Track, width: int, height: int) -> Box:
    """Return the track's box with enough of the scene around it to measure motion on."""
    return track.extent.padded(max(24, height // 16), width, height)


def _joined(boxes: list[Box]) -> list[Box]:
    apart: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.y0, b.x0, b.y1, b.x1)):
        merged = box
        while touching := [other for other in apart if other.common(merged)]:
            for other in touching:
                apart.remove(other)
                merged = merged.united(other)
        apart.append(merged)
    return sorted(apart, key=lambda b: (b.y0, b.x0))


def _spans(tracks: list[Track], motion: Motion) -> list[tuple[int, int]]:
    """Return runs of frames with text, split at shot boundaries and into equal parts of up to `CHUNK_FRAMES`."""
    marked = sorted({index for track in tracks for index in range(track.first, track.last + 1)})
    runs: list[tuple[int, int]] = []
    for index in marked:
        if runs and index == runs[-1][1] + 1 and index - 1 not in motion.cuts:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return [part for first, last in runs for part in _parts(first, last + 1)]


def _parts(start: int, stop: int) -> list[tuple[int, int]]:
    length = stop - start
    count = -(-length // CHUNK_FRAMES)
    ends = [start + length * number // count for number in range(count + 1)]
    return [(first, following - 1) for first, following in pairwise(ends)]


def _scene(first: int, last: int, motion: Motion, frames: int) -> tuple[int, int]:
    """Return the frames of the same shot around `first`..`last`, as far as motion is known and the reach goes."""
    low, high = first, last
    while low > max(0, first - SEARCH_RADIUS) and low - 1 in motion.steps and low - 1 not in motion.cuts:
        low -= 1
    while high < min(frames - 1, last + SEARCH_RADIUS) and high in motion.steps and high not in motion.cuts:
        high += 1
    return low, high
