"""Readings vote by character, and overlay text that stays or returns is a watermark."""

import numpy as np
import pytest

from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import OcrReading
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.text_scan import assign_role, language_of, vote
from preflight.model.text import TextRole


def track(text: str, first: int, last: int, x: int = 0) -> Track:
    box = Box(x, 0, x + 40, 10)
    return Track(box=box, line=box, first=first, last=last, text=text, masks=MaskModel(usual=np.ones((10, 40), bool)))


def test_two_readings_outvote_the_most_confident_one() -> None:
    readings = [OcrReading("he1lo", 0.99), OcrReading("hello", 0.9), OcrReading("hello", 0.8)]
    assert vote(readings).text == "hello"


def test_letters_that_only_one_reading_has_are_dropped() -> None:
    readings = [OcrReading("hello.", 0.99), OcrReading("hello", 0.9), OcrReading("hello", 0.8)]
    assert vote(readings).text == "hello"


def test_two_readings_alone_do_not_vote() -> None:
    assert vote([OcrReading("he1lo", 0.99), OcrReading("hello", 0.9)]).text == "he1lo"


def test_readings_of_other_words_have_no_vote() -> None:
    readings = [OcrReading("good morning", 0.9), OcrReading("xyz", 0.8), OcrReading("qqq", 0.8)]
    assert vote(readings).text == "good morning"


@pytest.mark.parametrize(("last", "role"), [(199, TextRole.CAPTION), (279, TextRole.WATERMARK)])
def test_overlay_text_that_stays_is_a_watermark(last: int, role: TextRole) -> None:
    mark = track("@name", 0, last)
    assert assign_role(mark, [mark], frames=300, rate=25) is role


def test_text_on_all_of_a_short_clip_is_a_caption() -> None:
    mark = track("hello", 0, 99)
    assert assign_role(mark, [mark], frames=100, rate=25) is TextRole.CAPTION


def test_mark_that_jumps_between_places_is_a_watermark() -> None:
    marks = [track("@name", 100 * n, 100 * n + 98, x=100 * (n % 2)) for n in range(3)]
    assert {assign_role(mark, marks, frames=300, rate=25) for mark in marks} == {TextRole.WATERMARK}


def test_caption_that_is_said_again_at_its_place_stays_a_caption() -> None:
    texts = [track("yes", 100 * n, 100 * n + 98) for n in range(3)]
    assert {assign_role(text, texts, frames=300, rate=25) for text in texts} == {TextRole.CAPTION}


def test_text_that_is_no_overlay_is_a_sign() -> None:
    sign = track("EXIT", 0, 299)
    assert assign_role(sign, [], frames=300, rate=25) is TextRole.SIGN


@pytest.mark.parametrize(("text", "language"), [("你好 abc", "zh"), ("abc", "en"), ("19.99", "en"), ("привет", "")])
def test_language_of_a_line(text: str, language: str) -> None:
    assert language_of(text) == language
