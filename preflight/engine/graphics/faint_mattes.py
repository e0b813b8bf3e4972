"""Faint marks of agencies are unblended: a fill of half of the picture would be seen more than the mark itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from preflight.engine.alpha.ink_matte import InkMatte, fit_inks
from preflight.engine.core.arrays import YCbCr
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes
from preflight.engine.graphics.settings import DETECTOR, FAINT
from preflight.engine.media.decode import Frame
from preflight.engine.model.known_marks import is_agency
from preflight.engine.model.track import Track


def with_films(
    tracks: list[Track], frames: Callable[[], Iterable[Frame]], size: tuple[int, int], count: int
) -> list[Track]:
    """Return tracks, large marks of agencies with the matte by which they are unblended, without pieces of them.

    Args:
        tracks: what is to be removed.
        frames: decodes the video from its first frame on.
        size: width and height of its frames.
        count: number of its frames.
    """
    places = {id(track): _place(track, size) for track in tracks if _may_be_film(track, size, count)}
    if not places:
        return tracks
    step = max(1, count // FAINT.samples)
    samples: dict[int, list[YCbCr]] = {number: [] for number in places}
    for frame in frames():
        if frame.index % step == step // 2:
            whole = Planes(frame.y, np.dstack((frame.u, frame.v)))
            for number, place in places.items():
                samples[number].append(whole.inside(place).to_ycbcr())
    found = {number: fit_inks(np.stack(looks)) for number, looks in samples.items()}
    marks = [_film(track, places[id(track)], ink) for track in tracks if (ink := found.get(id(track))) is not None]
    rest = [track for track in tracks if found.get(id(track)) is None]
    return [track for track in rest if not any(_is_piece(track, mark) for mark in marks)] + marks


def _may_be_film(track: Track, size: tuple[int, int], count: int) -> bool:
    """Return True for a large mark of an agency that stays at its place for most of the video."""
    lasts = track.frames > DETECTOR.always * count and count >= DETECTOR.least_samples
    large = track.line.width > FAINT.width * size[0] and track.line.height > FAINT.height * size[1]
    return track.path is None and lasts and large and is_agency(track.text)


def _place(track: Track, size: tuple[int, int]) -> Box:
    """Return the line of a mark with a margin that the mark does not cover."""
    return track.line.padded(max(FAINT.margin, track.line.text_height // 3), *size)


def _film(track: Track, place: Box, ink: InkMatte) -> Track:
    masks = replace(track.masks, usual=np.zeros(ink.covered.shape, bool), rim=None, fade=None, film=ink.matte)
    return replace(track, box=place, first=0, masks=replace(masks, at_ends=(), by_frame={}))


def _is_piece(track: Track, mark: Track) -> bool:
    """Return True for what a detector of marks found of the same mark."""
    inside = track.line.common(mark.line) > FAINT.inside * track.line.area
    return inside and (not track.text or is_agency(track.text))
