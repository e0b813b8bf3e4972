"""What is seen through a translucent mark is mixed with a fill by how sure both are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BoolMask, FloatImage
from preflight.engine.core.yuv import Planes
from preflight.engine.inpaint.inpainter import Inpainter, UnblendedRegion
from preflight.engine.motion.camera import Motion

SHAPE = (64, 160)


def scene() -> FloatImage:
    noise = np.random.default_rng(2).normal(0, 40, SHAPE)
    ground: FloatImage = np.clip(110 + cv2.GaussianBlur(noise, (0, 0), 2) * 4, 0, 255).astype(np.float32)
    return ground


def letters() -> BoolMask:
    drawn = np.zeros(SHAPE, np.uint8)
    cv2.putText(drawn, "Seen", (20, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 1, 9)
    return np.asarray(drawn > 0, bool)


def planes(luma: FloatImage) -> Planes[np.uint8]:
    chroma = np.full((SHAPE[0] // 2, SHAPE[1] // 2, 2), 128, np.uint8)
    return Planes(np.clip(np.rint(luma), 0, 255).astype(np.uint8), chroma)


def error(*, seen: FloatImage, clear_before: bool) -> float:
    """Return how far the fill of a frame is off when `seen` is what a mark lets through there."""
    ground, mark, nothing = scene(), letters(), np.zeros(SHAPE, bool)
    filler = Inpainter(
        known=range(2),
        planes=lambda index: planes(np.where(hole(index), np.float32(235), ground)),
        hole=(hole := lambda index: nothing if index == 0 and clear_before else mark),
        state=lambda index: int(hole(index).any()),
        motion=Motion(steps={0: np.eye(3)}),
        corner=(0, 0),
        unblended=lambda _: UnblendedRegion(planes(seen), np.where(mark, 6.0, 0.0).astype(np.float32), nothing, mark),
    )
    filled = filler.fill(1).planes.luma
    return float(np.abs(filled.astype(np.float32) - ground)[mark].mean())


@pytest.mark.parametrize("off", [-40, 40])
def test_frame_that_shows_the_scene_wins_over_a_mark_that_was_misjudged(off: int) -> None:
    assert error(seen=scene() + off, clear_before=True) < 3


def test_scene_seen_through_a_mark_wins_where_nothing_else_shows_it() -> None:
    unseen = cv2.GaussianBlur(scene(), (0, 0), 12)
    through, without = error(seen=scene(), clear_before=False), error(seen=unseen, clear_before=False)
    assert through < 0.5 * without
