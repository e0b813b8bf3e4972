"""A plate is told from a flat wall and from outlines, and its letters from it."""

import cv2
import numpy as np
import pytest

from preflight.local.engine import glyphs, plates

HEIGHT, WIDTH = 60, 240


def scene(seed: int = 3) -> glyphs.Picture:
    """Return a textured ground."""
    noise = np.random.default_rng(seed).integers(0, 255, (HEIGHT // 6, WIDTH // 6, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def write(look: glyphs.Picture, color: tuple[int, int, int] = (255, 255, 255), thickness: int = 1) -> glyphs.Mask:
    """Write a line on the look and return its letters' body."""
    body = np.zeros(look.shape[:2], np.uint8)
    for picture, ink in ((look, color), (body, 255)):
        cv2.putText(picture, "Plate 24h", (40, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, thickness)
    return np.asarray(body > 127, bool)


STILL = np.zeros((HEIGHT, WIDTH), np.float32)


def test_plate_is_found_to_its_borders() -> None:
    look = scene()
    look[10:50, 30:210] = (60, 20, 10)
    found = plates.plate(look, STILL, write(look))
    assert found is not None
    assert found[10:50, 30:210].all()
    assert not found[:6].any()
    assert not found[:, :26].any()


@pytest.mark.parametrize("rows", [slice(10, 60), slice(0, 50)], ids=["goes on below", "goes on above"])
def test_plate_of_several_lines_is_found_as_far_as_it_is_seen(rows: slice) -> None:
    look = scene()
    look[rows, 30:210] = (60, 20, 10)
    found = plates.plate(look, STILL, write(look))
    assert found is not None
    assert found[rows, 30:210].all()


def test_flat_wall_is_no_plate() -> None:
    look = np.full((HEIGHT, WIDTH, 3), 180, np.uint8)
    assert plates.plate(look, STILL, write(look)) is None


def test_textured_ground_is_no_plate() -> None:
    look = scene()
    assert plates.plate(look, STILL, write(look)) is None


def test_outlines_that_flow_together_are_no_plate() -> None:
    look = scene()
    write(look, (10, 10, 10), thickness=14)
    assert plates.plate(look, STILL, write(look)) is None


def test_letters_on_a_plate_have_its_colour_for_ground() -> None:
    look = np.full((HEIGHT, WIDTH, 3), 220, np.uint8)
    look[10:50, 30:210] = (60, 20, 10)
    body = write(look)
    found = plates.plate(look, STILL, body)
    assert glyphs.outline_reach(look, body, 24, found) <= 2
