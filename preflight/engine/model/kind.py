"""The kinds of text."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Whether text was put on top of the picture or is part of the scene."""

    ARTIFICIAL = "artificial"
    """Overlay text."""
    NATURAL = "natural"
    """Scene text."""
    UNCERTAIN = "uncertain"
    """Nothing tells; such text is left as scene text is."""
