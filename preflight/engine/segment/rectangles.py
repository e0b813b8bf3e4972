"""Rectangles of one colour behind a line of text, or behind a part of it.

A box that a renderer draws is a rectangle with sharp, straight edges. Where the scene beside it has its colour, the
flat area has no end in sight, but the edges are still seen along the rest of their length. Where two captions overlap,
the box of one holds a part of the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BGR, BoolMask, ColorVector, FloatMap, channel_max, dilate
from preflight.engine.core.box import Box
from preflight.engine.segment.settings import BACKING_BOX, RECTANGLE


def find_rectangles(crop: BGR, spread: FloatMap, fill: BoolMask, text_height: int) -> list[tuple[Box, BoolMask]]:
    """Return the rectangles that hold the letters `fill` or a part of them, each with the pixels of its colour.

    Args:
        crop: median crop of the text and its surroundings, (height, width, 3).
        spread: variation over the frames, (height, width), levels.
        fill: body of the letters of one line.
        text_height: in pixels.
    """
    if not fill.any():
        return []
    line, found = _letters(fill), []
    for color in _ground_colors(crop, fill, line):
        same = (channel_max(np.abs(crop - color)) < BACKING_BOX.flat) & (spread < BACKING_BOX.steady)
        solid = same | dilate(fill, 2)
        for start, end in _runs(solid[line.y0 : line.y1].mean(axis=0) > RECTANGLE.column, text_height):
            box = _grown(solid, Box(start, line.y0, end, line.y1), text_height)
            if box is not None and _is_sharp(same, box) and _is_flat(same[box.slices], fill[box.slices]):
                found.append((box, same))
    return found


def _letters(fill: BoolMask) -> Box:
    """Return the rectangle around the letters, without single pixels that are none of theirs."""
    rows, columns = np.nonzero(fill)
    top, bottom = np.quantile(rows, (RECTANGLE.outliers, 1 - RECTANGLE.outliers)).astype(int).tolist()
    return Box(int(columns.min()), top, int(columns.max()) + 1, bottom + 1)


def _ground_colors(crop: BGR, fill: BoolMask, line: Box) -> Iterator[ColorVector]:
    """Yield the common colours of the ground between and around the letters of a line."""
    among = np.zeros(fill.shape, bool)
    among[line.slices] = True
    samples = crop[among & ~dilate(fill, 2)].astype(np.float32)
    if len(samples) < BACKING_BOX.least_ground_pixels:
        return
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1.0)
    _, labels, _ = cv2.kmeans(samples, RECTANGLE.colors, None, stop, 3, cv2.KMEANS_PP_CENTERS)
    for label in range(RECTANGLE.colors):
        own = samples[labels.ravel() == label]
        if len(own) > RECTANGLE.least_share * len(samples):
            yield np.median(own, axis=0).astype(np.float32)


def _runs(columns: NDArray[np.bool_], text_height: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of columns that is long enough for a box."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], columns.astype(np.int8), [0]))))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - start > RECTANGLE.least_length * text_height:
            yield start, end


def _grown(solid: BoolMask, box: Box, text_height: int) -> Box | None:
    """Return a box grown up and down to where the solid area ends; None without an end or without a margin."""
    rows = solid[:, box.x0 : box.x1].mean(axis=1) > RECTANGLE.row
    most = round(RECTANGLE.margin * text_height)
    top, bottom = box.y0, box.y1
    while top > 0 and rows[top - 1] and box.y0 - top < most:
        top -= 1
    while bottom < len(rows) and rows[bottom] and bottom - box.y1 < most:
        bottom += 1
    margins = box.y0 - top, bottom - box.y1
    ends = top > 1 and bottom < len(rows) - 1 and max(margins) < most
    return Box(box.x0, top, box.x1, bottom) if ends and min(margins) >= RECTANGLE.least_margin else None


def _is_flat(same: BoolMask, fill: BoolMask) -> bool:
    """Return True when a rectangle has its colour everywhere but at the letters, and is thicker than outlines are."""
    size = max(3, int(fill.any(axis=1).sum()) // 4)
    kernel = np.ones((size, size), np.uint8)
    thick = cv2.morphologyEx(same.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    even = float(same[~dilate(fill, 2)].mean()) > RECTANGLE.even
    return even and bool(thick.sum() > RECTANGLE.thick * same.sum())


def _is_sharp(same: BoolMask, box: Box) -> bool:
    """Return True when the colour ends at all four edges of a box, or at the frame's sides."""
    height, width = same.shape
    rows, columns = slice(box.y0, box.y1), slice(box.x0, box.x1)
    pairs = [
        (same[box.y0 + 1, columns], same[max(0, box.y0 - 3), columns]),
        (same[box.y1 - 2, columns], same[min(height - 1, box.y1 + 2), columns]),
    ]
    if box.x0 > 2:
        pairs.append((same[rows, box.x0 + 1], same[rows, box.x0 - 3]))
    if box.x1 < width - 2:
        pairs.append((same[rows, box.x1 - 2], same[rows, min(width - 1, box.x1 + 2)]))
    return all(float((inner & ~outer).mean()) > RECTANGLE.sharp for inner, outer in pairs)
