"""The strokes of a text: the body of its letters, by their colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap, Gray, channel_max
from preflight.engine.segment.settings import STROKES


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """The body of the letters.

    Attributes:
        fill: its pixels, (height, width).
        color: its blue, green, red.
        certainty: score from 0 upwards.
        bright: the letters are brighter than their surroundings.
    """

    fill: BoolMask
    color: tuple[float, float, float]
    certainty: float
    bright: bool = True

    @property
    def found(self) -> bool:
        """True when anything like letters was found."""
        return int(self.fill.sum()) >= STROKES.least_pixels

    @property
    def bleed(self) -> int:
        """Pixels beyond the fill that its colour tints: vivid colours spread through half-size chroma."""
        return STROKES.bleed if max(self.color) - min(self.color) > STROKES.vivid else 0


def median_and_spread(crops: list[BGR]) -> tuple[BGR, FloatMap]:
    """Return the median of equally large images and the variation of each pixel.

    The variation is the median absolute deviation, scaled to a standard deviation: some frames without the text must
    not make its letters look unsteady.

    Args:
        crops: (height, width, 3) each.

    Returns:
        Median, (height, width, 3), and variation, (height, width), levels.
    """
    stack = np.stack(crops)
    median = np.median(stack, axis=0).astype(np.uint8)
    apart = np.stack([channel_max(cv2.absdiff(crop, median)) for crop in crops])
    return median, (np.median(apart, axis=0) * 1.48).astype(np.float32)


def find_strokes(crop: BGR, spread: FloatMap, text_height: int, inner: BoolMask) -> Strokes:
    """Return the letters' body: the steady, flat, stroke-wide colour that spans the line best.

    Args:
        crop: median crop of the text, (height, width, 3).
        spread: variation over the frames, (height, width), levels.
        text_height: in pixels.
        inner: the line's own rectangle, (height, width).
    """
    best = Strokes(fill=np.zeros(crop.shape[:2], bool), color=(0.0, 0.0, 0.0), certainty=0.0)
    for bright, favour in ((True, 1.1), (False, 1.0)):
        hat = _hat(crop, text_height, bright=bright)
        for color, score in _flat_colors(crop, spread, hat, inner, text_height):
            if score * favour <= best.certainty:
                continue
            fill = _of_color(crop, spread, hat, inner, color, text_height)
            certainty = score * favour * min(1.0, 1.2 - _barred(fill, text_height)) ** 2
            if certainty > best.certainty and _is_ground(crop, spread, fill, inner, color):
                certainty *= STROKES.gap_factor
            if certainty > best.certainty:
                best = Strokes(fill=fill, color=color, certainty=certainty, bright=bright)
    return best


def stroke_candidates(crop: BGR, spread: FloatMap, text_height: int, inner: BoolMask) -> Iterator[Strokes]:
    """Yield all bodies of stroke-wide pixels of one colour, among which `find_strokes` chooses; arguments as there."""
    for bright in (True, False):
        hat = _hat(crop, text_height, bright=bright)
        for color, score in _flat_colors(crop, spread, hat, inner, text_height):
            fill = _of_color(crop, spread, hat, inner, color, text_height)
            yield Strokes(fill=fill, color=color, certainty=score, bright=bright)


def _barred(fill: BoolMask, text_height: int) -> float:
    """Return the share of the fill in bars longer than letters, which are the rims of a box."""
    solid, long = fill.astype(np.uint8), max(9, round(STROKES.longest_stroke * text_height))
    bars = [cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones(size, np.uint8)) for size in ((1, long), (long, 1))]
    return float((bars[0] | bars[1]).sum() / max(1, solid.sum()))


def _hat(crop: BGR, text_height: int, *, bright: bool) -> Gray:
    """Return the top-hat or black-hat transform with an element wider than a stroke: the largest of the channels.

    White on pink has as much red as its ground, so luma alone would miss it.
    """
    size = max(5, int(text_height * 0.5) | 1)
    # A large ellipse takes time by its area, a rectangle by its sides.
    form = cv2.MORPH_ELLIPSE if size < STROKES.large_element else cv2.MORPH_RECT
    element = cv2.getStructuringElement(form, (size, size))
    hat = cv2.morphologyEx(crop, cv2.MORPH_TOPHAT if bright else cv2.MORPH_BLACKHAT, element)
    return channel_max(hat)


def segment_like(crop: BGR, strokes: Strokes, inner: BoolMask, text_height: int) -> BoolMask:
    """Return the letters' body on another frame, by the colour of the known `strokes`."""
    hat = _hat(crop, text_height, bright=strokes.bright)
    return _of_color(crop, np.zeros(crop.shape[:2], np.float32), hat, inner, strokes.color, text_height)


