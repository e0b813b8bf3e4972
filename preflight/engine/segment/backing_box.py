"""Boxes of one colour behind text: as the ground of one line's letters, and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BGR, BoolMask, ColorVector, FloatMap
from preflight.engine.core.box import Box
from preflight.engine.segment.rectangles import find_rectangles
from preflight.engine.segment.settings import BACKING_BOX, BackingBoxSettings


@dataclass(frozen=True, slots=True)
class BackingBox:
    """A box as the ground of one line.

    Attributes:
        area: its pixels with the letters, (height, width).
        foreground: pixels of other colours than its own.
    """

    area: BoolMask
    foreground: BoolMask

    @property
    def letters(self) -> BoolMask:
        """Pixels that letters cover, inside the box."""
        return np.asarray(_grown(self.foreground, 5) & _inside(self.area), bool)


def find_solid(crop: BGR, spread: FloatMap, fill: BoolMask, changed: BoolMask | None = None) -> BackingBox | None:
    """Return the box behind one line, as far as a crop shows it; None without one.

    It is the flat, steady area of one colour around the letters, with straight edges. Boxes of other lines with their
    letters may adjoin it.

    Args:
        crop: median crop of the text, (height, width, 3).
        spread: variation over the frames, (height, width), levels.
        fill: body of the letters.
        changed: what changed when the letters came and went, which is no part of the scene.
    """
    body = _body(fill)
    found = _even(crop, spread, fill, body)
    if found is None:
        return None
    same, color = found
    letters = _grown(fill, 5)
    solid = _filled(_touching(same | (letters & body), body))
    if solid[body].mean() < BACKING_BOX.covered or _inside(solid)[fill].mean() < BACKING_BOX.held:
        return None
    if _thick_share(same & solid, body) < BACKING_BOX.thick:
        return None
    mixed = _between(crop, color, np.median(crop[fill], axis=0).astype(np.float32))
    # Letters of other lines are thin; a scene of such colours is not.
    mixed &= ~_opened(mixed, round(0.4 * np.count_nonzero(body.any(axis=1))) | 1)
    came = changed is not None and float(changed[solid].mean()) > BACKING_BOX.appeared
    if _borders(solid | mixed, body) < (1 if came else BACKING_BOX.least_sides):
        return None
    beside = _grown(body, 9).any(axis=1, keepdims=True)
    return BackingBox(solid, solid & ~same & beside)


def letters_on_ground(
    crop: BGR, spread: FloatMap, fill: BoolMask, inner: BoolMask, settings: BackingBoxSettings = BACKING_BOX
) -> BoolMask:
    """Return the letters' body without the scene beside a box, where that has the letters' colour.

    Such pieces lie outside the flat ground, and the border of the line `inner` cuts them off, or they are too low.
    """
    body = _body(fill)
    found = _even(crop, spread, fill, body)
    if found is None:
        return fill
    rest = fill & ~_filled(_touching(found[0], body))
    if not rest.any() or rest.sum() > (1 - settings.least_inside) * fill.sum():
        return fill
    edge = inner & ~(cv2.erode(inner.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8))
    low = np.flatnonzero(stats[:, cv2.CC_STAT_HEIGHT] < settings.least_letter * body.any(axis=1).sum())
    gone = np.union1d(np.unique(labels[edge & rest]), low)
    return np.asarray(fill & ~(np.isin(labels, gone) & rest), bool)


def find_partial(crop: BGR, spread: FloatMap, fill: BoolMask, text_height: int) -> BackingBox | None:
    """Return the rectangles of one colour behind a part of the letters `fill`, or behind all of them; None without."""
    body = _body(fill)
    even = _even(crop, spread, fill, body)
    if even is not None and _thick_share(even[0], body) < BACKING_BOX.thick:
        # The ground of the whole line is an outline, and so is that of a part of it.
        return None
    found = find_rectangles(crop, spread, fill, text_height)
    if not found:
        return None
    area, foreground = np.zeros(fill.shape, bool), np.zeros(fill.shape, bool)
    for box, same in found:
        area[box.slices] = True
        foreground[box.slices] |= ~same[box.slices]
    return BackingBox(area, foreground)


def find_translucent(fill: BoolMask, changes: Sequence[BoolMask], *, outlined: bool = False) -> BackingBox | None:
    """Return the translucent box behind one line, by what changed as it came or went; None without one.

    Args:
        fill: body of the letters.
        changes: what changed at each end. An end at which the scene moved is not informative.
        outlined: the letters have an outline, which changes as a box of small letters does.
    """
    body = _body(fill)
    height = int(np.count_nonzero(body.any(axis=1)))
    # An outline or a shadow changes too, but not what lies between letters further apart.
    beyond = ~_grown(fill, 2 * round(BACKING_BOX.outline * height + 2) + 1)
    amid = body & beyond
    small = amid.sum() < BACKING_BOX.gaps * body.sum()
    if small and outlined:
        return None
    # Less of a scene that moves changes at both ends.
    both = [np.logical_and.reduce(changes)] if len(changes) > 1 else []
    for changed in (*both, *changes):
        area = _opened(_closed(changed | fill, height // 4 | 1), height // 3 | 1)
        solid = _filled(_touching(area | fill, body))
        # Small letters leave no ground between them, but a box has a margin.
        ground = solid & beyond if small else amid
        if (
            solid[body].mean() >= BACKING_BOX.covered
            and ground.sum() >= BACKING_BOX.gaps * (solid if small else body).sum()
            and changed[ground].mean() >= BACKING_BOX.appeared
            and _borders(solid, body, runs=False) >= BACKING_BOX.least_sides
        ):
            # Shadows and what encoding mixes with the letters go with them.
            return BackingBox(solid, _grown(fill, 2 * round(BACKING_BOX.shadow * height) + 1))
    return None


def find_whole(crop: BGR, spread: FloatMap, fill: BoolMask, foreground: BoolMask, height: int) -> BoolMask | None:
    """Return the whole box behind the letters of one line; None without one.

    The box may have steps and rounded corners, and may go from side to side; a ground without an upper or a lower end
    in sight is none.

    Args:
        crop: median crop that goes well beyond the line, (height, width, 3).
        spread: variation over the frames, (height, width), levels.
        fill: body of the line's letters.
        foreground: all letters on the crop.
        height: text height in pixels.
    """
    body = _body(fill)
    even = _even(crop, spread, foreground, body)
    whole = None if even is None else _grow(even[0], foreground, body, height)
    if whole is not None:
        return whole
    found = find_rectangles(crop, spread, fill, height)
    return np.logical_or.reduce([_mask_of(box, fill.shape) for box, _ in found]) if found else None


def _grow(same: BoolMask, foreground: BoolMask, body: BoolMask, height: int) -> BoolMask | None:
    """Return the flat area around the letters, by region growing; None unless it ends in sight with straight edges."""
    base = _closed(same | _grown(foreground, 5), 3)
    # Without thin leaks into a scene of its colour; what they cost at corners comes back.
    leak = max(3, height // 5 | 1)
    near = _touching(_opened(_filled(base), leak), body)
    whole = _filled(near | (_grown(near, 2 * leak + 1) & _touching(base, body)))
    whole = _opened(whole, 3)
    ends = not whole[0].any() and not whole[-1].any()
    solid = _thick_share(same & whole, body) >= BACKING_BOX.thick and whole[body].mean() >= BACKING_BOX.covered
    return whole if ends and solid and straightness(whole, height) >= BACKING_BOX.straight_outline else None


def _mask_of(box: Box, shape: tuple[int, int]) -> BoolMask:
    mask = np.zeros(shape, bool)
    mask[box.slices] = True
    return mask


def straightness(solid: BoolMask, height: int) -> float:
    """Return the share of an area's outline in vertical or horizontal stretches of half the text height or more."""
    run = max(6, round(BACKING_BOX.run * height))
    straight = total = 0
    outlines, _ = cv2.findContours(solid.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        points = outline.reshape(-1, 2)
        if len(points) <= run:
            continue
        chord = np.abs(np.roll(points, -run, axis=0) - points)
        marked = (chord.min(axis=1) <= 1).astype(np.int32)
        # Every point of a straight stretch counts, not only where one begins.
        laps = np.concatenate((marked[-run:], marked))
        covered = np.convolve(laps, np.ones(run + 1, np.int32))[run : run + len(marked)] > 0
        straight, total = straight + int(covered.sum()), total + len(points)
    return straight / total if total else 0.0


def _even(crop: BGR, spread: FloatMap, foreground: BoolMask, body: BoolMask) -> tuple[BoolMask, ColorVector] | None:
    """Return the pixels with the steady colour of the ground among the letters, and that colour."""
    among = body & ~_grown(foreground, 5)
    if among.sum() < BACKING_BOX.least_ground_pixels:
        return None
    color = np.median(crop[among], axis=0).astype(np.float32)
    apart = np.abs(crop.astype(np.float32) - color).max(axis=2)
    same: BoolMask = (apart < BACKING_BOX.flat) & (spread < BACKING_BOX.steady)
    return (same, color) if same[among].mean() >= BACKING_BOX.least_ground else None


def _thick_share(area: BoolMask, body: BoolMask) -> float:
    """Return the share of an area near the letters that survives an opening of a quarter of the letters' height.

    Thick outlines that flow together have the colour of a box around every letter, but they are nowhere thick. A scene
    of their colour may adjoin them; a box is thick among its letters too.
    """
    height = int(body.any(axis=1).sum())
    near = _grown(body, 2 * (height // 8) + 1)
    return float((_opened(area, max(3, height // 4)) & near).sum() / max(1, (area & near).sum()))


def _between(crop: BGR, a: ColorVector, b: ColorVector) -> BoolMask:
    """Return the pixels whose colour is a mixture of two."""
    way = b - a
    share = np.clip((crop - a) @ way / max(1.0, float(way @ way)), 0, 1)
    return np.asarray(np.abs(crop - (a + share[..., None] * way)).max(axis=2) < BACKING_BOX.flat, bool)


def _borders(covered: BoolMask, body: BoolMask, *, runs: bool = True) -> int:
    """Return on how many sides the area around the letters ends in sight; 0 when not straight above and below.

    Without `runs` all of an edge has to lie in one row.
    """
    rows, columns = np.nonzero(body.any(axis=1))[0], np.nonzero(body.any(axis=0))[0]
    height = len(rows)
    above, below = covered[: rows[0] + 1, columns][::-1], covered[rows[-1] :, columns]
    left, right = covered[rows, : columns[0] + 1].T[::-1], covered[rows, columns[-1] :].T
    ends = [lines.argmin(axis=0) for lines in (above, below, left, right) if _ends_in_sight(lines)]
    flat = [lines.argmin(axis=0) for lines in (above, below) if _ends_in_sight(lines)]
    least = max(6, round(BACKING_BOX.run * height))
    if any(
        _in_runs(end, least if runs else round(BACKING_BOX.straight * end.size)) < BACKING_BOX.straight for end in flat
    ):
        return 0
    return len(ends)


def _ends_in_sight(lines: BoolMask) -> bool:
    """Return True when most columns of an area end."""
    return float((~lines.all(axis=0)).mean()) >= BACKING_BOX.straight


def _in_runs(ends: NDArray[np.int_], least: int) -> float:
    """Return the share of ends in a row with enough others."""
    count = np.bincount(ends, minlength=int(ends.max()) + 1)
    near = np.convolve(count, np.ones(3, int), mode="same")
    return float((near[ends] >= least).mean())


def _inside(area: BoolMask) -> BoolMask:
    """Return an area without its rim, where coding mixes the two sides."""
    return np.asarray(cv2.erode(area.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0, bool)


def _body(fill: BoolMask) -> BoolMask:
    x, y, width, height = cv2.boundingRect(fill.astype(np.uint8))
    body = np.zeros(fill.shape, bool)
    body[y : y + height, x : x + width] = True
    return body


def _touching(area: BoolMask, body: BoolMask) -> BoolMask:
    """Return the connected component of an area with the largest share of the body."""
    count, labels = cv2.connectedComponents(area.astype(np.uint8))
    touched = np.bincount(labels[body], minlength=count)
    touched[0] = 0
    return np.asarray((labels == int(touched.argmax())) & area, bool)


def _filled(area: BoolMask) -> BoolMask:
    """Return an area without its holes."""
    outlines, _ = cv2.findContours(area.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(area.shape, np.uint8), outlines, -1, 1, cv2.FILLED) > 0, bool)


def _grown(area: BoolMask, size: int) -> BoolMask:
    return np.asarray(cv2.dilate(area.astype(np.uint8), np.ones((size, size), np.uint8)) > 0, bool)


def _closed(area: BoolMask, size: int) -> BoolMask:
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0, bool)


def _opened(area: BoolMask, size: int) -> BoolMask:
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0, bool)
