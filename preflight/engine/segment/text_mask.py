"""What a text paints of its box, and the plate that it may stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap
from preflight.engine.segment import backing_box, outlines
from preflight.engine.segment import strokes as glyphs
from preflight.engine.segment.strokes import Strokes


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPlace:
    """A text's box as it usually looks, with how much each sample varies; `inner` is the line's own place in it.

    `changing` text grows, shrinks or has
    other digits, so what is usual for it is so on few frames.
    """

    look: BGR
    spread: FloatMap
    inner: BoolMask
    height: int
    changing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMask:
    """What a text paints of a place: its `mask`, how far outlines `reach`, and the `ground` of a plate behind it."""

    place: TextPlace
    strokes: Strokes
    mask: BoolMask
    reach: int
    outlined: bool
    ground: BoolMask | None = None

    def on(self, look: BGR) -> BoolMask:
        """Return the mask for one look on which the text is not as usual."""
        return self.alone(look) if self.place.changing else self.alone(look) | self.mask

    def alone(self, look: BGR) -> BoolMask:
        """Return the mask for one look by that look alone."""
        fill = glyphs.segment_like(look, self.strokes, self.place.inner, self.place.height)
        return glyphs.stroke_mask(fill, self.reach, self.place.height, None)


def fit_text_mask(place: TextPlace, strokes: Strokes, changes: Sequence[BoolMask]) -> TextMask:
    """Return what a text of known `strokes` paints; `changes` are what changed at each known end of its time."""
    look, spread, height = place.look, place.spread, place.height
    reach = max(outlines.outline_width(look, strokes.fill, height), strokes.bleed)
    outlined = outlines.is_outlined(look, strokes.fill, height)
    changed = np.logical_and.reduce(changes) if changes else None
    body = strokes.fill | glyphs.stray_strokes(look, spread, strokes, place.inner, height, changed)
    plate = None
    if not place.changing:
        plate = backing_box.find_solid(look, spread, strokes.fill, changed) or backing_box.find_translucent(
            body, changes
        )
    if plate is None:
        by_outline = outlines.mask_by_outline(look, spread, strokes.fill) if outlined else None
        mask, ground = glyphs.stroke_mask(body, reach, height, changed, by_outline), None
    else:
        # A plate comes and goes with its letters: what changed then is not theirs alone.
        mask, ground = plate.letters, plate.area
    return TextMask(place=place, strokes=strokes, mask=mask, reach=reach, outlined=outlined, ground=ground)
