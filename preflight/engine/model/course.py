"""Motion at one speed: where a line of text is that crosses the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from preflight.engine.model.track import Track
from preflight.engine.motion.template_match import Offset

MIN_FRAMES = 8
"""Frames on which a line has to be tracked for its course to be known."""
MIN_WAY = 1.0
"""Way in heights of the text at or above which a line crosses the frame; less is a tremble."""
MAX_DEVIATION = 2.5
"""Pixels by which the places of a line may be off its course."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where a line is: offsets at frame 0 and for each frame, across and down."""

    start: tuple[float, float]
    speed: tuple[float, float]

    def at(self, index: int) -> Offset:
        """Return the offset on frame `index`."""
        return round(self.start[0] + self.speed[0] * index), round(self.start[1] + self.speed[1] * index)


def fit_course(track: Track) -> Course | None:
    """Return the course of a track that moves in a straight line at one speed, else None."""
    if track.path is None or len(track.path) < MIN_FRAMES:
        return None
    frames = np.arange(track.first, track.last + 1)
    path = np.array(track.path, np.float64)
    (speed_x, x), (speed_y, y) = np.polyfit(frames, path, 1).T
    known = Course((float(x), float(y)), (float(speed_x), float(speed_y)))
    fitted = np.outer(frames, known.speed) + known.start
    way = float(np.abs(fitted[-1] - fitted[0]).max())
    if way < MIN_WAY * track.line.text_height or np.abs(path - fitted).max() > MAX_DEVIATION:
        return None
    return known
