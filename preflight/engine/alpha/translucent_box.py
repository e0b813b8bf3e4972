"""Translucent plates behind text: found by what they do to the scene at their borders, and taken off it again.

Such a plate shows everywhere `kept * scene + added`. On both sides of its border the scene is the same but for a step
of a few samples: its spread within and without gives `kept`, its mean `added`, whatever the scene is, still or moving.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, ColorVector, FloatImage, YCbCr
from preflight.engine.core.box import Box

_EXPLAINED = 0.6
"""Share of the step at a border that is explained by a plate at least; elsewhere the scene explains itself as well."""
_LEAST_STEP = 8.0
_UNEVEN, _NOISE = 2.0, 16.0
"""By how much the scene within may be rougher than without, squared, as it is encoded."""
_LIKE = 0.5
"""Correlation of the scene within and without at least, for the plate to be translucent."""
_KEPT = (0.12, 0.92)
_SAME_KEPT, _SAME_ADDED = 0.15, 16.0
"""How far one border may be from the plate as all borders show it: in its share of the scene, and in gray levels."""
_WIDE, _TALL = 6.0, 1.2
"""Heights of the text within which a plate's border lies beside a line, and above and below it."""
_TO_YUV = np.array([[0.098, 0.504, 0.257], [0.439, -0.291, -0.148], [-0.071, -0.368, 0.439]], np.float32)
_BLACK = np.array([16, 128, 128], np.float32)
_CLEAR = 3
"""Samples from the letters at which a border is looked for at least, lest their edges be taken for it."""
_RIM = 3
"""Samples on both sides of a border that encoders and half-size chroma mix."""


