"""Look for text on a frame: how often, how closely, and what is asked of a worker for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box, join_words
from preflight.engine.detect import ocr
from preflight.engine.media.decode import Frame

SAMPLE_SECONDS = 0.4
"""Between two looks for text; shorter captions are found by looking into the gaps between captions."""
MAX_STEP = 12
SHORT_SIDE = 480
QUICK_SIDE = 256
"""Lines of a quick look: letters from a thirtieth of the picture's height on are found, at a third of the cost."""
RASTER = 32
"""Samples that the sides of what the detector looks at are multiples of."""
AROUND = 160
"""Samples around what a part shows that are looked at with it: things cut off from what is around look like text."""
_INSIDE, _LARGER, _SMALLER = 0.6, 1.6, 0.6


class PendingLines(Protocol):
    """The lines of text on a frame, maybe still being looked for."""

    def result(self) -> list[Box]:
        """Wait for them."""
        ...


Detector = Callable[[Frame], PendingLines]


@dataclass(frozen=True, slots=True)
class NoLines:
    """The answer that takes no look: no line that is new."""

    def result(self) -> list[Box]:
        """Return no line."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectTask:
    """Find lines of text on `picture`, in places of a picture of `size`.

    Cheaper looks come first: with `parts` at these alone, with `known` quickly at all of it. Only if they show a line,
    or one that is not at a known place, a close one follows, and its lines are what counts.
    """

    picture: BGR
    size: tuple[int, int]
    known: tuple[Box, ...] | None = None
    parts: tuple[Box, ...] | None = None

    def run(self) -> list[Box]:
        """Return the lines."""
        if self.parts is not None and not self._shows_any(self.parts):
            return []
        if self.known is not None and not self._shows_more(self.known):
            return []
        return ocr.find_lines(self.picture, self.size)

    def _shows_more(self, known: tuple[Box, ...]) -> bool:
        height, width = self.picture.shape[:2]
        small = ocr.detection_size(width, height, QUICK_SIDE)
        picture = np.asarray(cv2.resize(self.picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        lines = plausible(ocr.find_lines(picture, self.size), self.size[1])
        return any(not any(_is_same(line, other) for other in known) for line in lines)

    def _shows_any(self, parts: tuple[Box, ...]) -> bool:
        """Return True when lines are found in the parts, and in their wide surroundings too."""
        height, width = self.picture.shape[:2]
        shown = [line.moved(part.x0, part.y0) for part in parts for line in self._inside(part)]
        if not shown:
            return False
        place = functools.reduce(Box.united, shown)
        around = Box(
            max(0, (place.x0 - AROUND) // RASTER * RASTER),
            max(0, (place.y0 - AROUND) // RASTER * RASTER),
            min(width, -(-(place.x1 + AROUND) // RASTER) * RASTER),
            min(height, -(-(place.y1 + AROUND) // RASTER) * RASTER),
        )
        return 2 * around.area > width * height or bool(self._inside(around))

    def _inside(self, part: Box) -> list[Box]:
        lines = ocr.find_lines(self.picture[part.slices], (part.width, part.height))
        return plausible(lines, self.picture.shape[0])


def _is_same(line: Box, known: Box) -> bool:
    """Return True for a line at a known place, neither much larger nor much smaller."""
    alike = line.area < _LARGER * known.area and line.text_height > _SMALLER * known.text_height
    return alike and known.common(line) > _INSIDE * line.area


def sample_step(rate: Fraction) -> int:
    """Return how many frames apart text is looked for."""
    return max(1, min(MAX_STEP, round(float(rate) * SAMPLE_SECONDS)))


def make_task(frame: Frame) -> DetectTask:
    """Return the task that finds the lines of text on a frame."""
    height, width = frame.y.shape
    return DetectTask(picture=frame.shrunk(*ocr.detection_size(width, height, SHORT_SIDE)), size=(width, height))


def plausible(lines: list[Box], height: int) -> list[Box]:
    """Return the lines with their words joined, without boxes about as large as the picture."""
    return [box for box in join_words(lines) if box.text_height < 0.35 * height]


def find_text(frame: Frame) -> list[Box]:
    """Return the lines of text on a frame."""
    return plausible(make_task(frame).run(), frame.y.shape[0])
