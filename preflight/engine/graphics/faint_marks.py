"""Large faint marks of stock agencies, read from what stays of the gradients.

On single frames such a mark is lost in the texture behind it. The median of the gradients loses the noise and what
moves, so the mark can be read there even when the camera stands, and all of the scene stays too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, FloatMap
from preflight.engine.core.box import Box, join_words
from preflight.engine.detect import ocr
from preflight.engine.detect.ocr import OcrReading
from preflight.engine.graphics.settings import DETECTOR, FAINT
from preflight.engine.graphics.static_edges import StaticEdges, mark_track
from preflight.engine.graphics.watermarks import FrameSampler
from preflight.engine.model.identity import is_same_or_part
from preflight.engine.model.kind import Kind
from preflight.engine.model.known_marks import is_agency
from preflight.engine.model.track import LEGIBLE, Track


def with_faint_marks(tracks: Sequence[Track], gallery: FrameSampler, size: tuple[int, int], frames: int) -> list[Track]:
    """Return tracks with those of large text that only the static edges of a video show, instead of pieces of it.

    It is overlay text where it is the name of an agency, else uncertain.

    Args:
        tracks: the tracks of text that was found on its frames.
        gallery: samples of it.
        size: width and height of its frames.
        frames: number of its frames.
    """
    result = list(tracks)
    for mark in _read_static_edges(gallery, size, frames):
        near = [track for track in tracks if track.line.common(mark.line) > FAINT.known * mark.line.area]
        if any(track.path is None and track.frames > DETECTOR.lasts * frames for track in near):
            continue
        if mark.kind is Kind.ARTIFICIAL:
            result = [track for track in result if not _is_piece(track, mark)]
        elif near:
            continue
        result.append(mark)
    return result


def _is_piece(track: Track, mark: Track) -> bool:
    """Return True for a piece of a mark that was found on some frames, or for what was misread there."""
    inside = track.line.common(mark.line) > FAINT.inside * track.line.area
    return inside and (track.score <= LEGIBLE or is_same_or_part(track.text.lower(), mark.text.lower()))


def _read_static_edges(gallery: FrameSampler, size: tuple[int, int], frames: int) -> list[Track]:
    if len(gallery.samples) < DETECTOR.least_samples:
        return []
    stack = np.stack(list(gallery.samples.values()))
    height, width = stack.shape[1:]
    scale = max(size) / max(height, width)
    whole = Box(0, 0, width, height)
    edges = StaticEdges.of(stack, whole)
    steepness = np.asarray(np.hypot(*edges.median), np.float32)
    found = list[Track]()
    for picture in (_drawn(steepness, gain) for gain in FAINT.gains):
        for line, reading in _read(picture):
            own = edges.edges.copy()
            own[: line.y0] = own[line.y1 :] = False
            own[:, : line.x0] = own[:, line.x1 :] = False
            if not own.any():
                continue
            track = mark_track(own, whole, scale, size, frames)
            kind = Kind.ARTIFICIAL if is_agency(reading.text) else Kind.UNCERTAIN
            track = replace(track, text=reading.text, score=reading.score, kind=kind)
            again = [other for other in found if other.line.common(track.line) > FAINT.known * track.line.area]
            if not again or (kind is Kind.ARTIFICIAL and all(other.kind is Kind.UNCERTAIN for other in again)):
                found = [other for other in found if not any(other is old for old in again)] + [track]
    return found


def _read(picture: BGR) -> Iterator[tuple[Box, OcrReading]]:
    """Yield the lines of large text in a picture of edges, with what they say."""
    height, width = picture.shape[:2]
    shown = ocr.detection_size(width, height, FAINT.side)
    small = np.asarray(cv2.resize(picture, shown, interpolation=cv2.INTER_AREA), np.uint8)
    for line in join_words(ocr.find_lines(small, (width, height))):
        if line.width < FAINT.width * width or line.height < FAINT.height * height:
            continue
        reading = ocr.read_line(np.ascontiguousarray(picture[line.padded(2, width, height).slices]))
        if reading.score > LEGIBLE and len(reading.text) >= FAINT.letters:
            yield line, reading


def _drawn(steepness: FloatMap, gain: float) -> BGR:
    """Return edges drawn dark on white, as text for the detector."""
    gray = 255 - np.clip(gain * steepness, 0, 255)
    return np.asarray(cv2.merge([gray.astype(np.uint8)] * 3), np.uint8)
