"""Large faint marks of stock agencies, read from what stays of the gradients.

On single frames such a mark is lost in the texture behind it. The median of the gradients loses the noise and what
moves, so the mark can be read there even when the camera stands, and all of the scene stays too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, FloatMap
from preflight.engine.core.box import Box, join_words
from preflight.engine.detect import ocr
from preflight.engine.graphics.settings import DETECTOR, FAINT
from preflight.engine.graphics.static_edges import StaticEdges, mark_track
from preflight.engine.graphics.watermarks import FrameSampler
from preflight.engine.model.identity import IDENTITY, is_same_text
from preflight.engine.model.kind import Kind
from preflight.engine.model.track import LEGIBLE, Track

STOCK_NAMES = (
    "shutterstock",
    "istock",
    "istockphoto",
    "gettyimages",
    "adobestock",
    "alamy",
    "dreamstime",
    "depositphotos",
    "123rf",
    "pond5",
    "videoblocks",
    "storyblocks",
    "envato",
    "freepik",
    "vecteezy",
    "bigstock",
    "motionarray",
    "preview",
    "watermark",
    "视觉中国",
    "图虫创意",
    "摄图网",
    "千图网",
    "包图网",
)
"""What marks of agencies say. Other faint text that stays may be a sign in the scene."""


def find_faint_marks(gallery: FrameSampler, size: tuple[int, int], frames: int, known: Sequence[Track]) -> list[Track]:
    """Return the tracks of large text that only the static edges of a video show.

    Args:
        gallery: samples of it.
        size: width and height of its frames.
        frames: number of its frames.
        known: the tracks of text that was found on its frames.

    Returns:
        Overlay text where it is the name of an agency, else uncertain text.
    """
    if len(gallery.samples) < DETECTOR.least_samples:
        return []
    stack = np.stack(list(gallery.samples.values()))
    height, width = stack.shape[1:]
    scale = max(size) / max(height, width)
    whole = Box(0, 0, width, height)
    edges = StaticEdges.of(stack, whole)
    picture = _drawn(np.asarray(np.hypot(*edges.median), np.float32))
    shown = ocr.detection_size(width, height, FAINT.side)
    small = np.asarray(cv2.resize(picture, shown, interpolation=cv2.INTER_AREA), np.uint8)
    found = []
    for line in join_words(ocr.find_lines(small, (width, height))):
        if line.width < FAINT.width * width or line.height < FAINT.height * height:
            continue
        own = edges.edges.copy()
        own[: line.y0] = own[line.y1 :] = False
        own[:, : line.x0] = own[:, line.x1 :] = False
        reading = ocr.read_line(np.ascontiguousarray(picture[line.padded(2, width, height).slices]))
        if not own.any() or reading.score <= LEGIBLE or len(reading.text) < FAINT.letters:
            continue
        track = mark_track(own, whole, scale, size, frames)
        if any(other.frames > 1 and other.line.common(track.line) > FAINT.known * track.line.area for other in known):
            continue
        kind = Kind.ARTIFICIAL if _is_stock_name(reading.text) else Kind.UNCERTAIN
        found.append(replace(track, text=reading.text, score=reading.score, kind=kind))
    return found


def _drawn(steepness: FloatMap) -> BGR:
    """Return edges drawn dark on white, as text for the detector."""
    gray = 255 - np.clip(FAINT.gain * steepness, 0, 255)
    return np.asarray(cv2.merge([gray.astype(np.uint8)] * 3), np.uint8)


def _is_stock_name(text: str) -> bool:
    words = text.lower().replace(" ", "")
    return any(is_same_text(words, name, IDENTITY.exact_similarity) for name in STOCK_NAMES)
