"""A fill model is used where the held-out band shows that it is good, and asked again only when the scene changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures import fill_models
from preflight.engine.core.arrays import BoolMask, FloatImage
from preflight.engine.core.yuv import Planes
from preflight.engine.inpaint.fill_model import open_fill_model
from preflight.engine.inpaint.inpainter import InpaintedRegion, Inpainter
from preflight.engine.inpaint.learned_fill import LearnedFill
from preflight.engine.motion.camera import Motion

SHAPE = (80, 160)
HOLE = (slice(30, 48), slice(30, 130))


@dataclass
class Counting:
    """A model that counts how often it is asked, and may fail."""

    model: Any
    fails: bool = False
    asked: int = 0
    layout: Any = field(init=False)

    def __post_init__(self) -> None:
        self.layout = self.model.layout

    def fill(self, part: Any, hole: Any) -> FloatImage | None:
        self.asked += 1
        return None if self.fails else self.model.fill(part, hole)


@pytest.fixture
def columns(tmp_path: Path) -> Counting:
    """A model that is right about stripes."""
    return Counting(open_fill_model(fill_models.lama(tmp_path / "columns.onnx")))


def stripes(_: int = 0) -> Planes[np.uint8]:
    """A scene of upright stripes in luma and chroma."""
    x = np.arange(SHAPE[1])
    luma = np.tile(120 + 60 * np.sin(x / 2.5), (SHAPE[0], 1))
    half = np.tile(np.stack([128 + 20 * np.sin(x[::2] / 4), 128 + 20 * np.cos(x[::2] / 4)], 1), (SHAPE[0] // 2, 1, 1))
    return Planes(luma.astype(np.uint8), half.astype(np.uint8))


def hole(_: int = 0) -> BoolMask:
    mask = np.zeros(SHAPE, bool)
    mask[HOLE] = True
    return mask


def spoilt(scene: Planes[np.uint8], mask: BoolMask) -> Planes[np.uint8]:
    half = mask[::2, ::2]
    return Planes(np.where(mask, 240, scene.luma).astype(np.uint8), np.where(half[..., None], 60, scene.chroma))


def inpainter(
    model: Any,
    scene: Callable[[int], Planes[np.uint8]] = stripes,
    mask: Callable[[int], BoolMask] = hole,
    **more: Any,
) -> Inpainter:
    """An inpainter that has no other frames to take from."""
    return Inpainter(
        known=range(0),
        planes=lambda index: spoilt(scene(index), mask(index)),
        hole=mask,
        state=lambda _: 1,
        motion=Motion(steps={index: np.eye(3) for index in range(8)}),
        corner=(0, 0),
        learned=None if model is None else LearnedFill(model),
        **more,
    )


def error(filled: InpaintedRegion, scene: Planes[np.uint8], mask: BoolMask) -> float:
    return float(np.abs(filled.planes.luma.astype(float) - scene.luma)[mask].mean())


def test_good_model_fills_the_hole_and_nothing_beside_it(columns: Counting) -> None:
    scene, mask = stripes(), hole()
    without, filled = inpainter(None).fill(0), inpainter(columns).fill(0)
    assert error(without, scene, mask) > 20
    assert error(filled, scene, mask) < 2
    assert (without.learned, filled.learned) == (0.0, pytest.approx(1.0, abs=0.01))
    assert filled.error < 0.2 * without.error
    given = spoilt(scene, mask)
    assert (filled.planes.luma[~mask] == given.luma[~mask]).all()
    far = np.s_[12:26, 12:68]
    assert np.abs(filled.planes.chroma.astype(int) - scene.chroma)[far].mean() < 3
    outside = np.ones(given.chroma.shape[:2], bool)
    outside[14:25, 14:66] = False
    assert (filled.planes.chroma[outside] == given.chroma[outside]).all()


def test_bad_model_changes_nothing(tmp_path: Path) -> None:
    model = open_fill_model(fill_models.painted(tmp_path / "gray.onnx", 0.95))
    without, filled = inpainter(None).fill(0), inpainter(model).fill(0)
    assert filled.learned == 0
    assert (filled.planes.luma == without.planes.luma).all()


def test_flat_scene_is_filled_without_the_model(columns: Counting) -> None:
    def flat(_: int) -> Planes[np.uint8]:
        return Planes(np.full(SHAPE, 90, np.uint8), np.full((SHAPE[0] // 2, SHAPE[1] // 2, 2), 128, np.uint8))

    inpainter(columns, flat).fill(0)
    assert columns.asked == 0


def test_flat_band_beside_stripes_stays_flat(tmp_path: Path) -> None:
    def letterboxed(_: int) -> Planes[np.uint8]:
        scene = stripes()
        scene.luma[40:], scene.chroma[20:] = 16, 128
        return scene

    model = Counting(open_fill_model(fill_models.lama(tmp_path / "columns.onnx")))
    filled = inpainter(model, letterboxed).fill(0)
    assert np.abs(filled.planes.luma[42:48, 30:130].astype(int) - 16).max() <= 2


def test_texts_last_method_is_smooth_without_the_model(columns: Counting) -> None:
    filled = inpainter(columns, smooth=hole).fill(0)
    assert columns.asked == 0
    assert (filled.planes.luma == inpainter(None, smooth=hole).fill(0).planes.luma).all()


def test_model_that_fails_on_a_frame_leaves_the_smooth_fill(columns: Counting) -> None:
    columns.fails = True
    filled = inpainter(columns).fill(0)
    assert columns.asked == 1
    assert (filled.planes.luma == inpainter(None).fill(0).planes.luma).all()


def test_what_other_frames_show_is_not_asked_of_the_model(columns: Counting) -> None:
    def mask(index: int) -> BoolMask:
        return hole() if index == 1 else np.zeros(SHAPE, bool)

    filler = inpainter(columns, mask=mask)
    filler.known, filler.state = range(3), lambda index: int(index == 1)
    filled = filler.fill(1)
    assert filled.share > 0.9
    assert columns.asked == 0


def test_still_scene_is_asked_for_once_and_does_not_flicker(columns: Counting) -> None:
    def noisy(index: int) -> Planes[np.uint8]:
        scene = stripes()
        noise = np.random.default_rng(index).normal(0, 1, SHAPE)
        return Planes(np.clip(np.rint(scene.luma + noise), 0, 255).astype(np.uint8), scene.chroma)

    filler = inpainter(columns, noisy)
    fills = [filler.fill(index).planes.luma.astype(int)[HOLE] for index in range(4)]
    assert columns.asked == 1
    assert max(np.abs(one - other).mean() for one, other in pairwise(fills)) < 1


@pytest.mark.parametrize("what", ["scene", "hole"])
def test_change_of_scene_or_hole_is_asked_for_again(what: str, columns: Counting) -> None:
    def scene(index: int) -> Planes[np.uint8]:
        found = stripes()
        return Planes(np.roll(found.luma, 6 * index * (what == "scene"), axis=1), found.chroma)

    def mask(index: int) -> BoolMask:
        found = hole()
        found[10 : 30 if index and what == "hole" else 10, 30:60] = True
        return found

    filler = inpainter(columns, scene, mask)
    filler.fill(0)
    filled = filler.fill(1)
    assert columns.asked == 2
    assert error(filled, scene(1), mask(1)) < 4


def test_hole_that_shrinks_needs_no_new_answer(columns: Counting) -> None:
    def mask(index: int) -> BoolMask:
        found = hole()
        found[:, : 30 + 20 * index] = False
        return found

    filler = inpainter(columns, mask=mask)
    filler.fill(0)
    assert error(filler.fill(1), stripes(), mask(1)) < 2
    assert columns.asked == 1
