"""Data association: is a detected line the text of a tracklet, the same text changed, or another one?"""

from __future__ import annotations

from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import OcrReading, read_line
from preflight.engine.media.decode import Frame
from preflight.engine.model.identity import is_same_text
from preflight.engine.model.track import LEGIBLE
from preflight.engine.tracking import appearance, counters
from preflight.engine.tracking.settings import ASSOCIATION
from preflight.engine.tracking.tracklet import Tracklet


def is_known(line: Box, tracklet: Tracklet, frame: Frame) -> bool:
    """Return True when a detected line is the text of a tracklet, and no other text can be there."""
    if not _covers(tracklet, line) or _has_entered(line, tracklet, frame) or _is_typed(line, tracklet, frame):
        return False
    if tracklet.confirmed and line.text_height > ASSOCIATION.min_height * tracklet.line.text_height:
        return True
    # A tracklet that can't be read, or is much larger, may be no text: it must not hide a caption at its place.
    return _read(line, frame).score <= LEGIBLE


def is_scaled(line: Box, tracklet: Tracklet, frame: Frame) -> bool:
    """Return True when a line is the text of a tracklet, grown or shrunk at its place."""
    known = tracklet.line
    wider, higher = line.width - known.width, line.height - known.height
    off = max(abs(line.x0 + line.x1 - known.x0 - known.x1), abs(line.y0 + line.y1 - known.y0 - known.y1)) / 2
    # In proportion: a line that letters come to, or that is found with a neighbour's stroke, keeps its height.
    even = wider * higher > 0 and 0.4 < higher * known.width / (wider * known.height) < 2.5
    if not even or abs(wider) <= max(4, 0.25 * known.text_height) or off >= known.text_height / 5:
        return False
    if tracklet.path or not tracklet.confirmed or tracklet.template is None:
        return False
    # While text fades, it is found a little larger or smaller than it is.
    if appearance.strength(tracklet.template, frame.color(tracklet.box))[1] > ASSOCIATION.same_shape:
        return False
    return is_same_text(_read(line, frame).text, tracklet.reading.text)


def shows_other_digits(line: Box, tracklet: Tracklet, frame: Frame) -> bool:
    """Return True when a line is the text of a tracklet with other digits."""
    if tracklet.path or line.iou(tracklet.line) < ASSOCIATION.same_place or not counters.has_digits(tracklet.reading):
        return False
    return counters.differ_in_digits(tracklet.reading, _read(line, frame))


def _covers(tracklet: Tracklet, line: Box) -> bool:
    """Return True when a line lies where the tracklet's text is."""
    # Not by the box with its margin: the next line of a caption lies in it for the most part.
    slack = max(2, tracklet.line.text_height // 8)
    place = tracklet.line.moved(*tracklet.offset)
    around = Box(place.x0 - slack, place.y0 - slack, place.x1 + slack, place.y1 + slack)
    return (
        around.common(line) > ASSOCIATION.covered * line.area and line.area < ASSOCIATION.max_area * tracklet.line.area
    )


def _has_entered(line: Box, tracklet: Tracklet, frame: Frame) -> bool:
    """Return True when more of a line is seen than when it was first seen entering the picture."""
    height, width = frame.y.shape
    seen = tracklet.line
    inside = (
        seen.x0 > ASSOCIATION.border
        and seen.y0 > ASSOCIATION.border
        and seen.x1 < width - ASSOCIATION.border
        and seen.y1 < height - ASSOCIATION.border
    )
    longer = max(line.width - seen.width, line.height - seen.height)
    return bool(tracklet.path) and not inside and longer > seen.text_height / 2


def _is_typed(line: Box, tracklet: Tracklet, frame: Frame) -> bool:
    """Return True when letters have come to a text that stays at its place, as when it is typed."""
    more = line.width - tracklet.line.width if line.width >= line.height else line.height - tracklet.line.height
    if tracklet.path or not tracklet.confirmed or more < line.text_height * ASSOCIATION.letter:
        return False
    here = _read(line, frame)
    return here.score > LEGIBLE and len(here.text) > len(tracklet.reading.text)


def _read(line: Box, frame: Frame) -> OcrReading:
    height, width = frame.y.shape
    return read_line(frame.color(line.padded(2, width, height)))
