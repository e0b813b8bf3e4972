"""The scene behind translucent text of a chunk, recovered from the frame itself: behind fades and behind watermarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from preflight.engine.alpha import fade as fades
from preflight.engine.alpha.fade_curve import FadingText
from preflight.engine.alpha.matte import unblend
from preflight.engine.core.arrays import BoolMask
from preflight.engine.core.yuv import Planes
from preflight.engine.inpaint.chunk_plan import InpaintChunk
from preflight.engine.inpaint.inpainter import UnblendedRegion
from preflight.engine.inpaint.translucent_marks import TranslucentMark
from preflight.engine.model.rasterize import rasterize
from preflight.engine.model.track import Track

PlaneReader = Callable[[int], Planes[np.uint8]]
"""Returns the planes of a chunk's region on a frame."""


def with_fade(track: Track, others: Sequence[Track], chunk: InpaintChunk, planes_at: PlaneReader) -> Track:
    """Return a track with its fitted fade, if it has one. `others` may cover parts of it."""
    if not track.may_fade:
        return track
    place = _place(track, chunk)
    text = FadingText(
        mask=track.masks.usual,
        height=track.line.text_height,
        first=track.first,
        last=track.last,
        known=chunk.known,
        luma=lambda index: planes_at(index).luma[place],
        color=lambda index: planes_at(index).to_ycbcr()[place],
        hidden=lambda index: rasterize(others, index, track.box, hidden=True),
    )
    return track.with_masks(fade=fades.fit_fade(text))


def seen_through(
    chunk: InpaintChunk,
    index: int,
    planes_at: PlaneReader,
    hidden: Callable[[int], BoolMask],
    marks: Sequence[TranslucentMark],
) -> UnblendedRegion | None:
    """Return a chunk's region on frame `index` with fading text and `marks` unblended; None when there are none.

    `hidden` returns the mask of all text on a frame.
    """
    fading = [
        (track, track.masks.fade)
        for track in chunk.tracks
        if track.masks.fade is not None and index in track.masks.fade.opacity
    ]
    if not fading and not marks:
        return None
    seen, hole = planes_at(index).to_ycbcr(), hidden(index)
    texts = [
        (track, track.mask_on(index), unblend(seen[_place(track, chunk)], fade.matte(index))) for track, fade in fading
    ]
    standing = [(mark.track, *lifted) for mark in marks if (lifted := mark.lifted(index, seen)) is not None]
    scene, doubt, rest = seen.astype(np.float32), np.zeros(hole.shape, np.float32), hole
    for track, own, shown in (*texts, *standing):
        place = _place(track, chunk)
        scene[place][own], doubt[place][own], rest[place][own] = shown.scene[own], shown.error[own], False
    marked = np.zeros(hole.shape, bool)
    for track, own, _ in standing:
        marked[_place(track, chunk)][own] = True
    gone = [track for track, *_ in (*texts, *standing)]
    lasting = [track for track in chunk.tracks if not any(track is other for other in gone)]
    rest |= rasterize(lasting, index, chunk.region, hidden=True)
    return UnblendedRegion(Planes.from_ycbcr(np.clip(np.rint(scene), 0, 255).astype(np.uint8)), doubt, rest, marked)


def fade_donors(chunk: InpaintChunk) -> frozenset[int]:
    """Return the frames of a chunk on which a fade is so faint that the scene behind it can be used as a donor."""
    return frozenset(
        index for track in chunk.tracks if track.masks.fade is not None for index in track.masks.fade.faintest
    )


def _place(track: Track, chunk: InpaintChunk) -> tuple[slice, slice]:
    return track.box.moved(-chunk.region.x0, -chunk.region.y0).slices
