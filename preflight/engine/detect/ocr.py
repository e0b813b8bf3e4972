"""The two OCR networks that the `rapidocr` wheel carries, run directly by onnxruntime: find text, read text.

Both are PP-OCR models; the pre- and post-processing follow their published training configuration (PaddleOCR, DB
detector and CTC recogniser). They are loaded directly because rapidocr's high-level call drops lines it is sure of.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.box import Box
from preflight.errors import INSTALL_LOCAL, ToolMissingError

_DETECTOR = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"
_MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
"""Mean of the channels in the detector's training, gray levels (PaddleOCR, `det` configuration)."""
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32) * 255
"""Standard deviation of the channels in the detector's training, gray levels (the same source)."""
TEXT_PROBABILITY = 0.3
"""Probability at or above which a pixel is text (DB, `thresh` of the published configuration)."""
_LINE_PROBABILITY = 0.6
"""Mean probability of a line's pixels (DB, `box_thresh`)."""
_UNCLIP = 1.6
"""Ratio of area to perimeter by which the shrunken core of a line is grown (DB, `unclip_ratio`)."""
_MIN_AREA = 12
"""Pixels of a core; smaller ones are noise of the map."""
_MIN_SIDE = 3
"""Shorter side of a core in pixels (DB, `min_size`)."""
_READ_HEIGHT = 48
"""Height in pixels that the recogniser reads lines at (CRNN input)."""
_MIN_READ_WIDTH = 16
"""Width in pixels below which a line is stretched."""
_NEAR_SPACE = 0.025
"""Minimum probability of a space that is not the likeliest letter: up to 0.007 inside words, 0.03 or more between."""
_MAX_READ_WIDTH = 960
"""Width in pixels above which a line is squeezed; wider ones take time and are read no better."""


_SURE = 0.75
"""Confidence at or above which a square picture is not read along its diagonals."""
_SLANTED_RATIO = 1.35
"""Ratio of the sides up to which a picture may hold a slanted line of text."""
_SLANTED_HEIGHT = 0.36
"""Height of a line along a diagonal, as a share of the picture's shorter side."""


@dataclass(frozen=True, slots=True)
class OcrReading:
    """What the recogniser read: the text and its mean confidence per character, 0..1."""

    text: str
    score: float


def _session(name: str) -> Any:
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None or not (model := Path(spec.origin).parent / "models" / name).is_file():
        raise ToolMissingError(f"The OCR model {name} is missing.", hint=INSTALL_LOCAL)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread: the work is spread over processes, and a fixed order of sums keeps results the same everywhere.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The arena keeps the most that any size of picture ever took.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


@functools.cache
def _detector() -> Any:
    return _session(_DETECTOR)


@functools.cache
def _recogniser() -> tuple[Any, list[str]]:
    session = _session(_RECOGNISER)
    letters = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    return session, ["", *letters, " "]


def detection_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Return the size, in multiples of 32, at which a picture is searched; small pictures are not enlarged."""
    scale = min(1.0, short_side / min(width, height))
    return max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32)


def text_map(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return for every sample of a blue-green-red picture, sides multiples of 32, the probability that it is text."""
    session = _detector()
    # Plane by plane and in place: that takes a tenth of the time of the same sums over the picture as it lies.
    batch = np.empty((1, 3, *picture.shape[:2]), np.float32)
    for scaled, plane, mean, spread in zip(batch[0], cv2.split(picture), _MEAN, _SPREAD, strict=True):
        np.subtract(plane, mean, out=scaled)
        np.divide(scaled, spread, out=scaled)
    result: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: batch})[0][0, 0]
    return result


