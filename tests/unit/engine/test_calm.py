from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from preflight.engine.core.yuv import Planes
from preflight.engine.inpaint.inpainter import Inpainter
from preflight.engine.motion.camera import Motion

FRAMES = 12
SHAPE = (64, 160)


def scene() -> np.ndarray:
    noise = np.random.default_rng(2).normal(0, 40, SHAPE)
    return np.clip(110 + cv2.GaussianBlur(noise, (0, 0), 2) * 4, 0, 255)


def hole(_: int) -> np.ndarray:
    drawn = np.zeros(SHAPE, np.uint8)
    cv2.putText(drawn, "Still", (30, 42), cv2.FONT_HERSHEY_SIMPLEX, 1, 1, 5)
    return drawn > 0


def fills(luma: Callable[[int], np.ndarray]) -> list[np.ndarray]:
    """Fill every frame of a scene without motion whose text is always on, and return the lumas under the text."""

    def planes(index: int) -> Planes[np.uint8]:
        gray = np.clip(np.rint(luma(index)), 0, 255).astype(np.uint8)
        chroma = np.full((SHAPE[0] // 2, SHAPE[1] // 2, 2), 128, np.uint8)
        return Planes(np.where(hole(index), 235, gray).astype(np.uint8), chroma)

    filler = Inpainter(
        known=range(FRAMES),
        planes=planes,
        hole=hole,
        state=lambda _: 1,
        motion=Motion(steps={index: np.eye(3) for index in range(FRAMES)}),
        corner=(0, 0),
    )
    return [filler.fill(index).planes.luma[hole(index)].astype(int) for index in range(FRAMES)]


def test_the_fill_of_a_still_scene_stands_still_although_single_samples_change() -> None:
    ground, random = scene(), np.random.default_rng(4)
    shimmer = [(random.random(SHAPE) < 0.06) * random.choice((-2, 2), SHAPE) for _ in range(FRAMES)]

    filled = fills(lambda index: ground + shimmer[index])

    assert all((before == after).all() for before, after in pairwise(filled))


def test_the_fill_of_a_still_scene_follows_its_light() -> None:
    ground = scene()

    filled = fills(lambda index: ground + 2 * index)

    assert abs((filled[-1] - filled[0]).mean() - 2 * (FRAMES - 1)) < 4
