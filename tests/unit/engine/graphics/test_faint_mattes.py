"""Faint marks that are unblended, and what is removed over them."""

import numpy as np

from preflight.engine.alpha.matte import AlphaMatte
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes
from preflight.engine.graphics.faint_mattes import with_films
from preflight.engine.media.decode import Frame
from preflight.engine.model.rasterize import changed_mask, has_plates, rasterize, without_plates
from preflight.engine.model.track import MaskModel, Track

BOX, REGION = Box(8, 8, 24, 16), Box(4, 4, 20, 20)


def film() -> Track:
    """A mark of 50% white over the left half of its box."""
    transmittance = np.ones((8, 16), np.float32)
    transmittance[:, :8] = 0.5
    matte = AlphaMatte(transmittance, (1 - transmittance)[..., None] * np.array([235, 128, 128], np.float32), 2.0)
    masks = MaskModel(usual=np.zeros((8, 16), bool), film=matte)
    return Track(box=BOX, line=BOX, first=2, last=5, masks=masks, text="istock")


def test_film_is_unblended_inside_its_box_and_never_filled() -> None:
    crop = np.full((16, 16, 3), 128, np.uint8)
    crop[4:12, 4:12, 0] = (128 + 235) // 2
    assert has_plates([film()], 2)
    below = without_plates(crop, [film()], 2, REGION)
    assert np.abs(below.astype(int) - 128).max() <= 1
    assert not rasterize([film()], 2, REGION).any()
    changed = changed_mask([film()], 2, REGION)
    assert changed.sum() == 64
    assert changed[4:12, 4:12].all()


def test_film_ends_with_its_mark() -> None:
    crop = np.full((16, 16, 3), 128, np.uint8)
    assert not has_plates([film()], 6)
    assert (without_plates(crop, [film()], 6, REGION) == crop).all()
    assert not changed_mask([film()], 1, REGION).any()


def test_only_large_marks_of_agencies_get_films() -> None:
    """Nothing is decoded for other text."""

    def frames() -> list[Frame]:
        raise AssertionError

    small, sign = film(), Track(box=BOX, line=BOX, first=0, last=19, masks=film().masks, text="Bakery")
    assert with_films([small, sign], frames, (640, 360), 20) == [small, sign]
    assert with_films([sign], frames, (40, 40), 20) == [sign]


def test_planes_of_a_film_keep_their_chroma() -> None:
    planes = Planes(np.full((16, 16), 100, np.uint8), np.full((8, 8, 2), 90, np.uint8))
    below = without_plates(planes.to_ycbcr(), [film()], 6, REGION)
    assert (below[..., 1:] == 90).all()
