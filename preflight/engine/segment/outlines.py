"""Outlines around letters: text set on top of a picture has them, paint on a thing has not."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap, channel_max, dilate
from preflight.engine.segment.halo import Halo, distance
from preflight.engine.segment.settings import OUTLINE, STROKES


def is_outlined(crop: BGR, fill: BoolMask, text_height: int) -> bool:
    """Return True when the letters have an outline: a line that is darker or brighter than both letters and ground.

    Paint on a thing meets its ground directly; only text set on top of a picture needs a line between the two.
    """
    gray = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    away = distance(fill)
    line, ground = gray[(away > 1) & (away <= 2.5)], gray[_ground_between(fill, text_height)]
    if line.size < STROKES.least_pixels or ground.size < STROKES.least_pixels or not fill.any():
        return False
    letters, edge = float(np.median(gray[fill])), float(np.median(line))
    darkest, brightest = np.percentile(ground, (25, 75))
    below = edge < min(letters, darkest) - OUTLINE.least_difference
    return bool(below or edge > max(letters, brightest) + OUTLINE.least_difference)


def enclosed_letters(crop: BGR, spread: FloatMap, fill: BoolMask, halo: Halo, text_height: int) -> BoolMask:
    """Return letters of other colours than `fill` that the outline of `fill` encloses too, without their outline.

    Emphasised words, and letters in the colour of the scene, are found only by their outline.

    Args:
        crop: median crop of the text, (height, width, 3).
        spread: variation over the frames, (height, width), levels.
        fill: body of the letters that are known by their colour.
        halo: their surroundings.
        text_height: in pixels.
    """
    away = distance(fill)
    color = np.median(crop[(away > 1) & (away <= 2.5)], axis=0)
    difference = channel_max(np.abs(crop.astype(np.float32) - color.astype(np.float32)))
    outline = (difference < STROKES.same_color) & (spread < STROKES.steady)
    labels = cv2.connectedComponents(outline.astype(np.uint8))[1]
    own = outline & np.isin(labels, np.unique(labels[(away <= 3) & outline]))
    holes = ((~own) & (spread < STROKES.steady) & ~fill).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
    beyond_scene = channel_max(np.abs(crop - halo.scene)) > OUTLINE.counter_difference
    result = np.zeros(fill.shape, bool)
    for label in range(1, count):
        x, y, width, height = (int(value) for value in stats[label][:4])
        inside = x > 0 and y > 0 and x + width < fill.shape[1] and y + height < fill.shape[0]
        small = max(width, height) <= STROKES.largest_stray * text_height
        part = labels == label
        if inside and small and height >= OUTLINE.least_letter * text_height and beyond_scene[part].mean() > 0.5:
            result |= part
    return result & dilate(own, 1 + text_height // 4)


def is_outline(crop: BGR, fill: BoolMask, text_height: int) -> bool:
    """Return True when `fill` is the outline of letters: it encloses much that differs from the ground."""
    contours, _ = cv2.findContours(fill.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    inside = (cv2.drawContours(np.zeros(fill.shape, np.uint8), contours, -1, 1, cv2.FILLED) > 0) & ~fill
    ground = _ground_between(fill, text_height)
    if inside.sum() < max(STROKES.least_pixels, OUTLINE.enclosed * fill.sum()) or ground.sum() < STROKES.least_pixels:
        return False
    outline, held, around = (np.median(crop[part], axis=0) for part in (fill, inside, ground))
    way = around - outline
    nearest = outline + way * np.clip((held - outline) @ way / max(1.0, way @ way), 0, 1)
    return bool(np.abs(held - nearest).max() > OUTLINE.other_color)


def _ground_between(fill: BoolMask, text_height: int) -> BoolMask:
    """Return the ground between and around letters, not far beyond: a board behind all of them ends there."""
    x, y, width, height = cv2.boundingRect(fill.astype(np.uint8))
    rectangle = np.zeros(fill.shape, bool)
    rectangle[y : y + height, x : x + width] = True
    away = distance(fill)
    far = max(3.0, text_height * 0.14)
    return np.asarray((away > far) & (away <= 2 * far) & rectangle, bool)
