"""Checks a filled frame for what is left of the removed text, as an eye would: legible text, and traces of its strokes.

Text is found by the detector and read by the recogniser, over whole lines and their surroundings. Traces that nobody
can read (an outline, a halo, a tint in the shape of the letters) are found by regression: the local contrast of the
result is explained by the shape of the letters and of the rim around them, in cells half as wide as the text is high. A
scene doesn't know the letters' shape, so its coefficients have random signs in the cells; traces have one sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.alpha.settings import FADE
from preflight.engine.core.arrays import BGR, BoolMask, YCbCr, dilate
from preflight.engine.core.box import Box
from preflight.engine.detect import ocr
from preflight.engine.inpaint.settings import RESIDUAL, ResidualSettings
from preflight.engine.model.identity import text_similarity

_CELLS = 2
"""Number of cells for each text height along the line: about one a letter."""
_LEAST_LETTERS = 2
"""Minimum length of a reading: single letters are read into any texture."""


@dataclass(frozen=True, slots=True)
class RemovedLine:
    """A removed line of text on one frame.

    Attributes:
        box: the line, in pixels of the region.
        letters: (height, width) of the region, what the text covered.
        text: what the recogniser read before.
        faint: (height, width, 3) of the region, YCbCr, a frame that shows the same still scene below a fainter text;
            None without one.
        faint_ratio: opacity of the text on that frame, as a share of its opacity on this one, 0..1.
        unblended: the scene was recovered from under the text, of which too much may have been subtracted.
    """

    box: Box
    letters: BoolMask
    text: str
    faint: YCbCr | None = None
    faint_ratio: float = 0.0
    unblended: bool = False


def legibility(
    result: BGR, lines: Sequence[RemovedLine], kept: Sequence[Box], settings: ResidualSettings = RESIDUAL
) -> list[float]:
    """Return how legible text is in the place of each removed line.

    Args:
        result: (height, width, 3), the filled region.
        lines: the lines that were removed.
        kept: boxes of text that stays, in pixels of the region.
        settings: thresholds.

    Returns:
        0 (none) to 1. Text that was not there before counts by the confidence of its reading.
    """
    height, width = result.shape[:2]
    worst = [0.0] * len(lines)
    for place in _places([line.box for line in lines], width, height, settings):
        own = [line for line in lines if line.box.common(place)]
        text_height = min(line.box.text_height for line in own)
        scale = min(1.0, settings.detection_height / text_height)
        size = tuple(max(32, -(-round(side * scale) // 32) * 32) for side in (place.width, place.height))
        shown = result[place.slices]
        for found in ocr.find_lines(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), (place.width, place.height)):
            box = found.moved(place.x0, place.y0)
            near = [line for line in own if line.box.common(box) > settings.line_overlap * box.area]
            if not near or any(other.common(box) > settings.line_overlap * box.area for other in kept):
                continue
            reading = ocr.read_line(result[box.padded(2, width, height).slices])
            if reading.score < settings.legible_score:
                continue
            if len(reading.text) < _LEAST_LETTERS:
                continue
            written = reading.score if reading.score >= settings.written_score else 0.0
            for number, line in enumerate(lines):
                if any(line is other for other in near):
                    worst[number] = max(worst[number], text_similarity(reading.text, line.text), written)
    return worst


def _places(boxes: Sequence[Box], width: int, height: int, settings: ResidualSettings) -> list[Box]:
    """Return the surroundings of the lines, joined where they overlap."""
    places: list[Box] = []
    for box in boxes:
        place = box.padded(round(settings.surroundings * box.text_height), width, height)
        while touching := [other for other in places if other.common(place)]:
            for other in touching:
                places.remove(other)
                place = place.united(other)
        places.append(place)
    return places


def stroke_residue(result: YCbCr, source: YCbCr, line: RemovedLine, settings: ResidualSettings = RESIDUAL) -> float:
    """Return how much of a line's local contrast is left in the shape of its letters or of their rim.

    Args:
        result: (height, width, 3), the filled region.
        source: (height, width, 3), the region before.
        line: the removed line.
        settings: thresholds.

    Returns:
        0 (none that an eye can see) to 1 (as before).
    """
    height, width = line.letters.shape
    size = line.box.text_height
    place = line.box.padded(size // 2, width, height)
    letters = line.letters[place.slices]
    inside = line.letters[line.box.padded(0, width, height).slices]
    # A mask that covers nearly all of its line has no letters' shape.
    if not letters.any() or size < settings.least_height or inside.mean() > settings.dense:
        return 0.0
    rim = dilate(letters, max(2, round(settings.rim * size))) & ~letters
    shapes = np.stack([_local_contrast(part.astype(np.float32), size) for part in (letters, rim)], -1)
    images, away = [result[place.slices], source[place.slices]], ~letters & ~rim
    faint = None if line.faint is None else line.faint[place.slices]
    tells = faint is not None and line.faint_ratio < settings.faint_ratio and _is_still(images[1], faint, away)
    if faint is not None and tells:
        images.append(faint)
    contrasts = [_local_contrast(image.astype(np.float32), size) for image in images]
    values, deviations = _coefficients(shapes, np.concatenate(contrasts, axis=-1), size)
    (left, was, *faintest), deviation = np.split(values, len(images), axis=-1), deviations[:, :3]
    for then in faintest:
        # Opacity mixes text and scene linearly, so two opacities tell what the scene alone has in the letters' shape.
        scene = (then - line.faint_ratio * was) / (1 - line.faint_ratio)
        left, was = left - scene, was - scene
    bound = np.maximum(settings.least_trace, settings.significance * deviation)
    # What is left of a text is as bright or dark against its surroundings as the text was, unless too much was taken.
    visible = (np.abs(left) > bound) & ((left * was > 0) | line.unblended)
    if not visible.any():
        return 0.0
    contrast = max(settings.least_contrast, float(np.abs(was).max()))
    return min(1.0, float(np.abs(left)[visible].max()) / contrast)


def lasting(traces: Sequence[float], settings: ResidualSettings = RESIDUAL) -> float:
    """Return the strongest trace that lasts: the maximum of the running median of the traces of consecutive frames."""
    window = min(len(traces), settings.trace_frames)
    if not window:
        return 0.0
    return float(np.median(np.lib.stride_tricks.sliding_window_view(np.asarray(traces), window), axis=-1).max())


def _is_still(one: YCbCr, other: YCbCr, away: BoolMask) -> bool:
    """Return True when two frames show the same scene beside the text."""
    apart = cv2.absdiff(one, other)[away]
    return bool(apart.size) and float(np.percentile(apart, FADE.still_percentile)) <= FADE.still


def _local_contrast(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return an image minus its mean in windows of `RESIDUAL.window` text heights."""
    side = max(3, round(RESIDUAL.window * size) | 1)
    window = (side, side)
    return np.asarray(image - cv2.blur(image, window, borderType=cv2.BORDER_REFLECT), np.float32)


