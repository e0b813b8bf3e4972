"""A flat band beside a picture is filled from its own colour."""

import numpy as np
import pytest

from preflight.engine.inpaint.bands import band_edges, inpaint_parts
from preflight.engine.inpaint.settings import BANDS

HEIGHT, WIDTH = 60, 80


def picture(edge: int, *, contrast: float = 80) -> np.ndarray:
    """A black band below a lively picture that begins above row `edge`."""
    noise = np.random.default_rng(1).normal(0, contrast / 4, (HEIGHT, WIDTH))
    image = (16 + contrast + noise).astype(np.float32)
    image[edge:] = 16
    return image


HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[20:50, 10:70] = True


@pytest.mark.parametrize(("edge", "expected"), [(40, (40,)), (35, (34,)), (HEIGHT, ()), (HEIGHT - 4, ())])
def test_the_edge_of_a_band_is_found(edge: int, expected: tuple[int, ...]) -> None:
    assert band_edges(picture(edge), ~HOLE) == expected
    assert 3 <= BANDS.least_rows <= 10


def test_both_bands_of_a_letterbox_are_found() -> None:
    image = picture(44)
    image[:14] = 16
    assert band_edges(image, ~HOLE) == (14, 44)


@pytest.mark.parametrize(("contrast", "found"), [(10, False), (24, True)])
def test_a_weak_step_is_no_edge(contrast: float, found: bool) -> None:
    assert bool(band_edges(picture(40, contrast=contrast), ~HOLE)) == found


@pytest.mark.parametrize(("noise", "found"), [(2, True), (7, False)])
def test_a_grainy_band_is_no_band(noise: float, found: bool) -> None:
    image = picture(40)
    image[40:] += np.random.default_rng(2).normal(0, noise, (20, WIDTH)).astype(np.float32)
    assert bool(band_edges(image, ~HOLE)) == found


def test_each_side_of_an_edge_is_filled_from_its_own_pixels() -> None:
    image = np.full((HEIGHT, WIDTH), 200, np.float32)
    image[40:] = 16
    filled = inpaint_parts(np.where(HOLE, 0, image).astype(np.float32), HOLE, (40,))
    assert np.abs(filled - image).max() < 1
    assert np.abs(inpaint_parts(image, HOLE, ()) - image).max() > 50


def test_text_that_was_not_found_does_not_hide_an_edge() -> None:
    image = picture(40)
    image[44:54, 70:78] = 235
    assert band_edges(image, ~HOLE) == (40,)
