"""The two kinds of text."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Put on top of the picture, or part of the scene."""

    ARTIFICIAL = "artificial"
    NATURAL = "natural"
