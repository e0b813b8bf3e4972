"""Static edges: what stays of the gradients of many frames, while the scene behind it moves.

The median of the gradients over many frames keeps static edges and loses those of the scene (Dekel et al., *On the
Effectiveness of Visible Watermarks*, CVPR 2017).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap, Gray, dilate
from preflight.engine.core.box import Box
from preflight.engine.graphics.settings import DETECTOR
from preflight.engine.model.rasterize import place_mask
from preflight.engine.model.track import MaskModel, Track

_MEDIAN_ERROR = 1.85
"""Standard error of a median in median absolute deviations, times the root of the number of samples."""


@dataclass(frozen=True, slots=True)
class StaticEdges:
    """A part of the samples.

    Attributes:
        slopes: gradients times eight, (samples, 2, height, width).
        median: median gradient, (2, height, width), levels per pixel.
        usual: mean steepness, (height, width).
        edges: static edges.
        varies: variation of each pixel, levels.
    """

    slopes: NDArray[np.int16]
    median: FloatImage
    usual: FloatMap
    edges: BoolMask
    varies: FloatMap

    @classmethod
    def of(cls, stack: NDArray[np.uint8], place: Box) -> StaticEdges:
        """Return those of a place of the samples (samples, height, width)."""
        samples = stack[(slice(None), *place.slices)]
        slopes = np.stack(
            [[cv2.Sobel(sample, cv2.CV_16S, *d, ksize=3) for d in ((1, 0), (0, 1))] for sample in samples]
        )
        median = np.median(slopes, axis=0).astype(np.float32)
        deviation = np.median(np.abs(slopes - median.astype(np.int16)), axis=0).astype(np.float32)
        error = _MEDIAN_ERROR * np.hypot(*deviation) / 8 / np.sqrt(len(samples))
        usual = (np.hypot(*slopes.astype(np.float32).transpose(1, 0, 2, 3)) / 8).mean(axis=0)
        steep = np.hypot(*median) / 8
        static = steep > DETECTOR.significance * np.maximum(error, DETECTOR.error_floor)
        edges = _without_bars(static & (steep > DETECTOR.edge))
        return cls(slopes, median / 8, usual, edges, samples.astype(np.float32).std(axis=0))

    def static_cells(self) -> float:
        """Return the share of the textured cells of a grid that have static edges."""
        height, width = (side // DETECTOR.cell * DETECTOR.cell for side in self.edges.shape)
        shape = (height // DETECTOR.cell, DETECTOR.cell, width // DETECTOR.cell, DETECTOR.cell)
        textured, static = (
            part[:height, :width].reshape(shape).sum(axis=(1, 3)) > DETECTOR.cell // 2
            for part in (self.usual > DETECTOR.scene_edge, self.edges)
        )
        return float((textured & static).sum() / max(1, textured.sum()))

    def spots(self, least: int, join: int) -> Iterator[tuple[Box, BoolMask]]:
        """Yield the groups of at least so many edges that stay, nearer to each other than `join`, with their place."""
        near = cv2.morphologyEx(self.edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((join, join), np.uint8))
        count, labels = cv2.connectedComponents(near)
        for label in range(1, count):
            own = (labels == label) & self.edges
            if own.sum() >= least:
                # The box of the edges: the closing grows towards the border of the picture.
                x, y, width, height = cv2.boundingRect(own.astype(np.uint8))
                yield Box(x, y, x + width, y + height), own

    def staying(self, own: BoolMask) -> float:
        """Return the share of textured pixels beside a mark's `own` edges that are static too, 1 without texture."""
        beside, static = ~dilate(own, 2), np.hypot(*self.median) > DETECTOR.persistent * self.usual
        for edge in (DETECTOR.scene_edge, DETECTOR.soft_edge):
            textured = (self.usual > edge) & beside
            if textured.sum() >= DETECTOR.textured * textured.size:
                return float((static & textured).sum() / textured.sum())
        return 1.0

    def mark(self, near: Box) -> BoolMask:
        """Return the edges of the mark around `near`, none where too much of the scene is static as well."""
        # What goes on beyond the surroundings is the scene.
        inner = Box(1, 1, self.edges.shape[1] - 1, self.edges.shape[0] - 1)
        own = np.zeros(self.edges.shape, bool)
        for box, edges in self.spots(DETECTOR.least_edges // 4, DETECTOR.join):
            if near.common(box) and inner.covers(box):
                own |= edges
        found = own.any() and self._is_mark(own, near) and self.staying(own) <= DETECTOR.static_around
        return own if found else np.zeros(self.edges.shape, bool)

    def _is_mark(self, own: BoolMask, box: Box) -> bool:
        """Return True when edges are crisp, cover a livelier scene, and are always there."""
        steep = np.hypot(*self.median)
        beside = dilate(own, DETECTOR.beside) & ~dilate(own, 2)
        if np.median(steep[own]) < DETECTOR.crisp * float(np.percentile(steep[beside], 75)):
            return False
        around = float(np.median(self.varies[_ring(box, self.edges.shape)]))
        covers = own.sum() >= DETECTOR.many_edges or np.median(self.varies[own]) < DETECTOR.covers * around
        visible = (self.shares(own) > DETECTOR.visible).mean() >= DETECTOR.always
        return bool(covers and around > DETECTOR.lively and visible)

    def shares(self, own: BoolMask) -> FloatImage:
        """Return how much of a mark's `own` edges each sample has: 1 as usual, 0 without."""
        usual = self.median[:, own]
        slopes = self.slopes[:, :, own].astype(np.float32)
        shares: FloatImage = (slopes * usual).sum(axis=(1, 2)) / (8 * float((usual**2).sum()))
        return shares


def _without_bars(edges: BoolMask) -> BoolMask:
    """Return edges without lines from side to side: borders of black bars stay too, and tell nothing.

    A wide mark has as many edges in a row, but ends before the sides.
    """
    for axis in (0, 1):
        lines = edges if axis == 0 else edges.T
        end = max(1, lines.shape[0] // 10)
        sides = np.minimum(lines[:end].mean(axis=0), lines[-end:].mean(axis=0))
        bars = (lines.mean(axis=0) > DETECTOR.bar) & (sides > DETECTOR.bar / 2)
        near = np.convolve(bars.astype(np.uint8), np.ones(5, np.uint8), mode="same") > 0
        edges = edges & ~(near[None, :] if axis == 0 else near[:, None])
    return edges


def _ring(box: Box, shape: tuple[int, int]) -> BoolMask:
    pad, gap = max(8, box.text_height // 2), 3
    ring = np.zeros(shape, bool)
    ring[max(0, box.y0 - pad) : box.y1 + pad, max(0, box.x0 - pad) : box.x1 + pad] = True
    ring[max(0, box.y0 - gap) : box.y1 + gap, max(0, box.x0 - gap) : box.x1 + gap] = False
    return ring


def mark_track(edges: BoolMask, place: Box, scale: float, size: tuple[int, int], frames: int) -> Track:
    """Return the track of a mark with `edges` at `place` of pictures that the video is larger than by `scale`."""
    near = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(near, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = cv2.drawContours(np.zeros_like(near), outlines, -1, 1, cv2.FILLED)
    x, y, width, height = cv2.boundingRect(solid)
    corners = (value * scale for value in (x + place.x0, y + place.y0, x + place.x0 + width, y + place.y0 + height))
    left, top, right, bottom = (round(value) for value in corners)
    line = Box(left, top, right, bottom)
    box = line.padded(round(3 * scale) + 2, *size)
    # Rounding may put the line beyond the last even row or column of the frame.
    grown = cv2.resize(solid[y : y + height, x : x + width], (line.width, line.height), interpolation=cv2.INTER_NEAREST)
    own = place_mask(box, line, np.asarray(grown > 0, bool)).astype(np.uint8)
    line = Box(max(left, box.x0), max(top, box.y0), min(right, box.x1), min(bottom, box.y1))
    reach = 2 * (round(scale) + 1) + 1
    mask = cv2.dilate(own, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) > 0
    return Track(box=box, line=line, first=0, last=frames - 1, masks=MaskModel(usual=np.asarray(mask, bool)))


def content_area(stack: NDArray[np.uint8]) -> Box:
    """Return the place of the picture on samples (samples, height, width), without black or other even bars."""
    height, width = stack.shape[1:]
    sides = []
    for axis in (2, 1):
        # Nearly all of a row or column of a bar has one value, which may change with the brightness of the video.
        low, high = np.percentile(stack, (2, 98), axis=axis)
        even = np.percentile(high - low, 90, axis=0) <= DETECTOR.bar_spread
        first, last = (int(np.argmin(way)) if not way.all() else 0 for way in (even, even[::-1]))
        edge = [count + DETECTOR.bar_edge if count else 0 for count in (first, last)]
        sides.append((edge[0], len(even) - edge[1]))
    (top, bottom), (left, right) = sides
    return Box(left, top, right, bottom) if left < right and top < bottom else Box(0, 0, width, height)


def downscaled(picture: Gray, width: int, height: int) -> Gray:
    """Return a picture at a smaller size."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
