"""Two readings of one place: is it a counter whose digits change?"""

import pytest

from preflight.engine.detect.ocr import OcrReading
from preflight.engine.tracking.counters import differ_in_digits, has_digits


@pytest.mark.parametrize(
    ("before", "after", "score", "expected"),
    [
        ("12:04", "12:05", 0.9, True),
        ("12:04", "12:04", 0.9, False),
        ("12:04", "12:05", 0.79, False),
        ("1:04", "1:05", 0.9, True),
        ("104", "105", 0.9, False),
        ("12:04", "112:05", 0.9, False),
        ("Lap 1of 9", "Lop 2of 9", 0.9, True),
        ("Lap 1of 9", "Lop 2if 8", 0.9, False),
    ],
)
def test_a_counter_differs_in_digits_alone(before: str, after: str, score: float, expected: bool) -> None:
    assert differ_in_digits(OcrReading(before, 0.95), OcrReading(after, score)) is expected


@pytest.mark.parametrize(("text", "expected"), [("00:12", True), ("Take 12", True), ("Chapters 12", False)])
def test_text_with_few_digits_is_not_read_again(text: str, expected: bool) -> None:
    assert has_digits(OcrReading(text, 0.9)) is expected
