"""The tracks of one thing: a text that was lost and found again, seen at several scales, or found in pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from preflight.engine.classify.settings import BLOCKS, CLASSIFIER, SIGNS
from preflight.engine.core.box import Box
from preflight.engine.model.identity import anchor_shift, is_same_or_part, is_same_place
from preflight.engine.model.track import LEGIBLE, Track
from preflight.engine.motion.camera import Motion
from preflight.engine.motion.displacement import cumulative_displacement, largest_distance

_STRIDE = 4
"""Frames from one place of a path to the next one that is compared with the scene."""


_BORDER = 1
"""Pixels from the frame's border at which a line is cut off by it."""


def same_thing(tracks: Sequence[Track]) -> list[list[Track]]:
    """Return the tracks in groups of one thing each, over its whole life, each in order of time."""
    return _components(sorted(tracks, key=lambda track: (track.first, track.last)), _is_same_thing)


def same_block(tracks: Sequence[Track]) -> list[list[Track]]:
    """Return the tracks in groups of lines that stand together, as the lines of one caption or one card."""
    return _components(tracks, is_same_block)


def _components(tracks: Sequence[Track], is_linked: Callable[[Track, Track], bool]) -> list[list[Track]]:
    groups: list[list[Track]] = []
    for track in tracks:
        own = [group for group in groups if any(is_linked(other, track) for other in group)]
        groups = [group for group in groups if not any(group is linked for linked in own)]
        groups.append([*(other for group in own for other in group), track])
    return groups


def _is_same_thing(a: Track, b: Track) -> bool:
    """Return True when two tracks, `a` the earlier, are of one thing: the same words, near in time and place."""
    if b.first - a.last > SIGNS.max_gap or not is_same_or_part(a.text, b.text):
        return False
    low, high = sorted((a.line.text_height, b.line.text_height))
    if high > SIGNS.max_scale * low and b.first > a.last:
        return False
    if b.first <= a.last:
        return is_same_place(a.line_on(b.first), b.line_on(b.first))
    return anchor_shift([a.line_on(a.last), b.line_on(b.first)]) < SIGNS.max_step * high


def is_same_block(a: Track, b: Track) -> bool:
    """Return True when two lines stand together: one above or beside the other, as high, aligned, at the same time."""
    if is_moving(a) or is_moving(b) or (a.score > LEGIBLE) != (b.score > LEGIBLE):
        return False
    shared = min(a.last, b.last) - max(a.first, b.first) + 1
    if shared < BLOCKS.shared * min(a.frames, b.frames):
        return False
    one, two = a.line, b.line
    low, high = sorted((one.text_height, two.text_height))
    if high > BLOCKS.height_ratio * low:
        return False
    down, across = max(one.y0, two.y0) - min(one.y1, two.y1), max(one.x0, two.x0) - min(one.x1, two.x1)
    level = abs(one.y0 + one.y1 - two.y0 - two.y1) < BLOCKS.aligned * 2 * low
    edges = abs(one.x0 - two.x0), abs(one.x0 + one.x1 - two.x0 - two.x1) / 2, abs(one.x1 - two.x1)
    stacked = across < 0 and down < BLOCKS.line_gap * low and min(edges) < BLOCKS.aligned * low
    return stacked or (level and across < BLOCKS.line_gap * low)


def settled_offset(track: Track) -> tuple[int, int] | None:
    """Return the offset of a track that stands for most of its frames, None when it moves."""
    if track.path is None:
        return 0, 0
    offset, _ = Counter(track.path).most_common(1)[0]
    near = sum(max(abs(x - offset[0]), abs(y - offset[1])) <= 1 for x, y in track.path)
    return offset if near >= CLASSIFIER.settled * len(track.path) else None


def is_moving(track: Track) -> bool:
    """Return True for a track that does not stand at one place for most of its frames."""
    return settled_offset(track) is None


def displacement_of(tracks: Sequence[Track], width: int) -> float:
    """Return how far (pixels) the tracks of one thing move over its life, 0 when it stands for most of it.

    `width` is the frame's. Text that slides in or out, or pops up, stands for the rest of its time.
    """
    paths = [track.path for track in tracks if track.path is not None and is_moving(track)]
    way = max((largest_distance(path) for path in paths), default=0.0)
    if way > SIGNS.min_path * width / 640:
        return way
    places = [(track.line.moved(*(settled_offset(track) or (0, 0))), track.frames) for track in tracks]
    least = max(
        SIGNS.min_shift * min(line.text_height for line, _ in places),
        SIGNS.min_pixels * width / 640,
    )
    total = sum(track.frames for track in tracks)
    for home, _ in places:
        if sum(frames for line, frames in places if anchor_shift([home, line]) <= least) >= CLASSIFIER.settled * total:
            return 0.0
    far = anchor_shift([line for line, _ in places])
    return far if far > least else 0.0


def distance_from_scene(track: Track, motion: Motion) -> float:
    """Return how far (pixels) a track with a path and the scene under it come apart, up to any cut."""
    x = y = 0.0
    places = [(0.0, 0.0)]
    for index in range(track.first, track.last, _STRIDE):
        following = min(track.last, index + _STRIDE)
        before, after = track.line_on(index), track.line_on(following)
        scene = cumulative_displacement(motion, before, index, following)
        x, y = x + scene[0] - (after.x0 - before.x0), y + scene[1] - (after.y0 - before.y0)
        places.append((x, y))
    return largest_distance(places)


def is_cut_off(line: Box, size: tuple[int, int]) -> bool:
    """Return True when a line reaches the border of the frame, so that it may have left it."""
    return line.x0 <= _BORDER or line.y0 <= _BORDER or line.x1 >= size[0] - _BORDER or line.y1 >= size[1] - _BORDER
