"""Between two samples: at which frames and where to look for words that came and went since the last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.core.box import Box, join_words
from preflight.engine.detect import ocr
from preflight.engine.media.decode import Frame
from preflight.engine.tracking.settings import GAPS, GapSettings


@dataclass(frozen=True, slots=True)
class UnexaminedSpan:
    """Frames `first`..`last` on which `box` may show text that no track covers; they are no donors for it."""

    box: Box
    first: int
    last: int


def caption_slots(lines: Iterable[Box]) -> list[Box]:
    """Return one box for each row of `lines`: the place where captions follow one another."""
    slots: list[Box] = []
    for line in lines:
        place = next((number for number, slot in enumerate(slots) if in_slot(line, slot)), None)
        if place is None:
            slots.append(line)
        else:
            slots[place] = slots[place].united(line)
    return slots


def in_slot(line: Box, slot: Box, settings: GapSettings = GAPS) -> bool:
    """Return True when a line stands in the row of `slot`, is about as high, and overlaps it."""
    if slot.width >= slot.height:
        overlap, own, other = min(line.y1, slot.y1) - max(line.y0, slot.y0), line.height, slot.height
    else:
        overlap, own, other = min(line.x1, slot.x1) - max(line.x0, slot.x0), line.width, slot.width
    alike = max(own, other) <= settings.height_ratio * min(own, other)
    return alike and overlap > settings.row_overlap * min(own, other) and line.common(slot) > 0


def next_probe(unknown: Sequence[int], settings: GapSettings = GAPS) -> int | None:
    """Return the middle of the longest run of `unknown` frames (ascending), None when all runs are short."""
    runs = runs_of(unknown)
    first, last = max(runs, key=lambda run: run[1] - run[0], default=(0, -1))
    return (first + last) // 2 if last - first + 1 >= settings.min_run else None


def runs_of(frames: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last frame of each run of consecutive `frames` (ascending)."""
    runs: list[tuple[int, int]] = []
    for index in frames:
        if runs and runs[-1][1] == index - 1:
            runs[-1] = runs[-1][0], index
        else:
            runs.append((index, index))
    return runs


def find_in_slot(frame: Frame, slot: Box, settings: GapSettings = GAPS) -> list[Box]:
    """Detect the lines of text in the row of `slot` over the whole frame, at the scale that suits their height."""
    height, width = frame.y.shape
    pad = round(settings.margin * slot.text_height)
    if slot.width >= slot.height:
        strip = Box(0, slot.y0 - pad, width, slot.y1 + pad).padded(0, width, height)
    else:
        strip = Box(slot.x0 - pad, 0, slot.x1 + pad, height).padded(0, width, height)
    scale = min(1.0, settings.text_height / slot.text_height)
    size = ocr.detection_size(strip.width, strip.height, max(32, round(scale * min(strip.width, strip.height))))
    picture = np.asarray(cv2.resize(frame.color(strip), size, interpolation=cv2.INTER_AREA), np.uint8)
    lines = join_words(ocr.find_lines(picture, (strip.width, strip.height)))
    found = [line.moved(strip.x0, strip.y0) for line in lines]
    return [line for line in found if in_slot(line, slot, settings)]
