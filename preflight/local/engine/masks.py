"""What text paints on a frame's region, put together from the tracks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Mask
from preflight.local.engine.tracks import Track


def paint(tracks: Iterable[Track], index: int, region: Box) -> Mask:
    """Return what the tracks that are on at frame `index` paint of `region`."""
    mask = np.zeros((region.height, region.width), bool)
    for track in tracks:
        if not track.first <= index <= track.last:
            continue
        box = track.place(index)
        x0, y0, x1, y1 = max(box.x0, region.x0), max(box.y0, region.y0), min(box.x1, region.x1), min(box.y1, region.y1)
        if x0 < x1 and y0 < y1:
            own = track.mask[y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0]
            mask[y0 - region.y0 : y1 - region.y0, x0 - region.x0 : x1 - region.x0] |= own
    return mask


def coarse(mask: Mask) -> Mask:
    """Return the half-size mask of chroma samples that any masked luma sample shares; sides must be even."""
    height, width = mask.shape
    blocks = mask.reshape(height // 2, 2, width // 2, 2)
    return np.asarray(blocks.max(axis=(1, 3)), bool)
