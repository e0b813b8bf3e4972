"""Strokes that stay while a scene moves behind them, drawn here."""

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.inpaint import mask_refinement
from preflight.engine.inpaint.settings import REFINEMENT

SIZE = (96, 320)
LINE = np.zeros(SIZE, bool)
LINE[24:72, 20:300] = True


def letters() -> BGR:
    return cv2.putText(
        np.zeros(SIZE, np.uint8), "PREVIEW", (28, 64), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 5, cv2.LINE_AA
    )


def crops(count: int, step: int, opacity: float, *, hard: bool = False) -> list[BGR]:
    """Looks at letters over a scene, maybe with hard edges, that moves `step` samples from one to the next."""
    dice = np.random.default_rng(5)
    wide = sum(
        cell * cv2.resize(dice.normal(size=(96 // cell + 2, 1200 // cell + 2)).astype(np.float32), (1200, 96))
        for cell in (4, 8, 16)
    )
    wide = 40 * np.sign(wide) if hard else wide
    share = opacity * letters().astype(np.float32) / 255
    scenes = [np.clip(110 + wide[:, n * step : n * step + 320], 0, 255) for n in range(count)]
    return [(scene * (1 - share) + 255 * share).astype(np.uint8) for scene in scenes]


def found(mask: BoolMask | None) -> BoolMask:
    assert mask is not None
    return mask


def test_translucent_letters_are_found_over_a_scene_that_moves() -> None:
    mask = found(mask_refinement.common_strokes(crops(24, 20, 0.35), LINE, 48))
    painted = letters() > 60
    assert mask[painted].mean() > 0.98
    assert mask.mean() < 2.5 * painted.mean()


def test_a_scene_that_stands_still_is_not_taken_for_letters() -> None:
    assert mask_refinement.common_strokes(crops(24, 0, 0.35, hard=True), LINE, 48) is None


def test_a_scene_without_letters_has_no_strokes() -> None:
    assert mask_refinement.common_strokes(crops(24, 20, 0.0), LINE, 48) is None


def test_few_looks_tell_nothing() -> None:
    assert mask_refinement.common_strokes(crops(REFINEMENT.least_samples - 1, 20, 0.35), LINE, 48) is None
