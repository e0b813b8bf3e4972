"""The appearance model of a text: is it on a frame, and how strongly? It finds exact first and last frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatImage, FloatMap
from preflight.engine.segment.strokes import Strokes
from preflight.engine.tracking.settings import APPEARANCE

_MEAN = np.full((1, 3), 1 / 3, np.float32)
"""Weights of blue, green and red in the luminance that shapes are compared by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppearanceTemplate:
    """A text as it usually looks: the colours of its letters, and its contrast against what is beside them."""

    crop: BGR
    """The text's padded box [H, W, 3]."""
    solid: BoolMask
    """The body of the letters [H, W]."""
    band: BoolMask
    """The letters and the pixels right beside them [H, W]."""
    shape: FloatImage
    """Luminance in the band, without what is wider than a letter, mean 0 [N]."""
    usual: float
    """Colour match of frames that show the text, 0..1."""


def learn_template(crop: BGR, strokes: Strokes, examples: list[BGR]) -> AppearanceTemplate:
    """Learn the appearance of a text.

    Args:
        crop: median picture of its box [H, W, 3].
        strokes: its letters on that picture.
        examples: pictures of the box that show the text.
    """
    solid = strokes.fill
    band = cv2.dilate(solid.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    shape = _shape(crop, solid, band)
    template = AppearanceTemplate(crop=crop, solid=solid, band=band, shape=shape, usual=1.0)
    usual = float(np.median([match(template, example) for example in examples]))
    return AppearanceTemplate(crop=crop, solid=solid, band=band, shape=shape, usual=max(usual, APPEARANCE.min_match))


def match(template: AppearanceTemplate, crop: BGR) -> float:
    """Return the share (0..1) of the letters' pixels that have their usual colour on a picture of the box."""
    apart = np.abs(crop[template.solid].astype(np.int16) - template.crop[template.solid]).max(axis=1)
    return float((apart < APPEARANCE.same_color).mean())


def strength(template: AppearanceTemplate, crop: BGR) -> tuple[float, float]:
    """Return the contrast of the text on a picture of the box (1 as usual, 0 none) and its correlation (-1..1)."""
    detail = _shape(crop, template.solid, template.band)
    own, common = float(template.shape @ template.shape), float(detail @ template.shape)
    other = float(detail @ detail)
    return common / max(own, 1e-6), common / max(np.sqrt(own * other), 1e-6)


def is_there(template: AppearanceTemplate, crop: BGR) -> bool:
    """Return True when a picture of the box shows the text, with its usual contrast or fading."""
    contrast, correlation = strength(template, crop)
    if correlation > APPEARANCE.alike and contrast > APPEARANCE.min_strength:
        return not is_gone(template, crop)
    return correlation > APPEARANCE.shaped and match(template, crop) > APPEARANCE.kept * template.usual


def is_gone(template: AppearanceTemplate, crop: BGR) -> bool:
    """Return True when what is alike on a picture is a still scene beside thin letters, and the letters are gone.

    A text that fades loses its contrast in the band and that of its letters to their rim alike.
    """
    if match(template, crop) > APPEARANCE.gone_match * template.usual:
        return False
    rim = template.band & (cv2.dilate(template.solid.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    if not rim.any() or not template.solid.any():
        return False
    usual, now = (
        picture[template.solid].mean(axis=0, dtype=np.float64) - picture[rim].mean(axis=0, dtype=np.float64)
        for picture in (template.crop, crop)
    )
    if usual @ usual < APPEARANCE.least_rim**2:
        return False
    return bool(now @ usual / (usual @ usual) < APPEARANCE.gone_rim * strength(template, crop)[0])


def goes_at_once(template: AppearanceTemplate, crops: Sequence[BGR]) -> bool:
    """Return True when the text loses much of its contrast after the first of some frames, and no more after that.

    A fade goes on; what stays the same is a still scene that is a little like the text.
    """
    first, *others = (strength(template, crop)[0] for crop in crops)
    return len(others) > 1 and first - others[0] > APPEARANCE.fall and max(others) - min(others) < APPEARANCE.level


def is_whole(template: AppearanceTemplate, crop: BGR) -> bool:
    """Return True when the letters have their usual colours on a picture of the box, which they lose in a fade."""
    return match(template, crop) >= APPEARANCE.kept * template.usual


def is_fading(template: AppearanceTemplate, crop: BGR) -> bool:
    """Return True when the text has less contrast than usual, and not just a ground of its colour."""
    return strength(template, crop)[0] < APPEARANCE.faded and not is_whole(template, crop)


def _shape(crop: BGR, solid: BoolMask, band: BoolMask) -> FloatMap:
    """Return the luminance in the band, its mean 0, without what is wider than a letter.

    So neither a smooth ground nor another text, bright as a whole against its ground, can look like this one.
    """
    gray = cv2.transform(crop.astype(np.float32), _MEAN)
    size = max(5, min(solid.shape) // 2 | 1)
    detail = (gray - cv2.blur(gray, (size, size)))[band]
    shape: FloatImage = detail - detail.mean() if detail.size else detail
    return shape
