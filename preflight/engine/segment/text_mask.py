"""The text mask: every pixel that a text covers, with outline, shadow and glow, and the box that it may stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap, channel_max, dilate
from preflight.engine.segment import backing_box
from preflight.engine.segment.halo import Halo, distance, fit_halo
from preflight.engine.segment.outlines import enclosed_letters, is_outlined
from preflight.engine.segment.settings import HALO, STROKES
from preflight.engine.segment.strokes import Strokes, segment_like, stray_strokes


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCrop:
    """The box of a text as a median over its frames.

    Attributes:
        crop: median over the frames, (height, width, 3).
        spread: variation of each pixel over the frames, (height, width), levels.
        inner: the line's own rectangle in the box.
        height: text height in pixels.
        changing: the text grows, shrinks or has changing digits, so its median crop holds for few frames.
    """

    crop: BGR
    spread: FloatMap
    inner: BoolMask
    height: int
    changing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMask:
    """What a text covers of its box.

    Attributes:
        place: its box.
        strokes: the body of its letters.
        mask: all pixels that it covers.
        reach: width of outline, shadow and glow, pixels.
        outlined: its letters have an outline.
        ground: the box that it stands on, None without one.
        rim: pixels of the mask that coding may have mixed with the text, but that show the scene; None if unknown.
    """

    place: TextCrop
    strokes: Strokes
    mask: BoolMask
    reach: int
    outlined: bool
    ground: BoolMask | None = None
    rim: BoolMask | None = None

    def on(self, crop: BGR) -> BoolMask:
        """Return the mask of a frame on which the text is not as usual."""
        return self.alone(crop) if self.place.changing else self.alone(crop) | self.mask

    def alone(self, crop: BGR) -> BoolMask:
        """Return the mask of a frame by what that frame alone shows."""
        fill = segment_like(crop, self.strokes, self.place.inner, self.place.height)
        return stroke_mask(fill, self.reach, self.place.height)


def fit_text_mask(place: TextCrop, strokes: Strokes, changes: Sequence[BoolMask]) -> TextMask:
    """Return the mask of a text.

    Args:
        place: its box.
        strokes: the body of its letters, found there.
        changes: what changed at each known end of its time.
    """
    crop, spread, height = place.crop, place.spread, place.height
    halo = fit_halo(crop, strokes.fill, height)
    reach = max(halo.width, strokes.bleed)
    outlined = is_outlined(crop, strokes.fill, height)
    changed = np.logical_and.reduce(changes) if changes else None
    body = strokes.fill | stray_strokes(crop, spread, strokes, place.inner, height, changed)
    box = None
    if not place.changing:
        own = backing_box.letters_on_ground(crop, spread, strokes.fill, place.inner)
        box = backing_box.find_solid(crop, spread, own, changed)
        box = box or backing_box.find_translucent(body, changes, outlined=outlined)
        box = box or backing_box.find_partial(crop, spread, own, height)
    if box is not None:
        # A box comes and goes with its letters, so what changed then is not theirs alone.
        beyond = own & ~box.area
        mask = box.letters
        if beyond.sum() >= STROKES.least_pixels:
            reach = max(fit_halo(crop, beyond, height).width, strokes.bleed)
            mask |= stroke_mask(beyond, reach, height) & ~box.area
        return TextMask(place=place, strokes=strokes, mask=mask, reach=reach, outlined=outlined, ground=box.area)
    if outlined:
        body |= enclosed_letters(crop, spread, strokes.fill, halo, height)
    if _covered_columns(body, place.inner, height) < STROKES.least_columns:
        body |= _edge_strokes(crop, strokes.fill, place.inner, height)
    elif not place.changing:
        body |= _missing_strokes(crop, strokes.fill, place.inner, height, stroke_mask(body, reach, height, changed))
    mask = _whole(stroke_mask(body, reach, height, changed), crop, strokes, halo, height)
    rim = mask & (distance(body) > max(reach, HALO.coded) + 1)
    return TextMask(place=place, strokes=strokes, mask=mask, reach=reach, outlined=outlined, rim=rim)


def _whole(mask: BoolMask, crop: BGR, strokes: Strokes, halo: Halo, text_height: int) -> BoolMask:
    """Return a mask with what it lacks of the letters: holes inside wide strokes, and corners of an outline.

    They have the colour of the letters or of the ring around them, and not that of the scene.
    """
    away = distance(strokes.fill)
    ring = (away > 1) & (away <= 2.5)
    if not ring.any():
        return mask
    image = crop.astype(np.float32)
    colors = np.array(strokes.color, np.float32), np.median(crop[ring], axis=0).astype(np.float32)
    like = np.minimum.reduce([channel_max(np.abs(image - color)) for color in colors]) < STROKES.part_color
    own = like & (channel_max(np.abs(image - halo.scene)) > STROKES.scene_distance) & ~mask
    result = mask | (own & (distance(mask) <= max(2, round(STROKES.corner * text_height))))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~result).astype(np.uint8), connectivity=4)
    areas, largest = stats[:, cv2.CC_STAT_AREA], (STROKES.hole * text_height) ** 2
    for label in range(1, count):
        part = labels == label if areas[label] <= 4 * largest else None
        if part is not None and (areas[label] <= largest or own[part].mean() > 0.5):
            result |= part
    return np.asarray(result, bool)


def _covered_columns(body: BoolMask, inner: BoolMask, text_height: int) -> float:
    """Return the share of the line's columns, or of a vertical line's rows, with a stroke within half a letter."""
    upright = int(inner.any(axis=1).sum() > inner.any(axis=0).sum())
    strokes, line = body.any(axis=upright), inner.any(axis=upright)
    near = np.convolve(strokes, np.ones(text_height | 1), mode="same") > 0
    return float(near[line].mean()) if line.any() else 1.0


def _edge_strokes(crop: BGR, fill: BoolMask, inner: BoolMask, text_height: int) -> BoolMask:
    """Return the strokes of a line by their edges on the median crop, where a scene that moves has none.

    Translucent letters have another colour on every ground, so only a part of them has the one of the `fill`.
    """
    edges = _steep_edges(crop, fill) & inner
    width = max(3, text_height // 8) | 1
    closed = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((width, width), np.uint8))
    return np.asarray(closed > 0, bool)


def _missing_strokes(crop: BGR, fill: BoolMask, inner: BoolMask, text_height: int, mask: BoolMask) -> BoolMask:
    """Return the strokes of a line that its `mask` lacks, by their edges; none where the scene has such edges too."""
    scene = _beside(inner, text_height) & ~dilate(mask)
    if not scene.any() or (_steep_edges(crop, fill) & scene).sum() > STROKES.scene_edges * scene.sum():
        return np.zeros(fill.shape, bool)
    missing = _edge_strokes(crop, fill, inner, text_height) & ~mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats(missing.astype(np.uint8), connectivity=8)
    # Letters of another colour stand beside the others; what crosses these is of the scene.
    upright = int(inner.any(axis=1).sum() > inner.any(axis=0).sum())
    gaps = np.broadcast_to(~dilate(fill).any(axis=upright, keepdims=True), fill.shape)
    free = np.bincount(labels[gaps], minlength=count) > STROKES.beside * stats[:, cv2.CC_STAT_AREA]
    large = np.flatnonzero((stats[:, cv2.CC_STAT_AREA] >= STROKES.least_pixels) & free)
    return np.asarray(np.isin(labels, large[large > 0]), bool)


def _beside(inner: BoolMask, text_height: int) -> BoolMask:
    """Return what is left and right of a line, where no other lines stand; all around where that is too little."""
    beside = inner.any(axis=1, keepdims=True) & ~inner
    return beside if beside.sum() >= text_height**2 else ~inner


def _steep_edges(crop: BGR, fill: BoolMask) -> BoolMask:
    """Return where the median crop is about as steep as at the edge of known strokes."""
    # Orange letters on turquoise have no edges in gray.
    steep = channel_max(np.hypot(cv2.Sobel(crop, cv2.CV_32F, 1, 0), cv2.Sobel(crop, cv2.CV_32F, 0, 1)))
    edge = fill & ~(cv2.erode(fill.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    if not edge.any():
        return np.zeros(fill.shape, bool)
    return np.asarray(steep > STROKES.edge_share * float(np.median(steep[edge])), bool)


def stroke_mask(body: BoolMask, reach: int, text_height: int, changed: BoolMask | None = None) -> BoolMask:
    """Return every pixel that a text covers.

    Args:
        body: the letters' body.
        reach: width of outline, shadow and glow, pixels.
        text_height: in pixels.
        changed: what changed when the text came or went, of which the part near the letters is theirs.
    """
    away = distance(body)
    mask = away <= reach + HALO.coded
    if changed is not None:
        near = changed & (away <= reach + HALO.coded + max(3, text_height * HALO.changed_reach))
        mask |= cv2.morphologyEx(near.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0, bool)
