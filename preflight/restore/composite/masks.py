"""From changed blocks to the regions that are taken from the service's picture: exact masks with room around them."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from preflight.restore.composite.changes import BlockMask
from preflight.restore.composite.frames import Picture, Samples
from preflight.restore.composite.geometry import Area
from preflight.restore.composite.spool import ChangedRegion

PIXEL_FLOOR = 4
"""Gray levels of difference, smoothed, from which a sample near a changed block is changed too."""
MARGIN = 5
"""Samples by which changed samples are grown: what encoders smear around a letter."""
RING = 24
"""Samples around the changed ones that are kept, to compare the service's picture with the source there."""
_REACH = 2
"""Blocks around a changed block in which samples are looked at."""


def regions(
    blocks: BlockMask, sent: Picture, aligned: Picture, cleaned: Picture, shift: tuple[float, float]
) -> Iterator[ChangedRegion]:
    """Yield the regions of a frame.

    Args:
        blocks: changed blocks.
        sent: the picture that was sent.
        aligned: the service's picture, put where it was in the picture sent.
        cleaned: the service's picture as it came.
        shift: where its samples are, as of `Alignment`.
    """
    if not blocks.any():
        return
    mask = _sample_mask(blocks, sent, aligned)
    height, width = mask.shape
    near = cv2.dilate(mask, np.ones((2 * RING + 1, 1), np.uint8))
    near = cv2.dilate(near, np.ones((1, 2 * RING + 1), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    for x, y, across, down, _ in boxes[1:count]:
        box = Area(int(x) & ~1, int(y) & ~1, int(x + across + 1) & ~1, int(y + down + 1) & ~1)
        box = box.clipped(width & ~1, height & ~1)
        half = box.divided(2, 2)
        picture = Picture(cleaned.y[box.slices], cleaned.u[half.slices], cleaned.v[half.slices])
        yield ChangedRegion(box=box, picture=picture, mask=mask[box.slices] > 0, shift=shift)


def _sample_mask(blocks: BlockMask, sent: Picture, aligned: Picture) -> Samples:
    """Return the mask (0 or 1) of all changed samples, with a margin."""
    height, width = sent.y.shape
    rows, columns = blocks.shape
    near = cv2.dilate(blocks.astype(np.uint8), np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8))
    found = np.argwhere(near)
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0) + 1
    # A grid of whole blocks covers a picture whose sides are no multiples of a block a little coarser.
    box = Area(left * width // columns, top * height // rows, -(-right * width // columns), -(-bottom * height // rows))
    size = (box.x1 - box.x0, box.y1 - box.y0)
    window = (slice(top, bottom), slice(left, right))
    room = cv2.resize(near[window], size, interpolation=cv2.INTER_NEAREST)
    core = cv2.resize(blocks[window].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    difference = cv2.blur(cv2.absdiff(sent.y[box.slices], aligned.y[box.slices]), (3, 3))
    for one, other in zip(sent[1:], aligned[1:], strict=True):
        half = box.divided(2, 2)
        chroma = cv2.absdiff(one[half.slices], other[half.slices])
        doubled = cv2.resize(chroma, (2 * chroma.shape[1], 2 * chroma.shape[0]), interpolation=cv2.INTER_NEAREST)
        row, column = box.y0 - 2 * half.y0, box.x0 - 2 * half.x0
        difference = cv2.max(difference, doubled[row : row + size[1], column : column + size[0]])
    changed = ((difference >= PIXEL_FLOOR).astype(np.uint8) & room) | core
    mask = np.zeros((height, width), np.uint8)
    mask[box.slices] = changed
    grown = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * MARGIN + 1, 2 * MARGIN + 1))
    outer = Area(box.x0 - MARGIN, box.y0 - MARGIN, box.x1 + MARGIN, box.y1 + MARGIN).clipped(width, height)
    mask[outer.slices] = cv2.dilate(mask[outer.slices], grown)
    return mask