def _coefficients(
    shapes: NDArray[np.float32], image: NDArray[np.float32], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the regression coefficients of an image's channels on the shapes, and their standard errors.

    The errors are robust to correlation inside each cell (Liang and Zeger, Biometrika 1986). Both results are
    (2, channels), in gray levels: letters and rim, by channel.
    """
    along = 1 if shapes.shape[1] >= shapes.shape[0] else 0
    # What runs along the whole line (a horizon, the edge of a shirt) is of the scene.
    shapes, image = (part - part.mean(along, keepdims=True) for part in (shapes, image))
    count = max(2, round(_CELLS * shapes.shape[along] / size))
    grams, moments = [], []
    for x, y in zip(np.array_split(shapes, count, along), np.array_split(image, count, along), strict=True):
        basis, values = x.reshape(-1, 2).astype(np.float64), y.reshape(-1, y.shape[-1]).astype(np.float64)
        grams.append(basis.T @ basis)
        moments.append(basis.T @ values)
    gram = np.sum(grams, axis=0) + 1e-6 * np.eye(2)
    inverse = np.linalg.inv(gram)
    coefficients = inverse @ np.sum(moments, axis=0)
    scores = np.stack([moment - own @ coefficients for own, moment in zip(grams, moments, strict=True)])
    spread = np.einsum("ij,njc,nkc,kl->ilc", inverse, scores, scores, inverse)
    variance = np.stack([spread[0, 0], spread[1, 1]]) * count / (count - 1)
    return coefficients, np.sqrt(np.maximum(variance, 0))
