"""What text paints on a frame's region, put together from the tracks."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Mask
from preflight.local.engine.tracks import Track

WIDEST = 2
"""How often masks can be widened: first the strokes, then to the whole line."""


def paint(tracks: Iterable[Track], index: int, region: Box, widened: int = 0, *, hidden: bool = False) -> Mask:
    """Return what the tracks that are on at frame `index` paint of `region`, their masks `widened` so many times.

    With `hidden`, also what lasting tracks cover at other times: all that the frame can't lend.
    """
    mask = np.zeros((region.height, region.width), bool)
    for track in tracks:
        if not (track.first <= index <= track.last or (hidden and track.lasting)):
            continue
        box = track.place(index)
        x0, y0, x1, y1 = max(box.x0, region.x0), max(box.y0, region.y0), min(box.x1, region.x1), min(box.y1, region.y1)
        if x0 < x1 and y0 < y1:
            own = wide(track, index, widened)[y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0]
            mask[y0 - region.y0 : y1 - region.y0, x0 - region.x0 : x1 - region.x0] |= own
    return mask


def wide(track: Track, index: int, widened: int) -> Mask:
    """Return a track's mask on frame `index`, widened 0, 1 or 2 times."""
    mask = track.mask_on(index)
    if widened == 0:
        return mask
    if widened == 1:
        size = 2 * max(2, track.line.text_height // 8) + 1
        grown = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
        return np.asarray(grown > 0, bool)
    whole = np.zeros(mask.shape, bool)
    pad = max(2, track.line.text_height // 8)
    line = track.line.moved(-track.box.x0, -track.box.y0)
    whole[max(0, line.y0 - pad) : line.y1 + pad, max(0, line.x0 - pad) : line.x1 + pad] = True
    return mask | whole


def coarse(mask: Mask) -> Mask:
    """Return the half-size mask of chroma samples that any masked luma sample shares; sides must be even."""
    height, width = mask.shape
    blocks = mask.reshape(height // 2, 2, width // 2, 2)
    return np.asarray(blocks.max(axis=(1, 3)), bool)
