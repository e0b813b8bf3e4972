import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import OcrReading
from preflight.engine.segment import counter, text_mask
from preflight.engine.segment.counter import CounterModel
from preflight.engine.segment.strokes import find_strokes, median_and_spread
from preflight.engine.tracking.counters import differ_in_digits

WIDTH, HEIGHT, TALL = 200, 60, 24


def crop(text: str) -> BGR:
    """White letters with a dark outline on a green ground."""
    picture = np.full((HEIGHT, WIDTH, 3), (90, 160, 60), np.uint8)
    for color, width in (((20, 20, 20), 7), ((250, 250, 250), 3)):
        for place, letter in enumerate(text):
            cv2.putText(picture, letter, (20 + 18 * place, 42), cv2.FONT_HERSHEY_SIMPLEX, 0.9, color, width)
    return picture


def painted(text: str) -> BoolMask:
    apart = np.abs(crop(text).astype(int) - (90, 160, 60)).max(axis=2)
    return np.asarray(apart > 20, bool)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("01:00:03:12", "01:00:03:24", True),
        ("CAM 03 12:40", "CAM03 12:41", True),
        ("12:40", "12:40", False),
        ("12:40", "2:40", False),
        ("STOP", "SHOP", False),
        ("07", "08", False),
        ("Room 101", "Rcom l01", False),
    ],
)
def test_only_other_digits_make_a_clock(before: str, after: str, same: bool) -> None:
    assert differ_in_digits(OcrReading(before, 0.95), OcrReading(after, 0.95)) is same


@given(st.text(max_size=8), st.text(max_size=8), st.floats(0, 1))
def test_ticking_has_no_direction(before: str, after: str, score: float) -> None:
    old, new = OcrReading(before, score), OcrReading(after, 0.9)
    assert differ_in_digits(old, new) is differ_in_digits(new, old)


def test_digits_that_are_not_read_surely_say_nothing() -> None:
    assert not differ_in_digits(OcrReading("01:00:03", 0.95), OcrReading("01:00:04", 0.6))


def test_each_frame_has_a_mask_of_its_own_digits() -> None:
    texts = [f"10:{second:02}" for second in range(30)]
    crops = [crop(text) for text in texts]
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[16:48, 12:120] = True
    strokes = find_strokes(*median_and_spread(crops[-1:]), TALL, inner)
    inner &= counter.digit_area(strokes.fill)
    standing, usual, spread = counter.static_strokes(strokes, crops)
    place = text_mask.TextCrop(crop=usual, spread=spread, inner=inner, height=TALL, changing=True)
    clock = CounterModel(text_mask.fit_text_mask(place, standing, []), Box(0, 0, WIDTH, HEIGHT))
    masks = clock.masks(dict(enumerate(crops)))
    for number, text in enumerate(texts):
        assert (masks[number] & painted(text)).sum() > 0.99 * painted(text).sum(), text
    assert masks[11].sum() < masks[8].sum(), "two ones cover less than a nought and an eight"


def test_a_clock_without_frames_has_no_masks() -> None:
    strokes = find_strokes(*median_and_spread([crop("10:00")]), TALL, np.ones((HEIGHT, WIDTH), bool))
    place = text_mask.TextCrop(
        crop=crop("10:00"),
        spread=np.zeros((HEIGHT, WIDTH), np.float32),
        inner=np.ones((HEIGHT, WIDTH), bool),
        height=TALL,
        changing=True,
    )
    assert CounterModel(text_mask.fit_text_mask(place, strokes, []), Box(0, 0, WIDTH, HEIGHT)).masks({}) == {}
