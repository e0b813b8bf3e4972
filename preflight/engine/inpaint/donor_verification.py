"""Tests whether other frames show the same scene as the target, so that no foreign content is propagated.

A donor frame may hold text that no detector found, a passing object, or another scene. Two tests need no detector:
the donor has to agree with the target where the target shows the scene between the letters, and donors have to agree
with each other inside the hole.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, Gray, dilate
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import upscale_2x
from preflight.engine.detect import ocr
from preflight.engine.inpaint.settings import INPAINT, InpaintSettings


def differing(difference: FloatImage, visible: BoolMask, tolerance: FloatImage, settings: InpaintSettings) -> BoolMask:
    """Return the pixels at which a donor shows something else than the target.

    Args:
        difference: (height, width), target minus donor in gray levels, with the brightness matched.
        visible: (height, width), where neither frame is hidden by known text.
        tolerance: (height / 2, width / 2), difference that misalignment explains, in gray levels.
        settings: thresholds.

    Returns:
        (height, width).
    """
    return (np.abs(difference) > settings.content_tolerance * upscale_2x(tolerance)) & visible


def untrusted(
    differs: BoolMask,
    visible: BoolMask,
    window: int,
    lines: NDArray[np.uint8] | None = None,
    settings: InpaintSettings = INPAINT,
) -> BoolMask:
    """Return where a donor must not be used, by what it and the target show around the hole.

    Args:
        differs: (height, width), result of `differing`.
        visible: (height, width), where neither frame is hidden by known text.
        window: side of the square in which differing pixels are counted, in pixels: the height of the text.
        lines: (height, width), numbers 1, 2, ... of the lines of unexpected text on the donor, 0 elsewhere. A line is
            trusted where enough of its place is visible on the target and shows the same.
        settings: thresholds.

    Returns:
        (height, width).
    """
    size = (window | 1, window | 1)
    counted = cv2.boxFilter(visible.astype(np.float32), -1, size, borderType=cv2.BORDER_CONSTANT)
    found = cv2.boxFilter(differs.astype(np.float32), -1, size, borderType=cv2.BORDER_CONSTANT)
    result: BoolMask = found > settings.content_share * np.maximum(counted, settings.least_visible)
    if lines is None or not lines.any():
        return result
    area, seen, other = (
        np.bincount(lines[part].ravel(), minlength=256).astype(np.float64) for part in (..., visible, differs)
    )
    foreign = (seen < settings.verifiable_share * area) | (other > settings.content_share * seen)
    foreign[0] = False
    return result | dilate(foreign[lines], round(settings.unexpected_margin * window))


def unexpected_text(gray: Gray, text_height: int, settings: InpaintSettings = INPAINT) -> list[Box]:
    """Return the lines of text on a donor frame whose known text was blanked.

    Args:
        gray: (height, width), the frame's region without its known text.
        text_height: height of the text that is removed there, in pixels: other text is expected in similar sizes.
        settings: thresholds.

    Returns:
        Boxes in pixels of `gray`.
    """
    height, width = gray.shape
    scale = min(1.0, settings.detection_height / max(1, text_height))
    size = tuple(max(32, -(-round(side * scale) // 32) * 32) for side in (width, height))
    picture = cv2.cvtColor(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2BGR)
    return ocr.find_lines(np.asarray(picture, np.uint8), (width, height))


def find_outliers(
    images: Sequence[FloatImage], usable: Sequence[BoolMask], hole: BoolMask, settings: InpaintSettings = INPAINT
) -> list[BoolMask | None]:
    """Return for each donor where it contradicts the median of all donors.

    Args:
        images: (height, width) each, luma of the donors aligned to the target.
        usable: (height, width) each, where a donor counts.
        hole: (height, width), what is filled.
        settings: thresholds.

    Returns:
        One mask of (height, width) for each donor, or None where it contradicts nowhere.
    """
    none: list[BoolMask | None] = [None] * len(images)
    if len(images) < settings.least_donors:
        return none
    highest, lowest = np.full(hole.shape, -np.inf, np.float32), np.full(hole.shape, np.inf, np.float32)
    count = np.zeros(hole.shape, np.uint8)
    for image, own in zip(images, usable, strict=True):
        np.maximum(highest, image, out=highest, where=own)
        np.minimum(lowest, image, out=lowest, where=own)
        count += own
    disputed = (highest - lowest > settings.outlier_difference) & (count >= settings.least_donors) & hole
    if not disputed.any():
        return none
    values = np.stack(
        [np.where(own[disputed], image[disputed], np.nan) for image, own in zip(images, usable, strict=True)]
    )
    apart = np.abs(values - np.nanmedian(values, axis=0)) > settings.outlier_difference
    for number, marked in enumerate(apart):
        if marked.any():
            mask = np.zeros(hole.shape, bool)
            mask[disputed] = marked
            none[number] = dilate(mask, settings.outlier_margin)
    return none
