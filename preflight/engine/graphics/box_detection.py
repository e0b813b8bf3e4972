"""Detection of the boxes behind text, and of graphics that adjoin them, in a pass of its own over the video.

A box is looked for well beyond its lines, once for all lines that stand together. It may come before them and go after
them, sliding, fading or drawn bit by bit, so its edge is measured on every frame around their time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from preflight.engine.alpha import translucent_box
from preflight.engine.core.arrays import BGR, BoolMask, FloatMap
from preflight.engine.core.box import Box
from preflight.engine.graphics.adjacent_graphics import adjacent_graphic
from preflight.engine.graphics.box_edge import BoxEdge, downscale
from preflight.engine.graphics.line_groups import SEARCH_FRAMES, LineGroup, group_lines
from preflight.engine.graphics.settings import BOX_DETECTION
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.motion import displacement
from preflight.engine.motion.camera import Motion
from preflight.engine.motion.template_match import Offset
from preflight.engine.segment import backing_box, strokes


def last_frame_needed(tracks: list[Track]) -> int:
    """Return the frame up to which (exclusive) `detect_backing_boxes` looks."""
    return max((track.last for track in tracks), default=-1) + SEARCH_FRAMES + 1


def release_letters(texts: list[Track], found: list[Track]) -> list[Track]:
    """Return texts whose letters are no longer filled from their box where that box is removed for all of their time.

    On frames on which the box stays, its letters are filled from it, or they would be legible in the box's shade.
    """
    return [text.with_masks(plate=None) if any(_holds(box, text) for box in found) else text for text in texts]


def _holds(box: Track, text: Track) -> bool:
    """Return True when a box is behind a good part of a text on all of its frames."""
    common = box.extent.common(text.line)
    return box.first <= text.first and text.last <= box.last and common > BOX_DETECTION.held * text.line.area


def detect_backing_boxes(
    tracks: list[Track], frames: Iterable[Frame], motion: Motion, size: tuple[int, int]
) -> list[Track]:
    """Return tracks of the blocks behind text, and of what adjoins them; `frames` are the video's from the first on."""
    groups = group_lines(tracks, size)
    found = []
    for frame in frames:
        for group in groups:
            group.add_crop(frame)
        for group in [group for group in groups if group.end <= frame.index]:
            groups.remove(group)
            found.append(_settled(group, motion))
    found += [_settled(group, motion) for group in groups]
    return [block for block in found if block is not None]


def _settled(group: LineGroup, motion: Motion) -> Track | None:
    """Return the track of the block behind a group of lines, None when there is none."""
    if not group.crops:
        return None
    crop, spread = strokes.median_and_spread(list(group.crops.values()))
    mask, translucent = _behind(group, crop, spread)
    if not mask.any():
        return None
    border = BoxEdge.of(mask, crop, group.scale, group.height)
    strengths = _strengths(group, border, translucent)
    told = [strengths[n] for n in group.crops if not np.isnan(strengths[n])]
    if not told or np.percentile(told, 20) < BOX_DETECTION.steady:
        return None
    usual = float(np.median(told))
    strengths = {index: strength / usual for index, strength in strengths.items()}
    # A band from side to side stays where it is, whatever runs along it.
    moves = group.moves and not _crosses(mask)
    slides = {} if translucent is not None or group.moves else _slides(group, border, strengths)
    first, last = _life(group, strengths, BOX_DETECTION.gone if translucent is None else BOX_DETECTION.gone_translucent)
    before = first - 1 if first - 1 in strengths and not _cut(motion, first - 1, group.first) else None
    after = last + 1 if last + 1 in strengths and not _cut(motion, group.last, last + 1) else None
    comes = before is not None or after is not None
    if not (comes or moves or _stands_apart(group, mask, None if translucent else crop, motion)):
        return None
    path = _path(group, slides, first, last, moves=moves)
    if translucent is not None:
        lives = tuple(
            1.0 if (share := strengths[n]) > BOX_DETECTION.full else max(0.0, share) for n in range(first, last + 1)
        )
        return _track(group, translucent.rim, first, last, path=path, translucent=replace(translucent, opacity=lives))
    full = [n for n in range(first, last + 1) if not strengths[n] < BOX_DETECTION.full and n not in slides] or [
        first,
        last,
    ]
    ends = (before, full[0]), (after, full[-1])
    changes = [cv2.absdiff(group.shown(a), group.shown(b)) for a, b in ends if a is not None]
    mask = mask | adjacent_graphic(mask, changes, downscale(np.clip(spread, 0, 255).astype(np.uint8), group.scale))
    # Encoders tint the samples beside a border.
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    block = _track(group, grown, first, last, path=path)
    comes, goes = first - 1 in strengths, last + 1 in strengths
    return replace(block.with_evidence(appears=comes, vanishes=goes), lasting=not (comes and goes))


def _strengths(
    group: LineGroup, border: BoxEdge, translucent: translucent_box.TranslucentBox | None
) -> dict[int, float]:
    """Return how much of a block is there, frame by frame: between those that were kept, what the last of them has."""
    kept = sorted(group.small)
    own = {index: border.strength(group.small[index], translucent) for index in kept}
    return {index: own[before] for before, after in pairwise([*kept, kept[-1] + 1]) for index in range(before, after)}


