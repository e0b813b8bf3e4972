"""The frames around a text on which it can be read but is not as usual: it pops up, grows, is typed, or fades."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher

from preflight.engine.core.arrays import BGR
from preflight.engine.detect.ocr import Reading

MOST = 12
"""Frames at each end on which a text may still be changing."""
_SAME_WORDS, _SURE = 0.6, 0.5
"""Likeness of what is read to the text, and confidence in it, for it to be the text."""

Read = Callable[[BGR], Reading]


def run(looks: Mapping[int, BGR], start: int, step: int, text: str, read: Read) -> Iterator[int]:
    """Yield the frames from `start` on, one `step` (1 or -1) after another, on whose looks `text` can be read."""
    for index in range(start, start + step * MOST, step):
        look = looks.get(index)
        if look is None:
            return
        reading = read(look)
        if reading.score < _SURE or SequenceMatcher(None, reading.text, text).ratio() < _SAME_WORDS:
            return
        yield index
