"""Long-term reference frames, for text that stays so long that no frame within the search radius shows the scene."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from preflight.engine.core.box import Box
from preflight.engine.inpaint.chunk_plan import SEARCH_RADIUS, InpaintChunk
from preflight.engine.model.track import Track
from preflight.engine.motion.camera import Matrix, Motion

_OFFSETS = (0, 1, 3, 7)
"""Frames from the first one that shows what a text hides: on some of them something else may be in the way."""
_LARGER = 2.0
"""Largest ratio of the scene's scale on a reference frame to that on the filled frame."""
_IN_THE_WAY = 0.25
"""Share of a text's box at or above which another text in it hides the same."""


def with_reference_frames(
    planned: Sequence[InpaintChunk], tracks: Sequence[Track], motion: Motion
) -> list[InpaintChunk]:
    """Return the chunks with their reference frames: direct motion to them, and the tracks that cover them.

    They are of the same shot, and what text hides has not left the region on them. For all jobs they come in one
    order: the nearest before a text, the nearest after it, the next before it and so on.
    """
    wanted: list[dict[int, Box]] = [{} for _ in planned]
    for track in tracks:
        clear = _clear(track, tracks)
        frames = [end + step * offset for offset in _OFFSETS for end, step in clear]
        for chunk, boxes in zip(planned, wanted, strict=True):
            if frames and _needs(chunk, track, [end for end, _ in clear]):
                boxes |= {index: track.box.united(boxes.get(index, track.box)) for index in frames}
    # Motion is accumulated once from each reference frame to all chunks: that takes as long as the text lasts.
    starts: dict[int, set[int]] = {}
    for chunk, boxes in zip(planned, wanted, strict=True):
        for index in boxes:
            starts.setdefault(index, set()).add(chunk.first)
    ways = {index: motion.from_frame(index, firsts) for index, firsts in starts.items()}
    return [_with_references(chunk, boxes, ways, tracks) for chunk, boxes in zip(planned, wanted, strict=True)]


def _clear(track: Track, tracks: Sequence[Track]) -> list[tuple[int, int]]:
    """Return the nearest frames before and after a long still text that show what it hides, with the way on from each.

    Where none is known, text that comes or goes little by little shows it itself at its ends.
    """
    if (
        track.path is not None
        or track.lasting
        or track.masks.plate is not None
        or track.last - track.first < SEARCH_RADIUS
    ):
        return []
    alike = [t for t in tracks if not t.lasting and t.extent.common(track.box) > _IN_THE_WAY * track.box.area]
    found = []
    for direction, own, gradual in zip((-1, 1), (track.first, track.last), track.evidence.gradual, strict=True):
        end = _beyond(track, alike, direction)
        if end is not None:
            found.append((end, direction))
        elif gradual:
            found.append((own, -direction))
    return found


def _beyond(track: Track, alike: Sequence[Track], direction: int) -> int | None:
    """Return the frame that follows a text, and those that take its place one after the other; None where unknown."""
    end, over = 0, [track]
    while over:
        if not (over[0].evidence.vanishes if direction > 0 else over[0].evidence.appears):
            return None
        end = over[0].last + 1 if direction > 0 else over[0].first - 1
        over = [t for t in alike if t.first <= end <= t.last]
    return end


def _needs(chunk: InpaintChunk, track: Track, clear: Collection[int]) -> bool:
    """Return True when a chunk fills a text and no clear frame is within its search radius."""
    on = track.first <= chunk.last and track.last >= chunk.first and track.box.common(chunk.region) > 0
    return on and not any(chunk.search_first <= index <= chunk.search_last for index in clear)


def _with_references(
    chunk: InpaintChunk, boxes: Mapping[int, Box], ways: Mapping[int, Mapping[int, Matrix]], tracks: Sequence[Track]
) -> InpaintChunk:
    """Return a chunk with those reference frames that have a motion in `ways` and show one of `boxes` in its region."""
    leaps = {}
    for index, box in boxes.items():
        back = ways[index].get(chunk.first)
        # Over so many frames what is measured may have drifted beyond all sense.
        if back is not None and 1 / _LARGER**2 < np.linalg.det(back) < _LARGER**2:
            way = np.asarray(np.linalg.inv(back), np.float64)
            if _moved(box, way).common(chunk.region):
                leaps[index] = (chunk.first, way)
    if not leaps:
        return chunk
    near = [t for t in tracks if t.extent.common(chunk.region) and any(t.first <= index <= t.last for index in leaps)]
    more = [track for track in near if all(track is not known for known in chunk.tracks)]
    return replace(chunk, tracks=(*chunk.tracks, *more), motion=replace(chunk.motion, leaps=leaps))


def _moved(box: Box, way: Matrix) -> Box:
    """Return the box around a moved one."""
    corners = np.array([[x, y, 1.0] for x in (box.x0, box.x1) for y in (box.y0, box.y1)])
    x, y = way[:2] @ corners.T
    return Box(int(x.min()), int(y.min()), int(x.max()), int(y.max()))