def find_lines(picture: NDArray[np.uint8], size: tuple[int, int]) -> list[Box]:
    """Return the lines of text on a picture, as boxes scaled to a picture of `size`."""
    probability = text_map(picture)
    height, width = probability.shape
    across, down = size[0] / width, size[1] / height
    count, labels, stats, _ = cv2.connectedComponentsWithStats((probability > TEXT_PROBABILITY).astype(np.uint8))
    lines = []
    for label in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[label])
        part = labels[y : y + h, x : x + w] == label
        if (
            area < _MIN_AREA
            or min(w, h) < _MIN_SIDE
            or probability[y : y + h, x : x + w][part].mean() < _LINE_PROBABILITY
        ):
            continue
        # The network marks a shrunken core of each line; this is how far it was shrunk in training.
        grow = area * _UNCLIP / (2 * (w + h)) + 1
        lines.append(
            Box(
                max(0, round((x - grow) * across)),
                max(0, round((y - grow) * down)),
                min(size[0], round((x + w + grow) * across)),
                min(size[1], round((y + h + grow) * down)),
            )
        )
    return lines


def read_line(picture: NDArray[np.uint8]) -> OcrReading:
    """Read the one line of text that fills a blue-green-red picture.

    A tall one is turned to lie first, either way: a column of letters, and a line that runs up or down. A square one
    that can't be read may hold a line that runs along a diagonal.
    """
    height, width = picture.shape[:2]
    if height <= 1.5 * width:
        reading = _read(picture)
        if reading.score > _SURE or width > _SLANTED_RATIO * height or height > _SLANTED_RATIO * width:
            return reading
        return max((reading, *(_read(_diagonal(picture, angle)) for angle in (45, -45))), key=lambda r: r.score)
    turns = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_90_CLOCKWISE)
    return max((_read(np.asarray(cv2.rotate(picture, turn), np.uint8)) for turn in turns), key=lambda r: r.score)


def may_be_parted(one: str, other: str) -> bool:
    """Return True for two letters of scripts with spaces between words."""
    return one.isascii() and other.isascii() and one.isalnum() and other.isalnum()


def is_near_space(steps: NDArray[np.float32], spaces: list[int]) -> bool:
    """Return True when one of the classes of `spaces` was nearly read on time steps between two letters.

    Letters whose time steps follow one another leave none for the space between them.
    """
    return float(steps[:, spaces].max(initial=0.0)) > _NEAR_SPACE


@functools.cache
def _spaces() -> list[int]:
    return [place for place, letter in enumerate(_recogniser()[1]) if letter == " "]


def _diagonal(picture: NDArray[np.uint8], angle: float) -> NDArray[np.uint8]:
    """Return the line that runs along a diagonal of a picture, turned by `angle` degrees so that it lies."""
    height, width = picture.shape[:2]
    across, down = round(math.hypot(height, width)), max(8, round(_SLANTED_HEIGHT * min(height, width)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    turn[:, 2] += (across - width) / 2, (down - height) / 2
    turned = cv2.warpAffine(picture, turn, (across, down), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def _read(picture: NDArray[np.uint8]) -> OcrReading:
    session, letters = _recogniser()
    height, width = picture.shape[:2]
    target = int(np.clip(round(width * _READ_HEIGHT / height), _MIN_READ_WIDTH, _MAX_READ_WIDTH))
    scaled = cv2.resize(
        picture, (target, _READ_HEIGHT), interpolation=cv2.INTER_AREA if height > _READ_HEIGHT else cv2.INTER_CUBIC
    )
    batch = ((scaled.astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
    steps = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(batch)})[0][0]
    best, sure = steps.argmax(1), steps.max(1)
    # CTC: a run of one letter is one letter, and class 0 is the gap between two.
    kept = [i for i in range(len(best)) if best[i] and (i == 0 or best[i] != best[i - 1])]
    text = "".join(letters[best[i]] for i in kept[:1])
    for before, after in pairwise(kept):
        one, other = letters[best[before]], letters[best[after]]
        text += (
            f" {other}"
            if may_be_parted(one, other) and is_near_space(steps[before + 1 : after + 1], _spaces())
            else other
        )
    return OcrReading(text=text.strip(), score=float(np.mean(sure[kept])) if kept else 0.0)