def stray_strokes(
    crop: BGR, spread: FloatMap, strokes: Strokes, line: BoolMask, text_height: int, changed: BoolMask | None
) -> BoolMask:
    """Return strokes of the text outside its found `line`: a dash before it, a full stop, a tail, a dot.

    They are steady, stand out as the letters do, have their colour or `changed` with them, are no larger than a letter
    as a whole, end in sight, and lie beside the line. A part of a larger thing of that colour, such as a shirt or the
    border of a slide, is none.
    """
    if not strokes.found:
        return strokes.fill
    hat = _hat(crop, text_height, bright=strokes.bright)
    difference = channel_max(np.abs(crop.astype(np.float32) - np.array(strokes.color, np.float32)))
    similar = (difference < STROKES.same_color) & (spread < STROKES.steady / 2)
    candidate = similar if changed is None else similar | (changed & (spread < STROKES.steady / 2))
    reach = np.ones((2 * (text_height // 4) + 1, 2 * text_height + 1), np.uint8)
    near = cv2.dilate(line.astype(np.uint8), reach if _lies(line) else reach.T) > 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats(candidate.astype(np.uint8))
    x, y, widths, heights, areas = stats.T
    rows, columns = line.shape
    ends = (x > 0) & (y > 0) & (x + widths < columns) & (y + heights < rows)
    kept = ends & (np.maximum(widths, heights) <= STROKES.largest_stray * text_height) & (areas >= 2)
    kept[0] = False
    prominent = hat > STROKES.stray_contrast * np.median(hat[strokes.fill])
    return np.asarray(kept[labels] & near & prominent, bool)


def _lies(line: BoolMask) -> bool:
    """Return True for a horizontal line."""
    _, _, width, height = cv2.boundingRect(line.astype(np.uint8))
    return bool(width >= height)


def _flat_colors(
    crop: BGR, spread: FloatMap, hat: Gray, inner: BoolMask, text_height: int
) -> list[tuple[tuple[float, float, float], float]]:
    """Return the colour clusters of stroke-like pixels, each with its score as the body of a line of text."""
    least = np.clip(0.4 * np.percentile(hat[inner], 98), STROKES.least_contrast, 25) if inner.any() else 25
    rows, columns = np.nonzero((hat > least) & inner)
    if len(rows) < 20:
        return []
    colors = crop[rows, columns].astype(np.float32)
    clusters = min(STROKES.clusters, max(1, len(rows) // 40))
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1.0)
    _, labels, centers = cv2.kmeans(colors, clusters, None, stop, 3, cv2.KMEANS_PP_CENTERS)
    strong = max(30.0, float(np.percentile(hat[rows, columns], 98)))
    scored = []
    for label in range(clusters):
        own = labels.ravel() == label
        if own.sum() < STROKES.least_pixels:
            continue
        height = float(hat[rows[own], columns[own]].mean())
        uneven = float(np.abs(colors[own] - centers[label]).mean())
        unsteady = float(spread[rows[own], columns[own]].mean())
        score = _span(columns[own], inner, text_height) * np.exp(-unsteady / 12 - uneven / 22)
        score *= min(1.0, own.sum() / (0.05 * inner.sum())) ** 0.5 * (height / strong) ** 1.5 * min(1.0, height / 60)
        blue, green, red = (float(value) for value in centers[label])
        scored.append(((blue, green, red), float(score)))
    return scored


def _span(columns: NDArray[np.int_], inner: BoolMask, text_height: int) -> float:
    """Return the share of the line's columns with such a pixel within half a letter."""
    marked = np.zeros((1, inner.shape[1]), np.float32)
    marked[0, columns] = 1
    near = cv2.blur(marked, (max(3, int(text_height * 0.5)), 1))[0] > 0
    used = inner.any(axis=0)
    return float(near[used].mean()) if used.any() else 0.0


def _of_color(
    crop: BGR, spread: FloatMap, hat: Gray, inner: BoolMask, color: tuple[float, float, float], text_height: int
) -> BoolMask:
    apart = channel_max(np.abs(crop.astype(np.float32) - np.array(color, np.float32)))
    ground = np.median(crop[~inner], axis=0) if not inner.all() else np.zeros(3)
    # A ground that is nearly of the letters' colour must not be taken for them.
    near = float(
        np.clip(0.6 * np.abs(ground - np.array(color)).max(), STROKES.least_color_distance, STROKES.same_color)
    )
    fill = ((apart < near) & (spread < STROKES.steady) & (hat > STROKES.least_contrast) & inner).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(fill)
    kept = np.zeros(count, bool)
    kept[1:] = stats[1:, cv2.CC_STAT_AREA] >= 4
    strong: BoolMask = kept[labels]
    return strong | (_thin_parts(strong, spread, hat, inner, text_height) & (apart < STROKES.thin_color))


def stands_out(crop: BGR, inner: BoolMask, color: tuple[float, float, float]) -> bool:
    """Return True when a colour differs from the most common colour of the line."""
    return bool(np.abs(np.median(crop[inner], axis=0) - np.array(color)).max() > STROKES.ground_distance)


def _is_ground(crop: BGR, spread: FloatMap, fill: BoolMask, inner: BoolMask, color: tuple[float, float, float]) -> bool:
    """Return True when a fill is the ground between letters: most of the line has its colour, and so has the outside.

    Letters in the colour of their ground are separated from it by an outline.
    """
    if not fill.any() or stands_out(crop, inner, color):
        return False
    apart = channel_max(np.abs(crop.astype(np.float32) - np.array(color, np.float32)))
    akin = (apart < STROKES.same_color) & (spread < STROKES.steady)
    _, labels = cv2.connectedComponents(akin.astype(np.uint8), connectivity=4)
    ground = np.isin(labels, np.unique(labels[~inner & (labels > 0)]))
    return bool((ground & fill).sum() > 0.5 * fill.sum())


def _thin_parts(strong: BoolMask, spread: FloatMap, hat: Gray, inner: BoolMask, text_height: int) -> BoolMask:
    """Return steady strokes that are too thin to reach the full colour: dots, commas, hairlines.

    Lines as long as the text is high are edges of the scene.
    """
    if not strong.any():
        return strong
    rows, columns = np.nonzero(strong.any(axis=1))[0], np.nonzero(strong.any(axis=0))[0]
    near = np.zeros(strong.shape, bool)
    near[max(0, rows[0] - 4) : rows[-1] + 5, max(0, columns[0] - 4) : columns[-1] + 5] = True
    beside = cv2.dilate(strong.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    thin: BoolMask = (hat > 0.4 * np.median(hat[strong])) & (spread < STROKES.steady / 2) & inner & near & beside
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8))
    thin &= np.maximum(stats[:, 2], stats[:, 3])[labels] <= STROKES.longest_thin * text_height
    # More of them than of letters means a textured scene.
    return thin if thin.sum() < 0.5 * strong.sum() else np.zeros(strong.shape, bool)
