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
    seen: list[Any] = field(default_factory=list)
    layout: Any = field(init=False)

    def __post_init__(self) -> None:
        self.layout = self.model.layout

    def fill(self, part: Any, hole: Any) -> FloatImage | None:
        self.asked += 1
        self.seen.append(part)
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


def spoilt(scene: Planes[np.uint8], mask: BoolMask, text: int = 240) -> Planes[np.uint8]:
    half = mask[::2, ::2]
    luma, chroma = np.where(mask, text, scene.luma), np.where(half[..., None], 255 - text, scene.chroma)
    return Planes(luma.astype(np.uint8), chroma.astype(np.uint8))


def grass(_: int = 0) -> Planes[np.uint8]:
    """A scene of texture without any direction."""
    noise = np.random.default_rng(3).normal(0, 14, SHAPE)
    half = np.full((SHAPE[0] // 2, SHAPE[1] // 2, 2), 128, np.uint8)
    return Planes(np.clip(110 + noise, 0, 255).astype(np.uint8), half)


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


@pytest.mark.parametrize("rim", [0, 3])
def test_bad_model_changes_nothing(rim: int, tmp_path: Path) -> None:
    # What it copies from the picture at the edge of its mask tells nothing of its fill.
    model = open_fill_model(fill_models.painted(tmp_path / "gray.onnx", 0.95, rim=rim))
    without, filled = inpainter(None).fill(0), inpainter(model).fill(0)
    assert filled.learned == 0
    assert (filled.planes.luma == without.planes.luma).all()


def test_smooth_model_is_not_excused_as_texture_is(tmp_path: Path) -> None:
    # Gray level 125 as the model sees it; the scene's mean is 110.
    model = open_fill_model(fill_models.painted(tmp_path / "gray.onnx", 0.498))
    filled = inpainter(model, grass).fill(0)
    assert filled.learned == 0


def test_fill_is_joined_to_the_scene_at_the_rim(columns: Counting) -> None:
    ramp = 1.2 * (np.arange(SHAPE[0])[:, None] - SHAPE[0] / 2)

    def sloped(_: int) -> Planes[np.uint8]:
        return Planes(np.clip(stripes().luma + ramp, 0, 255).astype(np.uint8), stripes().chroma)

    # The model knows the stripes and not the slope.
    filled = inpainter(columns, sloped).fill(0)
    assert error(filled, sloped(0), hole()) < 1.5


def test_fill_is_joined_to_what_other_frames_show(columns: Counting) -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    light = 40 * np.exp(-((y - 39) ** 2 + (x - 75) ** 2) / 500)
    patch = np.zeros(SHAPE, bool)
    patch[34:44, 60:90] = True

    def lit(_: int) -> Planes[np.uint8]:
        return Planes(np.clip(stripes().luma + light, 0, 255).astype(np.uint8), stripes().chroma)

    def mask(index: int) -> BoolMask:
        large = np.zeros(SHAPE, bool)
        large[18:60, 40:110] = True
        return large if index == 1 else patch

    # Only inside the hole is there any light, and the patch is far from its rim.
    filler = inpainter(columns, lit, mask)
    filler.known, filler.state = range(3), lambda index: int(index == 1)
    filled = filler.fill(1)
    assert filled.share > 0.7
    assert error(filled, lit(1), patch) < 6


def test_tint_beside_letters_does_not_flow_into_the_fill(columns: Counting) -> None:
    def tinted(_: int) -> Planes[np.uint8]:
        given = spoilt(stripes(), hole())
        given.chroma[14:25, 14:66] = 15
        return given

    filler = inpainter(columns)
    filler.planes = tinted
    off = np.abs(filler.fill(0).planes.chroma.astype(int) - stripes().chroma)[15:24, 15:65]
    assert off.mean() < 3


def test_share_of_the_model_changes_slowly(columns: Counting) -> None:
    def weaker(index: int) -> Planes[np.uint8]:
        waves = (60, 2.2)[index] * np.sin(np.arange(SHAPE[1]) / 2.5)
        return Planes(np.tile(120 + waves, (SHAPE[0], 1)).astype(np.uint8), grass().chroma)

    alone = inpainter(columns, weaker).fill(1).learned
    filler = inpainter(columns, weaker)
    filler.fill(0)
    assert 0.1 < alone < 0.8
    assert filler.fill(1).learned > alone + 0.05


def test_model_whose_brightness_is_off_is_judged_by_its_pattern(tmp_path: Path) -> None:
    def faint(_: int) -> Planes[np.uint8]:
        scene = grass()
        return Planes(np.tile(110 + 6 * np.sin(np.arange(SHAPE[1]) / 2), (SHAPE[0], 1)).astype(np.uint8), scene.chroma)

    model = open_fill_model(fill_models.lama(tmp_path / "dark.onnx", white=230.0))
    filled = inpainter(model, faint).fill(0)
    assert filled.learned > 0.8
    assert error(filled, faint(0), hole()) < 1.5


def test_no_letter_reaches_the_model(columns: Counting) -> None:
    for text in (240, 10):
        filler = inpainter(columns)
        filler.planes = lambda _, text=text: spoilt(stripes(), hole(), text)
        filler.fill(0)
    one, other = columns.seen
    assert (one == other).all()


def test_texture_of_the_right_kind_is_used_though_its_details_are_elsewhere(tmp_path: Path) -> None:
    model = open_fill_model(fill_models.copied(tmp_path / "copied.onnx", 40))
    without, filled = inpainter(None, grass).fill(0), inpainter(model, grass).fill(0)
    texture = grass(0).luma[HOLE].std()
    assert without.planes.luma[HOLE].std() < 0.5 * texture
    assert filled.planes.luma[HOLE].std() > 0.75 * texture
    assert filled.learned > 0.6


def test_flat_scene_is_filled_without_the_model(columns: Counting) -> None:
    def flat(_: int) -> Planes[np.uint8]:
        noise = np.random.default_rng(5).integers(0, 2, SHAPE)
        return Planes((90 + noise).astype(np.uint8), grass().chroma)

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


@pytest.mark.parametrize("what", ["scene", "detail", "hole"])
def test_change_of_scene_or_hole_is_asked_for_again(what: str, columns: Counting) -> None:
    def scene(index: int) -> Planes[np.uint8]:
        found = stripes()
        luma = np.roll(found.luma, 6 * index * (what == "scene"), axis=1)
        luma[14:22, 60:68] += np.uint8(50 * index * (what == "detail"))
        return Planes(luma, found.chroma)

    def mask(index: int) -> BoolMask:
        found = hole()
        found[10 : 30 if index and what == "hole" else 10, 30:60] = True
        return found

    filler = inpainter(columns, scene, mask)
    # Where the hole grows, the pixels have been the same before.
    filler.planes = lambda index: spoilt(scene(index), mask(1))
    filler.fill(0)
    filled = filler.fill(1)
    assert columns.asked == 2
    assert error(filled, scene(1), mask(1)) < 4


def test_model_that_is_no_good_is_not_asked_on_and_on(tmp_path: Path) -> None:
    def moving(index: int) -> Planes[np.uint8]:
        return Planes(np.roll(stripes().luma, 3 * index, axis=1), stripes().chroma)

    bad = Counting(open_fill_model(fill_models.painted(tmp_path / "gray.onnx", 0.95)))
    good = Counting(open_fill_model(fill_models.lama(tmp_path / "columns.onnx")))
    for model in (bad, good):
        filler = inpainter(model, moving)
        for index in range(7):
            filler.fill(index)
    assert (bad.asked, good.asked) == (4, 7)


def test_hole_that_shrinks_needs_no_new_answer(columns: Counting) -> None:
    def mask(index: int) -> BoolMask:
        found = hole()
        found[:, : 30 + 20 * index] = False
        return found

    filler = inpainter(columns, mask=mask)
    filler.fill(0)
    assert error(filler.fill(1), stripes(), mask(1)) < 2
    assert columns.asked == 1
