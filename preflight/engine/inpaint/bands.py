"""Flat bands beside a picture (letterboxes, caption bands), which are filled from their own colour alone."""

from __future__ import annotations

import numpy as np

from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap, dilate
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
    # Pixels right beside text are tinted by it, and text that was not found lies on some of a row's pixels.
    visible = ~dilate(~visible, settings.margin)
    rows = np.where(visible, luma, np.nan)[:, :: settings.column_step].astype(np.float32)
    mean = _quantiles(rows, 0.5)
    deviation = _quantiles(np.abs(rows - mean[:, None]), settings.row_share)
    known = visible.mean(1) >= settings.least_visible
    top = _band_height(mean, deviation, known, settings)
    bottom = _band_height(mean[::-1], deviation[::-1], known[::-1], settings)
    height = len(mean)
    edges = [-(-top // 2) * 2] if top else []
    edges += [(height - bottom) // 2 * 2] if bottom and height - bottom > top else []
    return tuple(edge for edge in edges if 0 < edge < height)


def _quantiles(rows: FloatMap, share: float) -> FloatMap:
    """Return the quantile of each row's numbers, 0 for a row without any."""
    count = np.isfinite(rows).sum(1)
    place = (np.maximum(count - 1, 0) * share).astype(np.int64)
    found = np.sort(rows, axis=1)[np.arange(len(rows)), place]
    return np.where(count > 0, found, 0).astype(np.float32)


def _band_height(mean: FloatImage, deviation: FloatImage, known: BoolMask, settings: BandSettings) -> int:
    """Return how many rows from the first one on are of one colour; 0 when no edge ends them."""
    if known.sum() < 2 * settings.least_rows:
        return 0
    level = np.median(mean[known][: settings.least_rows])
    flat = (deviation < settings.flat) & (np.abs(mean - level) < settings.flat)
    ends = np.flatnonzero(~flat & known)
    if not len(ends) or not settings.least_rows <= ends[0] <= len(mean) - settings.least_rows:
        return 0
    first = int(ends[0])
    beyond = np.flatnonzero(known[first + 1 :])[: settings.least_rows] + first + 1
    apart = np.abs(mean[beyond] - level) + deviation[beyond]
    return first if apart.size and float(np.median(apart)) > settings.contrast else 0


def inpaint_parts(image: FloatImage, hole: BoolMask, edges: tuple[int, ...]) -> FloatImage:
    """Return an image whose hole is filled harmonically, each part between two `edges` from its own pixels alone."""
    starts, ends = (0, *edges), (*edges, len(hole))
    parts = [harmonic_inpaint(image[start:end], hole[start:end]) for start, end in zip(starts, ends, strict=True)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
