"""Translucent boxes behind text: found by what they do to the scene at their edges.

Such a box shows `transmittance * scene + premultiplied` with one value of each for all of its pixels. On both sides of
its edge the scene is the same but for a step of a few pixels: the ratio of its spread inside and outside gives the
transmittance, the difference of the means the premultiplied colour, whether the scene is still or moving.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.alpha.matte import BLACK_YCBCR, AlphaMatte
from preflight.engine.alpha.settings import BOX
from preflight.engine.core.arrays import BGR, BoolMask, ColorVector, FloatImage
from preflight.engine.core.box import Box

_BGR_TO_YCBCR = np.array([[0.098, 0.504, 0.257], [0.439, -0.291, -0.148], [-0.071, -0.368, 0.439]], np.float32)
"""BGR 0..255 to YCbCr without its offset (ITU-R BT.601, video range)."""
_NOISE = 2.0
"""Coding error of a smooth area, levels, root mean square."""


@dataclass(frozen=True, slots=True)
class TranslucentBox:
    """A translucent box behind text.

    Attributes:
        area: what it covers, (height, width).
        rim: pixels beside its edges, which can't be unblended: encoders and half-size chroma mix the two sides.
        transmittance: share of the scene that shows, 0..1.
        premultiplied: colour that the box adds, in BGR.
        opacity: 0..1 by frame from the track's first one on; empty when it is constant.
    """

    area: BoolMask
    rim: BoolMask
    transmittance: float
    premultiplied: tuple[float, float, float]
    opacity: tuple[float, ...] = ()

    def matte(self, number: int, shape: tuple[int, int]) -> AlphaMatte:
        """Return the matte on the track's frame `number`, of that shape."""
        opacity = self.opacity[number] if self.opacity else 1.0
        transmittance = 1 - opacity * (1 - self.transmittance)
        color = _BGR_TO_YCBCR @ np.array(self.premultiplied, np.float32) * opacity + (1 - transmittance) * BLACK_YCBCR
        return AlphaMatte(
            np.full(shape, transmittance, np.float32),
            np.broadcast_to(color.astype(np.float32), (*shape, 3)),
            _NOISE,
        )


@dataclass(frozen=True, slots=True)
class _Edge:
    """A candidate for an edge.

    Attributes:
        at: its row or column.
        transmittance: that of the box it would belong to.
        premultiplied: that of the box, in BGR.
        explained: share of the step that such a box explains.
    """

    at: int
    transmittance: float
    premultiplied: ColorVector
    explained: float

    def is_like(self, other: _Edge) -> bool:
        """Return True when both may belong to one box, by what it does to a scene of medium brightness."""
        difference = self.transmittance - other.transmittance
        distance = float(np.abs(difference * 128 + self.premultiplied - other.premultiplied).max())
        return abs(difference) < BOX.same_transmittance and distance < BOX.same_color


