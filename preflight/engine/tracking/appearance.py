"""Is this caption on this frame, and how strongly: the test that finds exact on and off frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatImage, FloatMap
from preflight.engine.segment.strokes import Strokes
from preflight.engine.tracking.settings import APPEARANCE

_MEAN = np.full((1, 3), 1 / 3, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppearanceTemplate:
    """What a caption looks like when it is there: its steady samples and its contrast against their surroundings."""

    look: BGR
    solid: BoolMask
    band: BoolMask
    shape: FloatImage
    usual: float


def learn_template(look: BGR, strokes: Strokes, examples: list[BGR]) -> AppearanceTemplate:
    """Learn the caption's signature; `examples` are looks on which it is surely there."""
    solid = strokes.fill
    band = cv2.dilate(solid.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    shape = _shape(look, solid, band)
    known = AppearanceTemplate(look=look, solid=solid, band=band, shape=shape, usual=1.0)
    usual = float(np.median([match(known, example) for example in examples]))
    return AppearanceTemplate(look=look, solid=solid, band=band, shape=shape, usual=max(usual, APPEARANCE.min_match))


def match(known: AppearanceTemplate, look: BGR) -> float:
    """Return the share of the caption's steady samples that have their colour on `look`."""
    apart = np.abs(look[known.solid].astype(np.int16) - known.look[known.solid]).max(axis=1)
    return float((apart < APPEARANCE.same_color).mean())


def strength(known: AppearanceTemplate, look: BGR) -> tuple[float, float]:
    """Return how strong the caption's contrast is on `look` (1 as usual, 0 none) and how alike in shape (-1..1)."""
    detail = _shape(look, known.solid, known.band)
    own, common = float(known.shape @ known.shape), float(detail @ known.shape)
    other = float(detail @ detail)
    return common / max(own, 1e-6), common / max(np.sqrt(own * other), 1e-6)


def is_there(known: AppearanceTemplate, look: BGR) -> bool:
    """Return True when the caption is on `look`, at full strength or fading."""
    share, likeness = strength(known, look)
    if likeness > APPEARANCE.alike and share > APPEARANCE.min_strength:
        return True
    return likeness > APPEARANCE.shaped and match(known, look) > APPEARANCE.kept * known.usual


def goes_at_once(known: AppearanceTemplate, looks: Sequence[BGR]) -> bool:
    """Return True when the caption loses much of its strength after the first of some frames, and no more after that.

    A fade goes on; what stays the same is a still scene that is a little like the caption.
    """
    first, *others = (strength(known, look)[0] for look in looks)
    return len(others) > 1 and first - others[0] > APPEARANCE.fall and max(others) - min(others) < APPEARANCE.level


def is_whole(known: AppearanceTemplate, look: BGR) -> bool:
    """Return True when the letters have their colours on `look`, as they have not while they fade."""
    return match(known, look) >= APPEARANCE.kept * known.usual


def is_fading(known: AppearanceTemplate, look: BGR) -> bool:
    """Return True when the caption is fainter than usual, not just on a ground that is like it."""
    return strength(known, look)[0] < APPEARANCE.faded and not is_whole(known, look)


def _shape(look: BGR, solid: BoolMask, band: BoolMask) -> FloatMap:
    """Return the luminance in the band, its mean 0, without what is wider than a letter.

    So neither a smooth ground nor any other text, bright as a whole against its ground, can look like this one.
    """
    gray = cv2.transform(look.astype(np.float32), _MEAN)
    size = max(5, min(solid.shape) // 2 | 1)
    detail = (gray - cv2.blur(gray, (size, size)))[band]
    shape: FloatImage = detail - detail.mean() if detail.size else detail
    return shape
