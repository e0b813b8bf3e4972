"""Boxes that highlight single words of a line."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.graphics.word_highlights import find_word_boxes, with_highlights
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track

SIZE = (320, 120)
LINE = Box(40, 48, 250, 72)
WORDS = ((40, "one"), (104, "two"), (168, "six"))
YELLOW = (40, 220, 250)


def draw_line(lit: int | None, *, plate: bool = False) -> BGR:
    """Draw a line of three words over a gradient, one of them on a box, or all of them on a plate."""
    picture = np.repeat(np.linspace(60, 120, SIZE[0]).astype(np.uint8)[None, :, None], SIZE[1], 0).repeat(3, 2).copy()
    if plate:
        cv2.rectangle(picture, (34, 42), (256, 78), YELLOW, -1)
    for number, (x, word) in enumerate(WORDS):
        if number == lit:
            cv2.rectangle(picture, (x - 6, 42), (x + 50, 78), YELLOW, -1)
        ink = (20, 20, 20) if plate or number == lit else (250, 250, 250)
        cv2.putText(picture, word, (x, 68), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, 3, cv2.LINE_AA)
    return picture


def frames(pictures: list[BGR]) -> Iterator[Frame]:
    for index, picture in enumerate(pictures):
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
        rows = SIZE[1]
        u, v = planes[rows:].reshape(2, rows // 2, SIZE[0] // 2)
        yield Frame(index=index, y=planes[:rows].copy(), u=u.copy(), v=v.copy())


def text(last: int) -> Track:
    mask = np.zeros((LINE.height, LINE.width), bool)
    return Track(box=LINE, line=LINE, first=0, last=last, masks=MaskModel(usual=mask, plate=mask), text="one two six")


def test_box_that_jumps_between_words_is_found_on_each_frame() -> None:
    pictures = [draw_line(n // 8) for n in range(24)]
    line, *boxes = with_highlights([text(23)], lambda: frames(pictures), SIZE)
    assert line.masks.plate is None
    assert len(boxes) == 3
    for n in range(24):
        x = WORDS[n // 8][0]
        own = Box(x - 6, 42, x + 51, 79)
        assert any(box.is_on(n) and box.box.covers(own) for box in boxes), n
    for box in boxes:
        assert box.frames <= 10


@pytest.mark.parametrize("plate", [True, False])
def test_plate_and_bare_line_have_no_highlight(plate: bool) -> None:
    own = text(11)
    assert with_highlights([own], lambda: frames([draw_line(None, plate=plate)] * 12), SIZE) == [own]


def test_flat_thing_without_letters_is_no_highlight() -> None:
    picture = draw_line(None)
    cv2.rectangle(picture, (98, 42), (154, 78), YELLOW, -1)
    assert find_word_boxes(picture, np.array(YELLOW, np.float32), LINE) == []


def test_box_of_another_line_is_no_highlight() -> None:
    picture = np.roll(draw_line(1), 20, 0)
    assert find_word_boxes(picture, np.array(YELLOW, np.float32), LINE) == []
