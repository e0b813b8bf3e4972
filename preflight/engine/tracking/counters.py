"""Text whose digits change at their place, told by two readings of it."""

from __future__ import annotations

from preflight.engine.detect.ocr import Reading

_SURE = 0.8
"""Confidence in a reading from which on its digits are believed."""
_SHORTEST = 4
"""Letters that a clock has at least; in shorter ones a mistake of the recogniser is too likely."""
_MISREAD = 0.25
"""Share of the letters that may be read differently although they did not change."""


def ticks(before: Reading, after: Reading) -> bool:
    """Return True when two readings of one place are of the same text but for its digits."""
    old, new = (reading.text.replace(" ", "") for reading in (before, after))
    if len(old) != len(new) or len(old) < _SHORTEST or min(before.score, after.score) < _SURE:
        return False
    changes = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    turned = sum(a.isdigit() and b.isdigit() for a, b in changes)
    return turned > 0 and len(changes) - turned <= _MISREAD * len(old)


def may_tick(reading: Reading) -> bool:
    """Return True for a text with digits, which is worth reading again."""
    return any(letter.isdigit() for letter in reading.text)
