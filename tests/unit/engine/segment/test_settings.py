"""Each threshold has a case just below and just above it, so that a doubled or halved value fails."""

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BoolMask
from preflight.engine.segment import backing_box, counter, outlines
from preflight.engine.segment.halo import fit_halo
from preflight.engine.segment.strokes import Strokes, find_strokes, stray_strokes
from preflight.engine.segment.text_mask import stroke_mask

HEIGHT, WIDTH, TEXT = 100, 400, 40
STILL = np.zeros((HEIGHT, WIDTH), np.float32)


def bars(*columns: int, top: int = 30, bottom: int = 70, width: int = 6) -> BoolMask:
    """Return upright strokes at these columns."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for column in columns:
        mask[top:bottom, column : column + width] = True
    return mask


LETTERS = bars(*range(60, 300, 20))
LINE: BoolMask = np.zeros((HEIGHT, WIDTH), np.bool_)
LINE[28:72, 56:300] = True
STROKES = Strokes(fill=LETTERS, color=(240.0, 240.0, 240.0), certainty=1.0)


def look_with(extra: BoolMask, level: int = 240) -> np.ndarray:
    crop = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    crop[LETTERS] = 240
    crop[extra] = level
    return crop


def strays(extra: BoolMask, level: int = 240) -> bool:
    found = stray_strokes(look_with(extra, level), STILL, STROKES, LINE, TEXT, None)
    return bool((found & extra).any())


@pytest.mark.parametrize(("height", "found"), [(40, True), (46, True), (52, False), (60, False)])
def test_a_stray_stroke_is_no_larger_than_a_letter(height: int, found: bool) -> None:
    assert strays(bars(310, top=70 - height, bottom=70)) == found


@pytest.mark.parametrize(("gap", "found"), [(4, True), (34, True), (44, False), (70, False)])
def test_a_stray_stroke_lies_beside_the_line(gap: int, found: bool) -> None:
    assert strays(bars(300 + gap, top=40, bottom=60, width=4)) == found


@pytest.mark.parametrize(("level", "found"), [(240, True), (195, True), (185, False), (120, False)])
def test_a_stray_stroke_has_the_colour_of_the_letters(level: int, found: bool) -> None:
    assert strays(bars(310), level) == found


def test_the_part_of_a_shirt_beside_the_line_is_no_stroke() -> None:
    shirt: BoolMask = np.zeros((HEIGHT, WIDTH), np.bool_)
    shirt[60:, 305:360] = True
    assert not strays(shirt)


@pytest.mark.parametrize(("difference", "outlined"), [(8, False), (11, False), (14, True), (22, True)])
def test_an_outline_differs_from_letters_and_ground(difference: int, outlined: bool) -> None:
    crop = look_with(np.zeros_like(LETTERS))
    ring = cv2.dilate(LETTERS.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    crop[ring & ~LETTERS] = 60 - difference
    assert outlines.is_outlined(crop, LETTERS, TEXT) == outlined


@pytest.mark.parametrize(("reach", "covered"), [(0, 2), (3, 5), (6, 8)])
def test_two_coded_pixels_belong_to_the_mask(reach: int, covered: int) -> None:
    mask = stroke_mask(bars(200), reach, TEXT)
    assert int(mask[50].sum()) == 6 + 2 * covered


@pytest.mark.parametrize(("distance", "taken"), [(3, True), (5, True), (9, False), (12, False)])
def test_what_changed_near_the_letters_belongs_to_them(distance: int, taken: bool) -> None:
    changed = bars(206 + distance, width=3)
    assert bool((stroke_mask(bars(200), 0, TEXT, changed) & bars(206 + distance + 1, width=1)).any()) == taken


@pytest.mark.parametrize(("variation", "found"), [(0, True), (30, True), (38, False), (80, False)])
def test_strokes_are_steady(variation: float, found: bool) -> None:
    crop = look_with(np.zeros_like(LETTERS))
    spread = np.full((HEIGHT, WIDTH), variation, np.float32)
    assert find_strokes(crop, spread, TEXT, LINE).found == found


@pytest.mark.parametrize(("contrast", "found"), [(6, False), (9, False), (16, True), (40, True)])
def test_strokes_stand_out(contrast: int, found: bool) -> None:
    crop = look_with(np.zeros_like(LETTERS))
    crop[LETTERS] = 60 + contrast
    assert find_strokes(crop, STILL, TEXT, LINE).found == found


@pytest.mark.parametrize(("color", "bleed"), [((0.0, 100.0, 100.0), 0), ((0.0, 230.0, 230.0), 3)])
def test_vivid_letters_bleed(color: tuple[float, float, float], bleed: int) -> None:
    assert Strokes(fill=LETTERS, color=color, certainty=1.0).bleed == bleed


@pytest.mark.parametrize(("noise", "found"), [(0, True), (15, True), (21, False), (40, False)])
def test_a_box_is_of_one_colour(noise: int, found: bool) -> None:
    crop = np.random.default_rng(2).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    crop[15:85, 30:330] = 60
    crop[15:85, 30:330:3] = 60 + noise
    crop[LETTERS] = 240
    assert (backing_box.find_solid(crop, STILL, LETTERS) is not None) == found


@pytest.mark.parametrize(("variation", "found"), [(0, True), (11, True), (13, False), (24, False)])
def test_a_box_is_steady(variation: float, found: bool) -> None:
    crop = np.random.default_rng(2).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    crop[15:85, 30:330] = 60
    crop[LETTERS] = 240
    spread = np.full((HEIGHT, WIDTH), variation, np.float32)
    assert (backing_box.find_solid(crop, spread, LETTERS) is not None) == found


@pytest.mark.parametrize(("count", "rows"), [(2, 51), (3, 40), (8, 40)])
def test_sparse_rows_are_no_digits(count: int, rows: int) -> None:
    fill = bars(*range(60, 60 + 20 * count, 20))
    fill[80, 60:62] = True
    assert int(counter.digit_area(fill).any(axis=1).sum()) == rows


def test_a_halo_is_looked_for_within_its_reach() -> None:
    crop = look_with(np.zeros_like(LETTERS))
    wide = cv2.distanceTransform((~LETTERS).astype(np.uint8), cv2.DIST_L2, 5)
    crop[(wide <= 9) & ~LETTERS] = 20
    assert fit_halo(crop, LETTERS, TEXT).width == pytest.approx(9, abs=1)
