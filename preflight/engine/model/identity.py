"""Are two readings the same text, and are two boxes the same place?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from preflight.engine.core.box import Box
from preflight.engine.motion.displacement import largest_distance


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """How alike readings and places are that are the same."""

    text_similarity: float = 0.6
    """Ratio of matching letters (Ratcliff and Obershelp) above which two readings are of one text, with OCR errors."""
    exact_similarity: float = 0.75
    """The same ratio for texts that follow one another at one place, as the captions of a dialogue do."""
    part_similarity: float = 0.7
    """Share of the shorter reading's letters that the longer one has in one piece or in order, for it to be a part."""
    min_part: int = 3
    """Letters of the shorter reading at or above which it can be a part; less is in many texts."""
    overlap: float = 0.5
    """Share of the smaller of two boxes that is common to both when they are one place."""


IDENTITY = IdentitySettings()


def text_similarity(a: str, b: str) -> float:
    """Return the ratio (0..1) of matching letters of two readings; 0 when one of them is empty."""
    return SequenceMatcher(None, a, b, autojunk=False).ratio() if a and b else 0.0


def is_same_text(a: str, b: str, similarity: float = IDENTITY.text_similarity) -> bool:
    """Return True when two readings are of one text, as far as a recogniser that errs can show."""
    return text_similarity(a, b) > similarity


def is_part_of_text(part: str, whole: str) -> bool:
    """Return True when `part` is a piece of the text `whole`, as where that enters the frame or is partly hidden."""
    if not part or not whole:
        return False
    pieces = SequenceMatcher(None, whole, part, autojunk=False).get_matching_blocks()
    matching = sum(piece.size for piece in pieces if piece.size > 1 or len(part) == 1)
    return matching >= IDENTITY.part_similarity * len(part)


def is_same_or_part(a: str, b: str) -> bool:
    """Return True when two readings are of one text, or the shorter one is a piece of the longer one."""
    part, whole = sorted((a, b), key=len)
    return is_same_text(a, b) or (len(part) >= IDENTITY.min_part and is_part_of_text(part, whole))


def is_same_place(a: Box, b: Box, overlap: float = IDENTITY.overlap) -> bool:
    """Return True when two boxes have more than `overlap` of the smaller one in common."""
    return a.common(b) > overlap * min(a.area, b.area)


def anchor_shift(lines: Sequence[Box]) -> float:
    """Return how far lines are apart, by the anchor that they agree in most: left, middle or right; top to bottom.

    Text that is typed keeps its left edge, and centered captions their middle.
    """
    across = (
        [(float(line.x0), 0.0) for line in lines],
        [((line.x0 + line.x1) / 2, 0.0) for line in lines],
        [(float(line.x1), 0.0) for line in lines],
    )
    down = (
        [(0.0, float(line.y0)) for line in lines],
        [(0.0, (line.y0 + line.y1) / 2) for line in lines],
        [(0.0, float(line.y1)) for line in lines],
    )
    return math.hypot(min(map(largest_distance, across)), min(map(largest_distance, down)))
