"""Picture sizes that keep the limits: aspect kept, sides even. Pure."""

from __future__ import annotations

from fractions import Fraction

from preflight.model.limits import Limits

MAX_CROP = 16
"""Rows or columns that are rather cut than scaled away: one macroblock, the usual padding of a coded height."""


def fits(size: tuple[int, int], limits: Limits) -> bool:
    """Return True when a display size is within the box in either orientation."""
    return max(size) <= limits.max_long_side and min(size) <= limits.max_short_side


def to_even(value: Fraction | int) -> int:
    """Return the nearest even number, at least 2: yuv420p has one colour sample for two pixels."""
    return max(2, 2 * round(Fraction(value) / 2))


def even_down(value: Fraction | int) -> int:
    """Return the largest even number up to `value`, at least 2."""
    return max(2, 2 * int(Fraction(value) / 2))


def cropped_size(size: tuple[int, int], limits: Limits) -> tuple[int, int] | None:
    """Return the size after cutting at most `MAX_CROP` of either side, or None when that is not enough."""
    width, height = size
    box = (limits.max_long_side, limits.max_short_side)
    most_wide, most_high = box if width >= height else box[::-1]
    kept = (even_down(min(width, most_wide)), even_down(min(height, most_high)))
    return kept if width - kept[0] <= MAX_CROP and height - kept[1] <= MAX_CROP else None


def scaled_size(size: tuple[int, int], limits: Limits) -> tuple[int, int]:
    """Return the largest even size with the aspect of `size` inside the box, never larger than `size`."""
    long_side, short_side = max(size), min(size)
    factor = min(Fraction(limits.max_long_side, long_side), Fraction(limits.max_short_side, short_side), Fraction(1))
    new_long = min(to_even(long_side * factor), even_down(limits.max_long_side))
    new_short = min(to_even(short_side * factor), even_down(limits.max_short_side))
    return (new_long, new_short) if size[0] >= size[1] else (new_short, new_long)