def _behind(group: LineGroup, crop: BGR, spread: FloatMap) -> tuple[BoolMask, translucent_box.TranslucentBox | None]:
    """Return what the block behind the lines covers of their crop, and what is seen through it."""
    fills = [fill for fill in _fills(group, crop, spread) if fill.any()]
    nothing = np.zeros(crop.shape[:2], bool)
    if not fills:
        return nothing, None
    rects = [cv2.boundingRect(fill.astype(np.uint8)) for fill in fills]
    # Where the scene under a translucent box is flat it looks like a plate, but never the other way round.
    translucent = translucent_box.find_translucent_box(
        list(group.crops.values()), [Box(x, y, x + w, y + h) for x, y, w, h in rects], group.height
    )
    if translucent is not None:
        return translucent.area, translucent
    foreground = np.logical_or.reduce(fills)
    found = [backing_box.find_whole(crop, spread, fill, foreground, group.height) for fill in fills]
    return np.logical_or.reduce([nothing, *(block for block in found if block is not None)]), None


def _fills(group: LineGroup, crop: BGR, spread: FloatMap) -> list[BoolMask]:
    """Return the letters' body of each line, from top to bottom."""
    fills = []
    for track in sorted(group.tracks, key=lambda t: t.line.y0):
        place, inner = track.line.moved(-group.around.x0, -group.around.y0), np.zeros(crop.shape[:2], bool)
        inner[max(0, place.y0 - 2) : place.y1 + 2, max(0, place.x0 - 2) : place.x1 + 2] = True
        fills.append(strokes.find_strokes(crop, spread, track.line.text_height, inner).fill)
    return fills


def _slides(group: LineGroup, border: BoxEdge, strengths: dict[int, float]) -> dict[int, Offset]:
    """Return how far the block is from its place on frames on which it slides, and note its strength there."""
    found: dict[int, Offset] = {}
    for start, step in ((group.first, -1), (group.last, 1)):
        index, offset = start, (0, 0)
        while index in strengths:
            if strengths[index] < BOX_DETECTION.full or offset != (0, 0):
                offset, strength = border.slid(group.shown(index), offset)
                if not strength > max(BOX_DETECTION.slides, strengths[index] + BOX_DETECTION.better):
                    break
                found[index], strengths[index] = offset, strength
            index += step
    return found


def _path(
    group: LineGroup, slides: dict[int, Offset], first: int, last: int, *, moves: bool
) -> tuple[Offset, ...] | None:
    """Return the way of a block that `moves` with its text, or slides, frame by frame; None when it stands still."""
    if moves:
        return tuple(group.offset(index) for index in range(first, last + 1))
    if not slides:
        return None
    # On the frame more at an end it is hardly to be seen, where it was beside.
    ends = {first: slides.get(first + 1, (0, 0)), last: slides.get(last - 1, (0, 0))}
    away = [slides.get(n, ends.get(n, (0, 0))) for n in range(first, last + 1)]
    return tuple((x * group.scale, y * group.scale) for x, y in away)


def _life(group: LineGroup, strengths: dict[int, float], gone: float) -> tuple[int, int]:
    """Return the first and the last frame on which a block is there."""
    first, last = min(track.first for track in group.tracks), max(track.last for track in group.tracks)
    # Where it can't be told it may be there. One frame more where it fades: that ends too faint to be seen.
    while first - 1 in strengths and not strengths[first - 1] < gone:
        first -= 1
    while last + 1 in strengths and not strengths[last + 1] < gone:
        last += 1
    early, late = strengths.get(first, 1.0) < BOX_DETECTION.full, strengths.get(last, 1.0) < BOX_DETECTION.full
    return first - int(early and first - 1 in strengths), last + int(late and last + 1 in strengths)


def _crosses(mask: BoolMask) -> bool:
    """Return True for a block from side to side of the picture."""
    return bool(mask[:, 0].any() and mask[:, -1].any())


def _cut(motion: Motion, start: int, end: int) -> bool:
    return any(start <= cut < end for cut in motion.cuts)


def _stands_apart(group: LineGroup, mask: BoolMask, crop: BGR | None, motion: Motion) -> bool:
    """Return True when a block that was always there is none of the scene: it stays where the scene does not.

    In a still scene only by its `crop`: no wall is of one colour, or has borders as straight.
    """
    cut = _cut(motion, group.first, group.last)
    if cut or _crosses(mask):
        # From side to side: a horizon and a beach have straight borders too, and a pan does not move them.
        return cut
    if (
        displacement.maximum_displacement(motion, group.lines, group.first, group.last)
        > BOX_DETECTION.moved * group.size[0] / 640
    ):
        return True
    if crop is None:
        return False
    inside = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    ground = crop[inside].astype(np.float32)
    uneven = float(np.median(np.abs(ground - np.median(ground, axis=0)).max(axis=1)))
    return (
        uneven < BOX_DETECTION.strict_even
        and backing_box.straightness(mask, group.height) > BOX_DETECTION.strict_straight
    )


def _track(
    group: LineGroup,
    mask: BoolMask,
    first: int,
    last: int,
    *,
    path: tuple[Offset, ...] | None = None,
    translucent: translucent_box.TranslucentBox | None = None,
) -> Track:
    """Return the track of a block that covers `mask`, with or without a translucent box inside."""
    around = group.around
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    box = Box(x, y, x + width, y + height).padded(0, around.width, around.height)
    place = box.moved(around.x0, around.y0)
    return Track(
        box=place,
        line=place,
        first=first,
        last=last,
        masks=MaskModel(
            usual=mask[box.slices],
            translucent=None
            if translucent is None
            else replace(translucent, area=translucent.area[box.slices], rim=mask[box.slices]),
        ),
        path=path,
    )
