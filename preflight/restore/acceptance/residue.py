"""What is left of a text: legible words, and traces of the letters that no recogniser reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

CHANGED = 18
"""Gray levels by which source and result differ where letters were taken out."""

MIN_CHANGED = 40
"""Changed samples at or above which traces can be measured."""

READ_HEIGHT = 40
"""Height in samples to which a line is enlarged before it is searched."""

SAME_WORDS = 0.5
"""Ratio of matching letters (Ratcliff and Obershelp) at or above which a reading is what was to be removed."""

MIN_PART = 3
"""Letters of a piece of the text that count as residue."""

Color = NDArray[np.uint8]
Box = tuple[int, int, int, int]


class Line(NamedTuple):
    """A line of text on a picture: its box, what was read, and the confidence 0..1."""

    box: Box
    text: str
    score: float


class TextDetector(Protocol):
    """Finds and reads text on a blue-green-red picture."""

    def __call__(self, picture: Color) -> list[Line]:
        """Return the lines of text on a picture."""
        ...


@dataclass(frozen=True, slots=True)
class Residue:
    """What is left on one frame: the reading (empty when nothing is legible) and the strength of traces, 0..1."""

    text: str
    trace: float


def trace_strength(source: NDArray[np.uint8], cleaned: NDArray[np.uint8], text_height: int) -> float:
    """Return how much of the letters' contrast is left in the result, 0 (nothing) to 1 (as before).

    The slope of the regression of the result on the source over the letters and their rim, both without what is larger
    than the letters. The letters are where the two differ; a text that was left alone has none, and is legible.

    Args:
        source: luma of the text's place in the source [H, W].
        cleaned: the same of the result.
        text_height: height of the line in samples.
    """
    changed = (cv2.absdiff(source, cleaned) > CHANGED).astype(np.uint8)
    if int(changed.sum()) < MIN_CHANGED:
        return 0.0
    near = cv2.dilate(changed, np.ones((5, 5), np.uint8)) > 0
    window = (2 * max(3, text_height) + 1,) * 2
    a, b = (plane.astype(np.float32) - cv2.blur(plane.astype(np.float32), window) for plane in (source, cleaned))
    one, other = a[near] - a[near].mean(), b[near] - b[near].mean()
    return float(one @ other) / max(1.0, float(one @ one))


def is_unchanged(source: NDArray[np.uint8], cleaned: NDArray[np.uint8], text_height: int) -> bool:
    """Return True when the place of a text looks as in the source: nothing was taken out."""
    changed = int((cv2.absdiff(source, cleaned) > CHANGED).sum())
    return bool(changed < max(MIN_CHANGED, 0.02 * text_height * source.shape[1]))


def likeness(read: str, text: str) -> float:
    """Return the ratio (0..1) of matching letters of a reading and the text, spaces and letter case aside.

    A reading that is a piece of the text counts as 1.
    """
    a, b = ("".join(part.split()).lower() for part in (read, text))
    if len(a) >= MIN_PART and a in b:
        return 1.0
    return SequenceMatcher(None, a, b, autojunk=False).ratio() if a and b else 0.0


def read_place(picture: Color, place: Box, text_height: int, detect: TextDetector) -> list[Line]:
    """Return the lines that are found in a place of a picture, enlarged so that small print is read."""
    height, width = picture.shape[:2]
    margin = max(6, text_height // 2)
    left, top = max(0, place[0] - margin), max(0, place[1] - margin)
    right, bottom = min(width, place[2] + margin), min(height, place[3] + margin)
    part = picture[top:bottom, left:right]
    if part.size == 0:
        return []
    scale = max(1.0, READ_HEIGHT / max(1, text_height))
    size = (max(32, round((right - left) * scale / 32) * 32), max(32, round((bottom - top) * scale / 32) * 32))
    enlarged = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    return [
        Line(
            (
                left + round(line.box[0] * across),
                top + round(line.box[1] * down),
                left + round(line.box[2] * across),
                top + round(line.box[3] * down),
            ),
            line.text,
            line.score,
        )
        for line in detect(enlarged)
    ]


def legible_part(lines: list[Line], text: str, *, min_score: float) -> str:
    """Return the reading that is most like the text, empty when none is."""
    alike: Callable[[Line], float] = lambda line: likeness(line.text, text)  # noqa: E731
    best = max((line for line in lines if line.score >= min_score), key=alike, default=None)
    return best.text if best is not None and alike(best) >= SAME_WORDS else ""
