"""A track: one piece of text, where it is, from which frame to which, and which samples it paints."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np

from preflight.job import RemovalOptions
from preflight.local.engine import glyphs, presence
from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Mask, Picture
from preflight.local.engine.models import Reading, read_line

_LOOKS = 24
_CHANGED = 24


class Kind(StrEnum):
    """Put on top of the picture, or part of the scene."""

    ARTIFICIAL = "artificial"
    NATURAL = "natural"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Text on frames `first`..`last`, both included. `mask` covers `box`; `line` is the line inside it."""

    box: Box
    line: Box
    first: int
    last: int
    text: str
    score: float
    kind: Kind
    mask: Mask
    color: tuple[float, float, float]
    certainty: float

    def place(self, index: int) -> Box:  # noqa: ARG002
        """Return the box on frame `index`."""
        return self.box

    @property
    def reach(self) -> Box:
        """The box around every place the track has on the picture."""
        return self.box


@dataclass(slots=True, kw_only=True)
class Sighting:
    """A track in the making: looks at one place, by frame index."""

    line: Box
    box: Box
    seen_first: int
    seen_last: int
    looks: dict[int, Picture] = field(default_factory=dict)
    edges: dict[int, Picture] = field(default_factory=dict)
    stride: int = 1
    seen: int = 0
    signature: presence.Signature | None = None

    def keep(self, index: int, look: Picture) -> None:
        """Keep a look on which the text is there, thinning evenly so that memory stays bounded."""
        if self.seen % self.stride == 0:
            self.looks[index] = look
        self.seen += 1
        if len(self.looks) > _LOOKS:
            self.stride *= 2
            self.looks = dict(list(self.looks.items())[::2])

    @property
    def inner(self) -> Mask:
        """The line's own place inside the padded box."""
        inside = np.zeros((self.box.height, self.box.width), bool)
        line, box = self.line, self.box
        inside[
            max(0, line.y0 - box.y0 - 2) : line.y1 - box.y0 + 2, max(0, line.x0 - box.x0 - 2) : line.x1 - box.x0 + 2
        ] = True
        return inside


def learn(sighting: Sighting, looks: list[Picture]) -> tuple[glyphs.Strokes, Picture]:
    """Find the strokes on `looks` and let the sighting know its text by them."""
    look, spread = glyphs.median_look(looks)
    strokes = glyphs.find_strokes(look, spread, sighting.line.text_height, sighting.inner)
    if strokes.found:
        sighting.signature = presence.signature(look, strokes, looks)
    return strokes, look


def settle(sighting: Sighting, *, last_frame: int | None = None) -> Track | None:
    """Turn a finished sighting into a track: strokes from all looks, exact first and last frame, the text read.

    None when there is nothing like text after all. `last_frame` is the video's, when the track reaches it.
    """
    looks = list(sighting.looks.values())
    strokes, look = learn(sighting, looks)
    if sighting.signature is None:
        return None
    first, last = _edges(sighting)
    reading = read_line(look[_within(sighting.line, sighting.box)])
    height = sighting.line.text_height
    reach = glyphs.outline_reach(look, strokes.fill, height)
    mask = glyphs.painted(strokes, reach, height, _changed(sighting, first, last))
    return Track(
        box=sighting.box,
        line=sighting.line,
        first=first,
        last=last if last_frame is None else last_frame,
        text=reading.text,
        score=reading.score,
        kind=Kind.ARTIFICIAL,
        mask=mask,
        color=strokes.color,
        certainty=strokes.certainty,
    )


def wanted(tracks: list[Track], options: RemovalOptions) -> list[Track]:
    """Return the tracks that `options` ask to remove."""
    return [
        track
        for track in tracks
        if believable(Reading(track.text, track.score))
        and (track.kind is Kind.ARTIFICIAL or not options.artificial_text_only)
    ]


def believable(reading: Reading) -> bool:
    """Return True when what was read is text: two characters or more, read with confidence."""
    return reading.score > 0.75 and sum(letter.isalnum() for letter in reading.text) >= 2


def _within(line: Box, box: Box) -> tuple[slice, slice]:
    pad = max(2, line.text_height // 8)
    top, left = max(0, line.y0 - box.y0 - pad), max(0, line.x0 - box.x0 - pad)
    return slice(top, line.y1 - box.y0 + pad), slice(left, line.x1 - box.x0 + pad)


def _edges(sighting: Sighting) -> tuple[int, int]:
    known = sighting.signature
    assert known is not None  # noqa: S101
    first, last = sighting.seen_first, sighting.seen_last
    while first - 1 in sighting.edges and presence.is_there(known, sighting.edges[first - 1]):
        first -= 1
    while last + 1 in sighting.edges and presence.is_there(known, sighting.edges[last + 1]):
        last += 1
    return first, last


def _changed(sighting: Sighting, first: int, last: int) -> Mask | None:
    """Return the samples that changed at both ends of the track, where both are known."""
    changes = []
    for inside, outside in ((first, first - 1), (last, last + 1)):
        if inside in sighting.edges and outside in sighting.edges:
            changes.append(cv2.absdiff(sighting.edges[inside], sighting.edges[outside]).max(axis=2))
    if not changes:
        return None
    changed: Mask = np.minimum.reduce(changes) > _CHANGED
    return changed
