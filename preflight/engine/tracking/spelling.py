"""Letters over a busy scene are told from details of the scene by reading them: strokes drawn alone spell the text."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap
from preflight.engine.detect.ocr import read_line
from preflight.engine.model.identity import text_similarity
from preflight.engine.model.track import LEGIBLE
from preflight.engine.segment.strokes import Strokes, stroke_candidates
from preflight.engine.tracking.settings import SPELLING


def spelled_strokes(
    strokes: Strokes, crop: BGR, spread: FloatMap, text_height: int, inner: BoolMask, place: tuple[slice, slice]
) -> Strokes:
    """Return the strokes that spell the text when drawn alone; `strokes` where they do, or where no others do.

    Thin letters over a busy scene are not as flat and as many as details of the scene with one colour, but these can't
    be read as the same text.

    Args:
        strokes: what was found by colour.
        crop: median crop of the text, (height, width, 3).
        spread: variation over the frames, (height, width), levels.
        text_height: in pixels.
        inner: the line's own rectangle, (height, width).
        place: rows and columns of the crop that are read.
    """
    reading = read_line(crop[place])
    if reading.score <= LEGIBLE or len(reading.text) <= 1 or _spelling(strokes, place, reading.text) >= SPELLING.least:
        return strokes
    others = [own for own in stroke_candidates(crop, spread, text_height, inner) if own.found]
    spelled = [(_spelling(own, place, reading.text), number) for number, own in enumerate(others)]
    best, number = max(spelled, default=(0.0, 0))
    if best < SPELLING.least:
        return strokes
    return replace(others[number], certainty=max(others[number].certainty, SPELLING.certainty))


def _spelling(strokes: Strokes, place: tuple[slice, slice], text: str) -> float:
    """Return the similarity (0..1) of what strokes spell, drawn black on white, with a text."""
    drawn = np.where(strokes.fill[place], 0, 255).astype(np.uint8)
    soft = cv2.cvtColor(cv2.GaussianBlur(drawn, (3, 3), 0), cv2.COLOR_GRAY2BGR)
    return text_similarity(read_line(np.asarray(soft, np.uint8)).text, text)