def find_translucent_box(crops: list[BGR], lines: list[Box], height: int) -> TranslucentBox | None:
    """Return the translucent box behind lines of text; None without one.

    Each line has a rectangle of its own, so that boxes with steps are found too.

    Args:
        crops: the same part of several frames.
        lines: bounding boxes of the letters of each line on it, from top to bottom.
        height: text height in pixels.
    """
    stack = np.stack(crops).astype(np.float32)
    rows, columns = stack.shape[1:3]
    reach = round(BOX.reach_across * height)
    sides = []
    for line in lines:
        inset = max(1, line.height // 6)
        band = stack[:, line.y0 + inset : line.y1 - inset]
        sides.append(_edges(band, line.x0, max(0, line.x0 - reach)))
        sides.append(_edges(band, line.x1, min(columns, line.x1 + reach)))
    turned = stack.transpose(0, 2, 1, 3)
    above = max(0, lines[0].y0 - round(BOX.reach_along * height))
    below = min(rows, lines[-1].y1 + round(BOX.reach_along * height))
    ends = [
        _edges(turned[:, lines[0].x0 : lines[0].x1], lines[0].y0, above),
        _edges(turned[:, lines[-1].x0 : lines[-1].x1], lines[-1].y1, below),
    ]
    found = _agreeing(sides + ends)
    if found is not None:
        return _box(found, _rectangles(turned, lines, found), (rows, columns))
    # A box may cross the frame from side to side: its edges are then looked for at both ends of the frame.
    for part in (turned[:, :height], turned[:, -height:]):
        ends += [_edges(part, lines[0].y0, above), _edges(part, lines[-1].y1, below)]
    found = _agreeing(ends)
    if found is None or max(np.ptp([edge.at for edge in found[end::2]]) for end in (0, 1)) > BOX.rim:
        return None
    return _box(found, [Box(0, found[0].at, columns, found[1].at)], (rows, columns))


def box_opacity(box: TranslucentBox, inner: FloatImage, outer: FloatImage) -> float:
    """Return the opacity of a box on a frame relative to its usual one, 0..1.

    Args:
        box: the box.
        inner: BGR colours inside its edge, (points, 3).
        outer: BGR colours outside, at the same points of the edge.
    """
    expected = outer * (1 - box.transmittance) - np.array(box.premultiplied, np.float32)
    return float((expected * (outer - inner)).sum() / max(1.0, float((expected**2).sum())))


def _rectangles(turned: FloatImage, lines: list[Box], found: list[_Edge]) -> list[Box]:
    """Return the rectangle of each line, by the edges beside each and those above and below all of them."""
    rectangles, top = [], found[-2].at
    for number, line in enumerate(lines):
        span, bottom = (found[2 * number].at, found[2 * number + 1].at), found[-1].at
        if number + 1 < len(lines):
            below = found[2 * number + 2].at, found[2 * number + 3].at
            bottom = _step_row(turned, found[0], (line, lines[number + 1]), (span, below))
        rectangles.append(Box(span[0], top, span[1], bottom))
        top = bottom
    return rectangles


def _box(found: list[_Edge], rectangles: list[Box], shape: tuple[int, int]) -> TranslucentBox:
    """Return the box of some rectangles, with the median values of its edges."""
    area, rim = np.zeros(shape, bool), np.zeros(shape, bool)
    for rectangle in rectangles:
        own = np.zeros(shape, bool)
        own[rectangle.slices] = True
        # Between two lines as well: where their rectangles overlap they are darker.
        area, rim = area | own, rim | _edge_pixels(own)
    transmittance = float(np.median([edge.transmittance for edge in found]))
    blue, green, red = (float(value) for value in np.median([edge.premultiplied for edge in found], axis=0))
    return TranslucentBox(area, rim, transmittance, (blue, green, red))


def _agreeing(sides: list[list[_Edge]]) -> list[_Edge] | None:
    """Return an edge of every side such that all belong to one box; None without one."""
    best, most = None, 0.0
    for guess in [edge for edges in sides for edge in edges]:
        chosen = []
        for edges in sides:
            alike = [edge for edge in edges if edge.is_like(guess)]
            if not alike:
                break
            chosen.append(max(alike, key=lambda edge: edge.explained))
        explained = sum(edge.explained for edge in chosen)
        if len(chosen) == len(sides) and explained > most:
            best, most = chosen, explained
    return best


def _edges(stack: FloatImage, start: int, end: int) -> list[_Edge]:
    """Return the columns from `start`, where letters begin, to `end` at which a box may end.

    Args:
        stack: part of several frames, (frames, rows, columns, 3).
        start: first column.
        end: last column, exclusive, on either side of `start`.
    """
    step = 1 if end > start else -1
    places = range(start + BOX.letter_gap * step, end, step)
    found = [_edge_at(stack, at, step) for at in places if 3 <= at < stack.shape[2] - 2]
    return [edge for edge in found if edge is not None]


def _edge_at(stack: FloatImage, at: int, step: int) -> _Edge | None:
    """Return the edge at a column, if a translucent box explains the two sides of it."""
    # Column `at` is the first one outside to the right or inside to the left; the next ones may be mixed.
    inside, outside = (slice(at - 3, at - 1), slice(at + 1, at + 3))
    if step < 0:
        inside, outside = outside, inside
    within, without = (stack[:, :, part] for part in (inside, outside))
    roughness = [float((np.diff(part, axis=2) ** 2).mean()) for part in (within, without)]
    if roughness[0] > BOX.rougher * roughness[1] + BOX.noise:
        # The edge runs through the inner side: half of the box and half of the scene resemble both.
        return None
    a, b = within.mean(axis=2).reshape(-1, 3), without.mean(axis=2).reshape(-1, 3)
    means = a.mean(axis=0), b.mean(axis=0)
    da, db = a - means[0], b - means[1]
    own, other, common = float((da * da).sum()), float((db * db).sum()), float((da * db).sum())
    if other < 1 or common <= BOX.least_correlation * np.sqrt(own * other):
        return None
    # The ratio of the spreads: least squares would bias the slope towards zero, since the scene changes in between.
    transmittance = float(np.sqrt(own / other))
    premultiplied = means[0] - transmittance * means[1]
    total = float(((a - b) ** 2).mean())
    residual = float(((a - transmittance * b - premultiplied) ** 2).mean()) / transmittance
    explained = 1 - residual / max(total, 1e-6)
    if total < BOX.least_step**2 or explained < BOX.explained:
        return None
    if not BOX.least_transmittance < transmittance < BOX.most_transmittance:
        return None
    return _Edge(at, transmittance, premultiplied.astype(np.float32), explained)


def _step_row(
    turned: FloatImage, like: _Edge, lines: tuple[Box, Box], spans: tuple[tuple[int, int], tuple[int, int]]
) -> int:
    """Return the row at which the rectangle of one line meets that of the next, which may be wider."""
    (upper, lower), (above, below) = lines, spans
    middle = (upper.y1 + lower.y0) // 2
    down = above[1] - above[0] > below[1] - below[0]
    wide, narrow = (above, below) if down else (below, above)
    beside = [turned[:, wide[0] + 2 : narrow[0] - 2], turned[:, narrow[1] + 2 : wide[1] - 2]]
    columns = np.concatenate([turned[:, :0], *(part for part in beside if part.shape[1] > 0)], axis=1)
    if columns.shape[1] < 4:
        return middle
    ends = (upper.y0 + upper.y1) // 2, (lower.y0 + lower.y1) // 2
    edges = [edge for edge in _edges(columns, *(ends if down else ends[::-1])) if edge.is_like(like)]
    return max(edges, key=lambda edge: edge.explained).at if edges else middle


def _edge_pixels(area: BoolMask) -> BoolMask:
    """Return the pixels on both sides of the edge of an area."""
    solid, kernel = area.astype(np.uint8), np.ones((2 * BOX.rim + 1, 2 * BOX.rim + 1), np.uint8)
    inside = cv2.erode(solid, kernel)
    return np.asarray((cv2.dilate(solid, kernel) > 0) & (inside == 0), bool)
