"""The strokes of a text that stays while the scene moves behind it, by the edges that all looks have in common.

The median of the gradients over many frames keeps the edges of what stays and loses those of what passes (Dekel et al.,
*On the Effectiveness of Visible Watermarks*, CVPR 2017), however much of the scene the text lets through.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from preflight.local.engine.glyphs import Mask, Picture
from preflight.local.engine.smooth import Field

LEAST_LOOKS = 12
_CLEAR, _LEAST_EDGE = 4.0, 2.5
"""How much steeper than the scene's remains an edge is, and gray levels a sample that it has at least."""
_INSIDE = 0.8
"""Share of the edges that lie on the line of text, where they are the text's."""
_SPARSE, _DENSE = 0.05, 0.85
"""Shares of the line that strokes and their rims cover."""
_RIM = 2
"""Samples around the strokes that are tinted by them."""


def strokes(looks: Sequence[Picture], line: Mask, text_height: int) -> Mask | None:
    """Return what the text in `line` paints on equally large gray `looks`; None when that can't be told from the scene.

    Looks should be some frames apart, so that the scene has moved between them.
    """
    if len(looks) < LEAST_LOOKS or line.all():
        return None
    steepness = np.hypot(*(_median_slope(looks, across) for across in (True, False)))
    least = max(_LEAST_EDGE, _CLEAR * float(np.percentile(steepness[~line], 75)))
    edges = steepness > least
    if not edges.any() or edges[line].sum() < _INSIDE * edges.sum():
        return None
    width = max(3, text_height // 6) | 1
    size = 2 * _RIM + 1
    body = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((width, width), np.uint8))
    mask: Mask = cv2.dilate(body, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
    return mask if _SPARSE < mask[line].mean() < _DENSE else None


def _median_slope(looks: Sequence[Picture], across: bool) -> Field:
    order = (1, 0) if across else (0, 1)
    slopes = np.stack([cv2.Sobel(look, cv2.CV_16S, *order, ksize=3) for look in looks])
    median: Field = (np.median(slopes, axis=0) / 8).astype(np.float32)
    return median
