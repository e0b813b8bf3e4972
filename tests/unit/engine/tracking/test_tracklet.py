"""What a tracklet learns of its text, on pictures drawn here."""

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.tracking.tracklet import Tracklet, complete_line, learn_strokes

LINE = Box(60, 40, 260, 80)
PLACE = Box(20, 20, 300, 100)


def shown(blob: tuple[int, int, int, int] | None = None) -> BGR:
    picture = np.full((120, 320, 3), (90, 70, 60), np.uint8)
    cv2.putText(picture, "Sound of it", (64, 70), cv2.FONT_HERSHEY_DUPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
    if blob is not None:
        x, y, width, height = blob
        picture[y : y + height, x : x + width] = 255
    return picture[PLACE.slices]


def completed(line: Box, crop: BGR) -> Box:
    tracklet = Tracklet(line=line, box=PLACE, seen_first=0, seen_last=0)
    strokes, *_ = learn_strokes(tracklet, [crop])
    assert tracklet.template is not None
    return complete_line(tracklet, crop, strokes)


def test_a_letter_that_the_line_cuts_is_taken_whole() -> None:
    whole = completed(LINE, shown())
    cut = completed(Box(76, 40, 260, 80), shown())
    assert whole == LINE
    assert 62 <= cut.x0 <= 68
    assert (cut.y0, cut.x1, cut.y1) == (40, 260, 80)


@pytest.mark.parametrize(("width", "expected"), [(40, True), (80, False)])
def test_what_is_larger_than_a_letter_is_the_scene(width: int, expected: bool) -> None:
    line = Box(60, 40, 246, 80)
    assert (completed(line, shown((240, 56, width, 6))).x1 > line.x1 + 20) is expected
