"""Flat bands beside a picture (letterboxes, caption bands), which are filled from their own colour alone."""

from __future__ import annotations

import numpy as np

from preflight.engine.core.arrays import BoolMask, FloatImage
from preflight.engine.core.harmonic_fill import harmonic_inpaint
from preflight.engine.inpaint.settings import BANDS, BandSettings


def band_edges(luma: FloatImage, visible: BoolMask, settings: BandSettings = BANDS) -> tuple[int, ...]:
    """Return the rows at which a flat band ends that reaches in from the top or from the bottom.

    Args:
        luma: (height, width), in gray levels.
        visible: (height, width), where no text is.
        settings: thresholds.

    Returns:
        Ascending numbers of the first row behind each edge, even; none, one or two.
    """
    count = np.maximum(visible.sum(1), 1)
    mean = np.where(visible, luma, 0).sum(1) / count
    square = np.where(visible, luma**2, 0).sum(1) / count
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    known = visible.mean(1) >= settings.least_visible
    top = _band_height(mean, deviation, known, settings)
    bottom = _band_height(mean[::-1], deviation[::-1], known[::-1], settings)
    height = len(mean)
    edges = [-(-top // 2) * 2] if top else []
    edges += [(height - bottom) // 2 * 2] if bottom and height - bottom > top else []
    return tuple(edge for edge in edges if 0 < edge < height)


def _band_height(mean: FloatImage, deviation: FloatImage, known: BoolMask, settings: BandSettings) -> int:
    """Return how many rows from the first one on are of one colour; 0 when no edge ends them."""
    flat = (deviation < settings.flat) & (np.abs(mean - np.median(mean[: settings.least_rows])) < settings.flat)
    ends = np.flatnonzero(~flat & known)
    if not len(ends) or not settings.least_rows <= ends[0] <= len(mean) - settings.least_rows:
        return 0
    first = int(ends[0])
    beyond = slice(first + 1, first + 1 + settings.least_rows)
    apart = np.abs(mean[beyond] - np.median(mean[:first])) + deviation[beyond]
    return first if float(np.median(apart)) > settings.contrast else 0


def inpaint_parts(image: FloatImage, hole: BoolMask, edges: tuple[int, ...]) -> FloatImage:
    """Return an image whose hole is filled harmonically, each part between two `edges` from its own pixels alone."""
    starts, ends = (0, *edges), (*edges, len(hole))
    parts = [harmonic_inpaint(image[start:end], hole[start:end]) for start, end in zip(starts, ends, strict=True)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
