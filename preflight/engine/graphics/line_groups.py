"""Lines of text that stand together, as on one box, and what the frames around their time show there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.graphics.box_edge import downscale
from preflight.engine.graphics.settings import LINE_GROUP
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import Track
from preflight.engine.motion.template_match import Offset

SEARCH_FRAMES = 48
"""Frames before and after a text on which its box is looked for."""


@dataclass(slots=True)
class LineGroup:
    """Lines that stand together, and what the frames around their time show there."""

    tracks: list[Track]
    size: tuple[int, int]
    crops: dict[int, BGR] = field(default_factory=dict)
    small: dict[int, BGR] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """First frame on which all lines are there."""
        return max(track.first for track in self.tracks)

    @property
    def last(self) -> int:
        """Last frame on which all lines are there."""
        return min(track.last for track in self.tracks)

    @property
    def start(self) -> int:
        """First frame to look at."""
        return max(0, min(track.first for track in self.tracks) - SEARCH_FRAMES)

    @property
    def end(self) -> int:
        """Last frame to look at."""
        return max(track.last for track in self.tracks) + SEARCH_FRAMES

    @property
    def height(self) -> int:
        """Height of its text."""
        return min(track.line.text_height for track in self.tracks)

    @property
    def lines(self) -> Box:
        """The box around all lines."""
        whole = self.tracks[0].line
        for track in self.tracks[1:]:
            whole = whole.united(track.line)
        return whole

    @property
    def around(self) -> Box:
        """What is looked at: from side to side of the picture, for blocks that cross it."""
        far, lines = round(LINE_GROUP.around * self.height), self.lines
        return Box(0, lines.y0 - far, self.size[0], lines.y1 + far).padded(0, *self.size)

    def takes(self, track: Track) -> bool:
        """Return True when a line stands together with those of the group for most of its time."""
        if track.path is not None or self.moves:
            return False
        shared = min(self.last, track.last) - max(self.first, track.first) + 1
        near = any(
            max(a.y0, b.y0) - min(a.y1, b.y1) < LINE_GROUP.gap * min(a.text_height, b.text_height)
            and min(a.x1, b.x1) > max(a.x0, b.x0)
            for a, b in ((own.line, track.line) for own in self.tracks)
        )
        return near and 2 * shared > min(self.last - self.first, track.last - track.first) + 1

    def offset(self, index: int) -> Offset:
        """Return how far the lines are from their place on a frame."""
        path = self.tracks[0].path
        return (0, 0) if path is None else path[min(max(0, index - self.first), len(path) - 1)]

    def add_crop(self, frame: Frame) -> None:
        """Keep what a frame shows."""
        if not self._is_kept(frame.index):
            return
        crop = frame.color(self.around.moved(*self.offset(frame.index)))
        if frame.index in self._sampled_frames():
            self.crops[frame.index] = crop
        self.small[frame.index] = downscale(crop, self.scale)

    def shown(self, index: int) -> BGR:
        """Return the small picture of a frame, or of the last one before it that was kept."""
        while index not in self.small:
            index -= 1
        return self.small[index]

    def _sampled_frames(self) -> set[int]:
        early, late = self.first, self.last
        rest = min(LINE_GROUP.settled, (late - early) // 4)
        return set(np.linspace(early + rest, late - rest, LINE_GROUP.crops).astype(int).tolist())

    def _is_kept(self, index: int) -> bool:
        """Return True for every frame on which a block may come or go, and for some of all others."""
        if not self.start <= index <= self.end:
            return False
        ends = (end for track in self.tracks for end in (track.first, track.last))
        stride = 1 + (self.end - self.start) // LINE_GROUP.between
        return (
            any(abs(index - end) <= SEARCH_FRAMES for end in ends)
            or index % stride == 0
            or index in self._sampled_frames()
        )

    @property
    def moves(self) -> bool:
        """True for a line that moves, which is always alone."""
        return self.tracks[0].path is not None

    @property
    def scale(self) -> int:
        """How many samples are one on the small pictures."""
        return max(1, self.height // LINE_GROUP.small_height)


def group_lines(tracks: list[Track], size: tuple[int, int]) -> list[LineGroup]:
    """Return the tracks of a video of `size`, those together that stand together."""
    groups: list[LineGroup] = []
    for track in sorted(tracks, key=lambda t: (t.first, t.line.y0)):
        home = next((group for group in groups if group.takes(track)), None)
        if home is None:
            groups.append(LineGroup([track], size))
        else:
            home.tracks.append(track)
    return groups
