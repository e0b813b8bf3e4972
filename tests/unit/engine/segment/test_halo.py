"""The halo of letters is measured against the interpolated scene, whatever its colour and however faint."""

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.segment.halo import fit_halo
from preflight.engine.segment.settings import HALO

HEIGHT, WIDTH, TEXT = 120, 420, 56


def scene(seed: int = 4, contrast: float = 25.0) -> BGR:
    noise = np.random.default_rng(seed).normal(0, 1, (HEIGHT // 8, WIDTH // 8, 3)).astype(np.float32)
    ground = 120 + contrast * cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(ground, 0, 255).astype(np.uint8)


def letters(thickness: int = 6) -> BoolMask:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(drawn, "NEVER ROAD", (30, 82), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 1, thickness)
    return np.asarray(drawn > 0, bool)


def painted(width: int, alpha: float, color: tuple[int, int, int] = (0, 0, 0)) -> BGR:
    """Return yellow letters with a surrounding of that width, opacity and colour."""
    crop, fill = scene().astype(np.float32), letters()
    ring = cv2.distanceTransform((~fill).astype(np.uint8), cv2.DIST_L2, 5) <= width
    crop[ring] = (1 - alpha) * crop[ring] + alpha * np.array(color, np.float32)
    crop[fill] = (0, 230, 240)
    return np.clip(crop, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("width", [2, 4, 7, 10])
@pytest.mark.parametrize("color", [(0, 0, 0), (200, 60, 240), (255, 255, 255)], ids=["black", "pink", "white"])
def test_width_of_an_outline_is_found(width: int, color: tuple[int, int, int]) -> None:
    assert fit_halo(painted(width, 1.0, color), letters(), TEXT).width == pytest.approx(width, abs=1)


@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_faint_shadow_is_found(alpha: float) -> None:
    assert fit_halo(painted(8, alpha), letters(), TEXT).width == pytest.approx(8, abs=2)


@pytest.mark.parametrize("seed", range(4))
def test_letters_alone_have_no_halo(seed: int) -> None:
    crop = scene(seed)
    crop[letters()] = (0, 230, 240)
    assert fit_halo(crop, letters(), TEXT).width <= 2


def test_a_board_without_end_in_sight_is_no_halo() -> None:
    crop = scene()
    crop[20:104, 10:410] = (40, 30, 160)
    crop[letters()] = (0, 230, 240)
    assert fit_halo(crop, letters(), TEXT).width <= HALO.unknown


def test_scene_below_the_halo_is_interpolated() -> None:
    found = fit_halo(painted(6, 1.0), letters(), TEXT)
    assert np.abs(found.scene - scene())[letters()].mean() < 30
