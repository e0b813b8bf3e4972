"""Crawls: a line that crosses the frame at one speed is extended from where it enters to where it leaves.

Such a line is detected in parts where it enters and leaves, and lost over busy scenes. It keeps its course there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from preflight.engine.model.course import MIN_FRAMES, Course, fit_course
from preflight.engine.model.identity import is_part_of_text
from preflight.engine.model.track import Track
from preflight.engine.motion.template_match import visible_share

_ON_COURSE = 0.6
"""Share of a part's line that lies where the whole line would be."""


def extend_crossing_lines(tracks: list[Track], size: tuple[int, int], end: int) -> list[Track]:
    """Return the tracks with each line that crosses the frame as one track, from its entry to its exit.

    Args:
        tracks: tracks in any order.
        size: width and height of the frame in pixels.
        end: index of the video's last frame.
    """
    left = sorted(tracks, key=lambda t: (len(t.text), t.score), reverse=True)
    result = []
    while left:
        whole = left.pop(0)
        known = fit_course(whole)
        if known is not None:
            parts = [part for part in left if _is_part(part, whole, known)]
            left = [track for track in left if not any(track is part for part in parts)]
            whole = _extended(whole, known, parts, size, end)
        result.append(whole)
    return result


def _is_part(part: Track, whole: Track, known: Course) -> bool:
    """Return True when `part` is a piece of the line `whole`, seen on its course."""
    if not is_part_of_text(part.text, whole.text):
        return False
    # A part was seen on one frame, or it moves too; what stays at its place meanwhile is another text.
    return all(
        part.line.moved(*(part.path[index - part.first] if part.path else (0, 0))).common(
            whole.line.moved(*known.at(index))
        )
        > _ON_COURSE * part.line.area
        for index in (part.first, part.last)
    )


def _extended(whole: Track, known: Course, parts: list[Track], size: tuple[int, int], end: int) -> Track:
    """Return `whole` over the frames of its parts, and on to the border of the frame if its line is near that."""

    def is_on(index: int) -> bool:
        return visible_share(whole.line, known.at(index), size) > 0

    first = min(t.first for t in (whole, *parts))
    last = max(t.last for t in (whole, *parts))
    first = _last_frame(first, -1, is_on, 0) if _at_border(whole, known, first, size) else first
    last = _last_frame(last, 1, is_on, end) if _at_border(whole, known, last, size) else last
    path = whole.path or ()
    return replace(
        whole,
        first=first,
        last=last,
        path=tuple(
            path[index - whole.first] if whole.first <= index <= whole.last else known.at(index)
            for index in range(first, last + 1)
        ),
    )


def _at_border(whole: Track, known: Course, index: int, size: tuple[int, int]) -> bool:
    """Return True when the border of the frame cuts the line off, or does so shortly before or after."""
    reach = [step * MIN_FRAMES + index for step in (-1, 0, 1)]
    return any(0 < visible_share(whole.line, known.at(near), size) < 1 for near in reach)


def _last_frame(index: int, step: int, is_on: Callable[[int], bool], limit: int) -> int:
    while index != limit and is_on(index + step):
        index += step
    return index
