"""Mask refinement of text that stays while the scene moves behind it, by the median of its gradients over many frames.

The median of the gradients over many frames keeps the edges of what stays and loses those of what passes (Dekel et al.,
*On the Effectiveness of Visible Watermarks*, CVPR 2017), however much of the scene the text lets through.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from preflight.engine.core.arrays import BoolMask, FloatImage, Gray
from preflight.engine.inpaint.settings import REFINEMENT
from preflight.engine.model.track import Track


def is_vague(track: Track) -> bool:
    """Return True for a text that stays whose mask covers so much that it takes in the scene."""
    moves = track.path is not None or track.scaled
    by_itself = bool(track.text) and track.masks.plate is None and not track.lasting
    return by_itself and not moves and track.masks.usual.sum() > REFINEMENT.vague_cover * track.line.area


def refine_track(track: Track, crops: Sequence[Gray]) -> Track:
    """Return a track with the mask of the strokes common to its gray `crops`, or else clipped to its line."""
    line, pad = track.line.moved(-track.box.x0, -track.box.y0), track.line.text_height // 8
    inside, around = (np.zeros(track.masks.usual.shape, bool) for _ in range(2))
    inside[line.slices] = True
    around[max(0, line.y0 - pad) : line.y1 + pad, max(0, line.x0 - pad) : line.x1 + pad] = True
    found = common_strokes(crops, inside, track.line.text_height)
    return track.with_masks(usual=track.masks.usual & around if found is None else found)


def common_strokes(crops: Sequence[Gray], line: BoolMask, text_height: int) -> BoolMask | None:
    """Return the mask of the text in `line` from gray images of its box; None when it is not clear.

    Crops should be some frames apart, so that the scene has moved between them.
    """
    if len(crops) < REFINEMENT.least_samples or line.all():
        return None
    steepness = np.hypot(*(_median_slope(crops, across) for across in (True, False)))
    least = max(REFINEMENT.least_slope, REFINEMENT.edge_ratio * float(np.percentile(steepness[~line], 75)))
    edges = steepness > least
    if not edges.any() or edges[line].sum() < REFINEMENT.inside_share * edges.sum():
        return None
    edges &= line
    width = max(3, text_height // 6) | 1
    size = 2 * REFINEMENT.rim + 1
    closed = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((width, width), np.uint8))
    # Wide strokes are more than their edges.
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    body = cv2.drawContours(closed, outlines, -1, 1, cv2.FILLED)
    mask: BoolMask = cv2.dilate(body, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
    return mask if REFINEMENT.least_cover < mask[line].mean() < REFINEMENT.most_cover else None


def _median_slope(crops: Sequence[Gray], across: bool) -> FloatImage:
    order = (1, 0) if across else (0, 1)
    slopes = np.stack([cv2.Sobel(crop, cv2.CV_16S, *order, ksize=3) for crop in crops])
    median: FloatImage = (np.median(slopes, axis=0) / 8).astype(np.float32)
    return median
