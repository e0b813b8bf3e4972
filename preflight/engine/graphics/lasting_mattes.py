"""Alpha mattes of texts and marks that stay for most of a video, fitted once to samples of all of it.

A chunk of the inpainting sees a few seconds, in which the scene may hardly change. One matte for the whole video is the
more exact one, and it is the same in all chunks, so the result does not alternate between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from preflight.engine.alpha.settings import WATERMARK
from preflight.engine.alpha.watermark_matte import WatermarkSample, fit_watermark
from preflight.engine.core.arrays import YCbCr
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes
from preflight.engine.graphics.settings import DETECTOR
from preflight.engine.media.decode import Frame
from preflight.engine.model.rasterize import rasterize
from preflight.engine.model.track import Track

_LEAST_HEIGHT = 28
"""Minimum text height, pixels. Coding mixes thinner strokes with the scene, so that opaque ones look translucent."""
_MOST_PIXELS = 12_000_000
"""Maximum number of pixels of all samples of one text: as real values of three channels they take 144 MB."""


def fit_lasting_mattes(tracks: list[Track], frames: Callable[[], Iterable[Frame]], count: int) -> list[Track]:
    """Return the tracks, those that are translucent and stay for most of the video with their matte.

    Args:
        tracks: what is to be removed.
        frames: decodes the video from its first frame on.
        count: number of its frames.
    """
    lasting = [track for track in tracks if _may_have_matte(track, count)]
    if not lasting or count < WATERMARK.least_samples:
        return tracks
    step = max(1, count // WATERMARK.most_samples)
    samples: dict[int, list[WatermarkSample]] = {id(track): [] for track in lasting}
    for frame in frames():
        if frame.index % step:
            continue
        for track in lasting:
            stride = -(-WATERMARK.most_samples * track.box.area // _MOST_PIXELS)
            if track.first <= frame.index <= track.last and frame.index // step % stride == 0:
                others = rasterize((t for t in tracks if t is not track), frame.index, track.box, hidden=True)
                samples[id(track)].append(WatermarkSample(_part(frame, track.box), others))
    mattes = {id(track): fit_watermark(samples[id(track)], track.masks.usual) for track in lasting}
    return [
        replace(track, masks=replace(track.masks, matte=mattes[id(track)])) if id(track) in mattes else track
        for track in tracks
    ]


def _may_have_matte(track: Track, count: int) -> bool:
    """Return True for what stays at its place, as it is, for most of the video."""
    masks = track.masks
    plain = not track.needs_no_donors and masks.counter is None and not masks.by_frame
    stays = track.path is None and not track.scaled and not track.lasting
    lasts = track.last - track.first + 1 > DETECTOR.always * count
    fits = WATERMARK.least_samples * track.box.area <= _MOST_PIXELS
    return plain and stays and lasts and fits and track.line.text_height >= _LEAST_HEIGHT


def _part(frame: Frame, box: Box) -> YCbCr:
    """Return what a frame shows inside a box with even corners."""
    whole = Planes(frame.y, np.dstack((frame.u, frame.v)))
    return whole.inside(box).to_ycbcr()
