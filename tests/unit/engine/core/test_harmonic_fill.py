import cv2
import numpy as np
import pytest

from preflight.engine.core import harmonic_fill


def ramp(height: int = 61, width: int = 203) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.dstack([40 + 0.6 * columns + 0.8 * rows, 100 + 0.2 * columns, 150 - 0.9 * rows]).round().astype(np.uint8)


def letters(height: int = 61, width: int = 203) -> np.ndarray:
    drawn = np.zeros((height, width), np.uint8)
    cv2.putText(drawn, "Thin strokes", (6, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.95, 1, 5)
    return drawn > 0


def fill(region: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.rint(harmonic_fill.harmonic_inpaint(region.astype(np.float32), hole)).astype(np.uint8)


def test_a_gentle_slope_under_letters_comes_back() -> None:
    truth, hole = ramp(), letters()
    shown = truth.copy()
    shown[hole] = (235, 128, 128)

    filled = fill(shown, hole)

    assert np.abs(filled[hole].astype(int) - truth[hole]).max() <= 2


def test_what_is_known_stays_as_it_is() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (61, 203, 3), np.uint8)

    filled = fill(noise, letters())

    assert (filled[~letters()] == noise[~letters()]).all()


def test_the_fill_of_a_grainy_surface_is_neither_lighter_nor_tinted() -> None:
    grain = np.random.default_rng(5).normal((120, 128, 128), 6, (61, 203, 3))
    truth, hole = grain.round().astype(np.uint8), letters()

    filled = fill(truth, hole)

    assert np.abs(filled[hole].mean(axis=0) - (120, 128, 128)).max() < 0.5


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (64, 64), (33, 129)])
def test_a_hole_over_all_of_the_region_takes_its_mean(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), (90, 120, 140), np.uint8)

    assert (fill(flat, np.ones(shape, bool)) == flat).all()


def test_one_known_sample_fills_everything() -> None:
    region, hole = np.zeros((50, 70, 3), np.uint8), np.ones((50, 70), bool)
    region[49, 0], hole[49, 0] = (90, 120, 140), False

    assert (fill(region, hole) == (90, 120, 140)).all()


def test_luma_alone_is_filled_as_luma_among_colours_is() -> None:
    truth, hole = ramp(), letters()

    assert (fill(truth[..., 0], hole) == fill(truth, hole)[..., 0]).all()
