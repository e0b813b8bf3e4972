"""Detect text on a frame: how often, how closely, and the task that a worker gets for it."""

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
from preflight.engine.detect.settings import DETECTION
from preflight.engine.media.decode import Frame

RASTER = 32
"""The sides of a picture for the detector are multiples of this, in pixels."""


class PendingLines(Protocol):
    """The lines of text on a frame, which may still be in the making."""

    def result(self) -> list[Box]:
        """Wait for the lines and return them."""
        ...


Detector = Callable[[Frame], PendingLines]


@dataclass(frozen=True, slots=True)
class NoLines:
    """The result of a detection that isn't needed."""

    def result(self) -> list[Box]:
        """Return no line."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectTask:
    """Detect the lines of text on `picture`, in pixels of a frame of `size` (width, height).

    Cheaper detections come first: with `parts` of these regions alone, with `known` a coarse one of all of it. Only if
    they show a line, or one that is not at a known place, a full one follows, and its lines are the result.
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
        """Return True when a coarse detection shows a line that is not at a known place."""
        height, width = self.picture.shape[:2]
        small = ocr.detection_size(width, height, DETECTION.coarse_side)
        picture = np.asarray(cv2.resize(self.picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        lines = plausible_lines(ocr.find_lines(picture, self.size), self.size[1])
        return any(not any(_is_known(line, other) for other in known) for line in lines)

    def _shows_any(self, parts: tuple[Box, ...]) -> bool:
        """Return True when lines are detected in the regions, and in their wide surroundings too."""
        height, width = self.picture.shape[:2]
        shown = [line.moved(part.x0, part.y0) for part in parts for line in self._lines_in(part)]
        if not shown:
            return False
        place, reach = functools.reduce(Box.united, shown), DETECTION.surroundings
        around = Box(
            max(0, (place.x0 - reach) // RASTER * RASTER),
            max(0, (place.y0 - reach) // RASTER * RASTER),
            min(width, -(-(place.x1 + reach) // RASTER) * RASTER),
            min(height, -(-(place.y1 + reach) // RASTER) * RASTER),
        )
        return 2 * around.area > width * height or bool(self._lines_in(around))

    def _lines_in(self, part: Box) -> list[Box]:
        lines = ocr.find_lines(self.picture[part.slices], (part.width, part.height))
        return plausible_lines(lines, self.picture.shape[0])


def _is_known(line: Box, known: Box) -> bool:
    """Return True for a line at a known place, neither much larger nor much smaller."""
    large = line.area >= DETECTION.max_growth * known.area
    small = line.text_height <= DETECTION.min_height * known.text_height
    return not large and not small and known.common(line) > DETECTION.same_overlap * line.area


def sample_step(rate: Fraction) -> int:
    """Return how many frames apart two samples are, at a frame rate."""
    return max(1, min(DETECTION.max_step, round(float(rate) * DETECTION.sample_seconds)))


def make_task(frame: Frame, side: int = DETECTION.side) -> DetectTask:
    """Return the task that detects the lines of text on a frame, shrunk to a shorter side of `side` pixels."""
    height, width = frame.y.shape
    return DetectTask(picture=frame.shrunk(*ocr.detection_size(width, height, side)), size=(width, height))


def plausible_lines(lines: list[Box], height: int) -> list[Box]:
    """Return the lines with their words joined, without boxes about as large as a frame `height` pixels high."""
    return [box for box in join_words(lines) if box.text_height < DETECTION.max_height * height]


def find_text(frame: Frame) -> list[Box]:
    """Return the lines of text on a frame."""
    return plausible_lines(make_task(frame).run(), frame.y.shape[0])