@dataclass(frozen=True, slots=True)
class TranslucentBox:
    """What a translucent plate does where `area` is set: `added` in blue, green, red, and its strength by frame.

    What lies beside its borders, `rim`, can't be lifted: encoders and half-size chroma mix the two sides.
    """

    area: BoolMask
    rim: BoolMask
    kept: float
    added: tuple[float, float, float]
    strengths: tuple[float, ...] = ()

    def lifted(self, seen: YCbCr, number: int) -> YCbCr:
        """Return luma and chroma without the plate on its frame `number`."""
        box_opacity = self.strengths[number] if self.strengths else 1.0
        kept = 1 - box_opacity * (1 - self.kept)
        # What is added is a colour, seen as much as the scene is not.
        added = _TO_YUV @ np.array(self.added, np.float32) * box_opacity + (1 - kept) * _BLACK
        return np.clip(np.rint((seen - added) / kept), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Side:
    """A border that may be there: where, what plate it would be, and how much of the step that explains."""

    at: int
    kept: float
    added: ColorVector
    explained: float

    def is_like(self, other: _Side) -> bool:
        """Return True when the plate is the same, on a scene of medium brightness at least."""
        apart = float(np.abs((self.kept - other.kept) * 128 + self.added - other.added).max())
        return abs(self.kept - other.kept) < _SAME_KEPT and apart < _SAME_ADDED


def find_translucent_box(looks: list[BGR], inks: list[Box], height: int) -> TranslucentBox | None:
    """Return the plate behind lines of text, whose letters lie in `inks`, from top to bottom; None without one.

    Each line has a rectangle of its own, so that plates with steps are found too.
    """
    stack = np.stack(looks).astype(np.float32)
    rows, columns = stack.shape[1:3]
    wide = round(_WIDE * height)
    sides = []
    for ink in inks:
        inset = max(1, ink.height // 6)
        across = stack[:, ink.y0 + inset : ink.y1 - inset]
        sides.append(_borders(across, ink.x0, max(0, ink.x0 - wide)))
        sides.append(_borders(across, ink.x1, min(columns, ink.x1 + wide)))
    turned = stack.transpose(0, 2, 1, 3)
    tall = max(0, inks[0].y0 - round(_TALL * height)), min(rows, inks[-1].y1 + round(_TALL * height))
    ends = [
        _borders(turned[:, inks[0].x0 : inks[0].x1], inks[0].y0, tall[0]),
        _borders(turned[:, inks[-1].x0 : inks[-1].x1], inks[-1].y1, tall[1]),
    ]
    sure = _agreeing(sides + ends)
    if sure is not None:
        return _veil(sure, _rectangles(turned, inks, sure), (rows, columns))
    # From side to side of the picture, where it looks the same at both ends.
    for part in (turned[:, :height], turned[:, -height:]):
        ends += [_borders(part, inks[0].y0, tall[0]), _borders(part, inks[-1].y1, tall[1])]
    sure = _agreeing(ends)
    if sure is None or max(np.ptp([side.at for side in sure[end::2]]) for end in (0, 1)) > _RIM:
        return None
    return _veil(sure, [Box(0, sure[0].at, columns, sure[1].at)], (rows, columns))


def _rectangles(turned: FloatImage, inks: list[Box], sure: list[_Side]) -> list[Box]:
    """Return the rectangle of each line, by the borders beside each and those above and below all."""
    found, top = [], sure[-2].at
    for number, ink in enumerate(inks):
        span, bottom = (sure[2 * number].at, sure[2 * number + 1].at), sure[-1].at
        if number + 1 < len(inks):
            below = sure[2 * number + 2].at, sure[2 * number + 3].at
            bottom = _step(turned, sure[0], (ink, inks[number + 1]), (span, below))
        found.append(Box(span[0], top, span[1], bottom))
        top = bottom
    return found


def _veil(sure: list[_Side], rectangles: list[Box], shape: tuple[int, int]) -> TranslucentBox:
    """Return the plate of some rectangles, as all of its borders show it."""
    area, rim = np.zeros(shape, bool), np.zeros(shape, bool)
    for box in rectangles:
        own = np.zeros(shape, bool)
        own[box.slices] = True
        # Between two lines as well: where their rectangles overlap they are darker.
        area, rim = area | own, rim | _rim(own)
    kept = float(np.median([side.kept for side in sure]))
    blue, green, red = (float(value) for value in np.median([side.added for side in sure], axis=0))
    return TranslucentBox(area, rim, kept, (blue, green, red))


def _agreeing(sides: list[list[_Side]]) -> list[_Side] | None:
    """Return a border of every side, such that all are of one plate; None without one."""
    best, most = None, 0.0
    for guess in [side for borders in sides for side in borders]:
        chosen = []
        for borders in sides:
            alike = [side for side in borders if side.is_like(guess)]
            if not alike:
                break
            chosen.append(max(alike, key=lambda side: side.explained))
        explained = sum(side.explained for side in chosen)
        if len(chosen) == len(sides) and explained > most:
            best, most = chosen, explained
    return best


def _borders(stack: FloatImage, start: int, end: int) -> list[_Side]:
    """Return where a plate's border may be across the columns from `start`, where letters begin, to `end`."""
    step = 1 if end > start else -1
    places = range(start + _CLEAR * step, end, step)
    found = [_at(stack, at, step) for at in places if 3 <= at < stack.shape[2] - 2]
    return [side for side in found if side is not None]


def _at(stack: FloatImage, at: int, step: int) -> _Side | None:
    """Return the border at a column, if a plate explains what is seen on both sides of it."""
    # Column `at` is the first outside to the right, or the first inside to the left; the next ones may be mixed.
    inside, outside = (slice(at - 3, at - 1), slice(at + 1, at + 3))
    if step < 0:
        inside, outside = outside, inside
    within, without = (stack[:, :, part] for part in (inside, outside))
    uneven = [float((np.diff(part, axis=2) ** 2).mean()) for part in (within, without)]
    if uneven[0] > _UNEVEN * uneven[1] + _NOISE:
        # Half of the plate and half of the scene look like both.
        return None
    a, b = within.mean(axis=2).reshape(-1, 3), without.mean(axis=2).reshape(-1, 3)
    means = a.mean(axis=0), b.mean(axis=0)
    da, db = a - means[0], b - means[1]
    own, other, common = float((da * da).sum()), float((db * db).sum()), float((da * db).sum())
    if other < 1 or common <= _LIKE * np.sqrt(own * other):
        return None
    # The ratio of the spreads: a slope by least squares would be too small, since the scene goes on changing.
    kept = float(np.sqrt(own / other))
    added = means[0] - kept * means[1]
    total = float(((a - b) ** 2).mean())
    explained = 1 - float(((a - kept * b - added) ** 2).mean()) / kept / max(total, 1e-6)
    if total < _LEAST_STEP**2 or explained < _EXPLAINED or not _KEPT[0] < kept < _KEPT[1]:
        return None
    return _Side(at, kept, added.astype(np.float32), explained)


def _step(
    turned: FloatImage, like: _Side, inks: tuple[Box, Box], spans: tuple[tuple[int, int], tuple[int, int]]
) -> int:
    """Return the row at which the rectangle of one line goes over into that of the next, which may be wider."""
    (upper, lower), (above, below) = inks, spans
    middle = (upper.y1 + lower.y0) // 2
    down = above[1] - above[0] > below[1] - below[0]
    wide, narrow = (above, below) if down else (below, above)
    apart = [turned[:, wide[0] + 2 : narrow[0] - 2], turned[:, narrow[1] + 2 : wide[1] - 2]]
    columns = np.concatenate([turned[:, :0], *(part for part in apart if part.shape[1] > 0)], axis=1)
    if columns.shape[1] < 4:
        return middle
    ends = (upper.y0 + upper.y1) // 2, (lower.y0 + lower.y1) // 2
    borders = [side for side in _borders(columns, *(ends if down else ends[::-1])) if side.is_like(like)]
    return max(borders, key=lambda side: side.explained).at if borders else middle


def box_opacity(veil: TranslucentBox, inner: FloatImage, outer: FloatImage) -> float:
    """Return how strong a plate is, 0 to 1, by the colours beside its border, `inner` and `outer`."""
    expected = outer * (1 - veil.kept) - np.array(veil.added, np.float32)
    return float((expected * (outer - inner)).sum() / max(1.0, float((expected**2).sum())))


def _rim(area: BoolMask) -> BoolMask:
    """Return the samples beside the border of an area."""
    solid, kernel = area.astype(np.uint8), np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)
    inside = cv2.erode(solid, kernel)
    return np.asarray((cv2.dilate(solid, kernel) > 0) & (inside == 0), bool)
