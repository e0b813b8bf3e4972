"""Counters, clocks and timecodes: text whose digits change at their place, found by two readings of it."""

from __future__ import annotations

from preflight.engine.detect.ocr import OcrReading
from preflight.engine.tracking.settings import COUNTERS


def differ_in_digits(before: OcrReading, after: OcrReading) -> bool:
    """Return True when two readings of one place are of the same text but for its digits."""
    old, new = (reading.text.replace(" ", "") for reading in (before, after))
    if len(old) != len(new) or len(old) < COUNTERS.min_letters or min(before.score, after.score) < COUNTERS.score:
        return False
    changes = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    turned = sum(a.isdigit() and b.isdigit() for a, b in changes)
    return turned > 0 and len(changes) - turned <= COUNTERS.misread * len(old)


def has_digits(reading: OcrReading) -> bool:
    """Return True for a text with enough digits to be worth reading again."""
    letters = [letter for letter in reading.text if letter.isalnum()]
    return sum(map(str.isdigit, letters)) > COUNTERS.min_digits * len(letters)
