"""Rectangles behind a line or a part of it are found where the scene beside them has their colour too."""

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.core.box import Box
from preflight.engine.segment.backing_box import find_partial, find_whole
from preflight.engine.segment.rectangles import find_rectangles

HEIGHT, WIDTH, TEXT = 90, 360, 26
BOX = Box(60, 28, 300, 64)
STILL = np.zeros((HEIGHT, WIDTH), np.float32)


def scene() -> BGR:
    noise = np.random.default_rng(9).integers(40, 255, (HEIGHT // 6, WIDTH // 6, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def write(crop: BGR, start: int = 70, text: str = "Boxed words") -> BoolMask:
    body = np.zeros((HEIGHT, WIDTH), np.uint8)
    for image, foreground in ((crop, (255, 255, 255)), (body, 255)):
        cv2.putText(image, text, (start, 55), cv2.FONT_HERSHEY_SIMPLEX, 1.0, foreground, 2)
    return np.asarray(body > 127, bool)


def test_box_beside_trousers_of_its_colour_is_found() -> None:
    crop = scene()
    crop[:, 120:150] = 0
    crop[BOX.slices] = 0
    fill = write(crop)
    whole = find_whole(crop, STILL, fill, fill, TEXT)
    assert whole is not None
    assert cv2.boundingRect(whole.astype(np.uint8)) == pytest.approx((60, 28, 240, 36), abs=1)


def test_box_behind_a_part_of_a_line_is_found() -> None:
    crop = scene()
    crop[BOX.slices] = 0
    fill = write(crop, 10, "A long boxed line")
    found = find_partial(crop, STILL, fill, TEXT)
    assert found is not None
    assert found.area.sum() == pytest.approx(BOX.area, rel=0.05)
    assert not found.letters[:, :56].any()
    assert found.letters[fill & found.area].mean() > 0.97


@pytest.mark.parametrize("thickness", [10, 14])
def test_thick_outlines_are_no_rectangle(thickness: int) -> None:
    crop = scene()
    cv2.putText(crop, "Boxed words", (70, 55), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), thickness)
    assert find_rectangles(crop, STILL, write(crop), TEXT) == []


def test_flat_wall_and_texture_are_no_rectangle() -> None:
    wall = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    assert find_rectangles(wall, STILL, write(wall), TEXT) == []
    crop = scene()
    assert find_rectangles(crop, STILL, write(crop), TEXT) == []


def test_no_letters_have_no_rectangle() -> None:
    assert find_rectangles(scene(), STILL, np.zeros((HEIGHT, WIDTH), np.bool_), TEXT) == []
