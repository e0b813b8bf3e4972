"""Mattes of faint marks with a fill and an outline."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.alpha.ink_matte import fit_inks
from preflight.engine.alpha.matte import unblend

SHAPE = (44, 96)


def mark() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A gray letter of 20% opacity with a white outline: transmittance, and the colour that is added."""
    strokes = [np.zeros(SHAPE, np.uint8) for _ in range(2)]
    for stroke, width in zip(strokes, (7, 11), strict=True):
        cv2.putText(stroke, "sk", (14, 33), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 1, width)
    fill, outline = strokes[0].astype(np.float32), (strokes[1] - strokes[0]).astype(np.float32)
    gray, white = np.array([80, 128, 128], np.float32), np.array([225, 128, 128], np.float32)
    added = 0.2 * (fill[..., None] * gray + outline[..., None] * white)
    return 1 - 0.2 * (fill + outline), added.astype(np.float32)


def scenes(count: int = 8) -> NDArray[np.float32]:
    """A still scene of two colours with soft texture, in changing light."""
    dice = np.random.default_rng(5)
    still = np.zeros((*SHAPE, 3), np.float32)
    still[:, :48], still[:, 48:] = (150, 110, 150), (60, 140, 120)
    still += cv2.GaussianBlur(dice.normal(size=(*SHAPE, 3)).astype(np.float32), (0, 0), 3) * 20
    return np.stack([still + dice.normal(size=still.shape) * 1.5 for _ in range(count)]).astype(np.float32)


def rounded(stack: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(stack), 0, 255).astype(np.uint8)


def test_scene_under_a_faint_mark_is_recovered() -> None:
    """The scene stands, so no pixel tells its opacity by itself."""
    transmittance, added = mark()
    truth = scenes()
    ink = fit_inks(rounded(truth * transmittance[..., None] + added))
    assert ink is not None
    seen = rounded(truth[:1] * transmittance[..., None] + added)[0]
    below = unblend(seen, ink.matte).scene
    before, after = (np.abs(picture - truth[0])[..., 0][transmittance < 1].mean() for picture in (seen, below))
    assert before > 10
    assert after < 0.35 * before
    # The edge between the two halves of the scene stays.
    assert np.abs(below - truth[0])[4:, 40:56, 0].mean() < 5


def test_scene_without_a_mark_has_no_matte() -> None:
    ink = fit_inks(rounded(scenes()))
    assert ink is None or ink.covered.mean() < 0.02
