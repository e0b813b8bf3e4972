"""Boxes behind single words of a line: the highlight of the current word of a lyric or a caption.

Such a box comes with its word or jumps from word to word while the line stands. It is a part of the text, so it is
removed with it, and each stretch of frames on which it stays at one place is a track of its own. A box that holds the
whole line is a plate, which stays unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BGR, BoolMask, ColorVector, channel_max
from preflight.engine.core.box import Box
from preflight.engine.graphics.settings import HIGHLIGHT
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track


def with_highlights(tracks: list[Track], frames: Callable[[], Iterable[Frame]], size: tuple[int, int]) -> list[Track]:
    """Return tracks, and the boxes that highlight words of their lines; letters on these are filled with the boxes.

    Args:
        tracks: what is to be removed.
        frames: decodes the video from its first frame on.
        size: width and height of its frames.
    """
    lines = [HighlightSearch(track, _around(track, size)) for track in tracks if _may_have_highlights(track)]
    if not lines:
        return tracks
    last = max(line.track.last for line in lines)
    for frame in frames():
        if frame.index > last:
            break
        for line in lines:
            if line.track.is_on(frame.index):
                line.add(frame.index, frame.color(line.around))
    others = [track.line for track in tracks if track.text]
    found = {id(line.track): line.highlights(others) for line in lines}
    texts = [track.with_masks(plate=None) if found.get(id(track)) else track for track in tracks]
    return texts + [box for boxes in found.values() for box in boxes]


def _may_have_highlights(track: Track) -> bool:
    """Return True for a line of words that stands."""
    long = track.line.width > HIGHLIGHT.least_line * track.line.height
    return bool(track.text) and track.path is None and track.masks.film is None and long


def _around(track: Track, size: tuple[int, int]) -> Box:
    """Return what is looked at around a line."""
    return track.line.padded(round(HIGHLIGHT.around * track.line.text_height), *size)


@dataclass(slots=True)
class HighlightSearch:
    """Looks for boxes of one colour behind words of a line, frame by frame.

    Attributes:
        track: the line.
        around: what is looked at.
        colors: colours (blue, green, red) that such a box had on a frame.
        boxes: the boxes found on each frame, in pixels of the frame.
    """

    track: Track
    around: Box
    colors: list[ColorVector] = field(default_factory=list)
    boxes: dict[int, list[Box]] = field(default_factory=dict)
    _waiting: dict[int, BGR] = field(default_factory=dict)

    def add(self, index: int, crop: BGR) -> None:
        """Look at what is `around` the line on the next frame."""
        self._waiting[index] = crop
        if len(self._waiting) == HIGHLIGHT.step or index == self.track.last:
            self._learn(crop)
            for waiting, shown in self._waiting.items():
                if boxes := self._find(shown, self.colors):
                    self.boxes[waiting] = boxes
            self._waiting.clear()

    def _learn(self, crop: BGR) -> None:
        """Add the colours of the boxes on a frame to those that are known."""
        for color in common_colors(crop):
            known = any(float(np.abs(color - other).max()) < HIGHLIGHT.same_color for other in self.colors)
            if not known and self._find(crop, [color]):
                self.colors.append(color)

    def _find(self, crop: BGR, colors: list[ColorVector]) -> list[Box]:
        line = self.track.line.moved(-self.around.x0, -self.around.y0)
        boxes = [box for color in colors for box in find_word_boxes(crop, color, line)]
        if not boxes or sum(box.width for box in boxes) > HIGHLIGHT.most_covered * line.width:
            # Boxes of several colours, or one, hold the whole line: a plate.
            return []
        return [box.moved(self.around.x0, self.around.y0) for box in boxes]

    def highlights(self, lines: list[Box]) -> list[Track]:
        """Return the tracks of the boxes that belong to this line and to none of the other `lines`."""
        runs: list[tuple[Box, int, int]] = []
        for index in sorted(self.boxes):
            for box in self.boxes[index]:
                if any(_is_centred(box, line) and line != self.track.line for line in lines):
                    continue
                place = next((n for n, (known, _, end) in enumerate(runs) if _continues(known, end, box, index)), None)
                if place is None:
                    runs.append((box, index, index))
                else:
                    known, first, _ = runs[place]
                    runs[place] = known.united(box), first, index
        return [self._track(*run) for run in runs]

    def _track(self, box: Box, first: int, last: int) -> Track:
        size = self.around.x1, self.around.y1
        place = box.padded(HIGHLIGHT.margin, *size)
        mask = np.ones((place.height, place.width), bool)
        # Coding delays and blurs a change by a frame.
        first, last = max(self.track.first, first - 1), min(self.track.last, last + 1)
        return Track(box=place, line=place, first=first, last=last, masks=MaskModel(usual=mask))


def common_colors(crop: BGR) -> list[ColorVector]:
    """Return the common colours of a crop, (height, width, 3)."""
    step = max(1, round((crop.shape[0] * crop.shape[1] / HIGHLIGHT.samples) ** 0.5))
    samples = crop[::step, ::step].reshape(-1, 3).astype(np.float32)
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    count = min(HIGHLIGHT.clusters, len(samples))
    _, labels, _ = cv2.kmeans(samples, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)
    groups = (samples[labels.ravel() == label] for label in range(count))
    return [np.median(own, axis=0).astype(np.float32) for own in groups if len(own)]


def find_word_boxes(crop: BGR, color: ColorVector, line: Box) -> list[Box]:
    """Return the boxes of a colour that hold words of a line and end with them.

    Args:
        crop: the line and its surroundings, (height, width, 3).
        color: blue, green, red.
        line: the line in the crop.
    """
    same = channel_max(np.abs(crop.astype(np.float32) - color)) < HIGHLIGHT.flat
    outlines, _ = cv2.findContours(same.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found = []
    for outline in outlines:
        x, y, width, height = cv2.boundingRect(outline)
        box = Box(x, y, x + width, y + height)
        fits = _is_centred(box, line) and width < HIGHLIGHT.most_covered * line.width
        if fits and _is_box(same, outline, box, line.text_height):
            found.append(box)
    return found


def _is_centred(box: Box, line: Box) -> bool:
    """Return True for a box that has the height of a highlight of the line, and the line in its middle."""
    height = line.height
    off = abs((box.y0 + box.y1) - (line.y0 + line.y1)) / 2
    fits = HIGHLIGHT.least_height * height <= box.height <= HIGHLIGHT.most_height * height
    along = min(box.x1, line.x1) - max(box.x0, line.x0)
    return fits and off <= HIGHLIGHT.off_centre * height and along > 0.5 * box.width >= 0.25 * height


def _is_box(same: BoolMask, outline: NDArray[np.int32], box: Box, text_height: int) -> bool:
    """Return True when a component is a filled rectangle, perhaps with rounded corners, that holds letters."""
    solid = np.zeros((box.height, box.width), np.uint8)
    cv2.drawContours(solid, [outline], -1, 1, cv2.FILLED, offset=(-box.x0, -box.y0))
    own = same[box.slices] & (solid > 0)
    size = max(3, text_height // 4)
    thick = cv2.morphologyEx(own.astype(np.uint8), cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    held = 1 - float(own.sum() / max(1, solid.sum()))
    return bool(
        solid.mean() > HIGHLIGHT.filled
        and HIGHLIGHT.least_letters < held < HIGHLIGHT.most_letters
        and thick.sum() > HIGHLIGHT.thick * own.sum()
    )


def _continues(known: Box, end: int, box: Box, index: int) -> bool:
    return index - end <= HIGHLIGHT.longest_gap and known.iou(box) > HIGHLIGHT.same_place
