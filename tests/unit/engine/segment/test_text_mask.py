"""The mask covers all of a line: letters of other colours, wide strokes, sharp corners, and nothing of the scene."""

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.segment.halo import fit_halo
from preflight.engine.segment.strokes import find_strokes
from preflight.engine.segment.text_mask import TextCrop, TextMask, fit_text_mask

HEIGHT, WIDTH = 80, 420


def test_translucent_letters_over_two_grounds_are_all_covered() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    crop[:, :210] = 30
    letters = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(letters, "www.films.com", (20, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 3)
    crop[letters > 0] = (0.6 * crop[letters > 0] + 0.4 * 235).astype(np.uint8)
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[14:64, 14:406] = True
    spread = np.zeros((HEIGHT, WIDTH), np.float32)
    place = TextCrop(crop=crop, spread=spread, inner=inner, height=46, changing=False)
    mask = fit_text_mask(place, find_strokes(crop, spread, 46, inner), []).mask
    assert mask[letters > 0].mean() > 0.9
    assert mask.mean() < 0.6


def fitted(crop: BGR, inner: BoolMask, height: int) -> TextMask:
    """The mask of a line on one still crop."""
    spread = np.zeros(crop.shape[:2], np.float32)
    place = TextCrop(crop=crop, spread=spread, inner=inner, height=height, changing=False)
    return fit_text_mask(place, find_strokes(crop, spread, height, inner), [])


def test_a_letter_of_another_colour_is_covered_with_its_line() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), (200, 185, 60), np.uint8)
    cv2.putText(crop, "broad", (100, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (255, 255, 255), 7)
    other = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(other, "a", (50, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 7)
    crop[other > 0] = (70, 140, 240)
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[14:56, 46:300] = True
    assert fitted(crop, inner, 42).mask[other > 0].mean() > 0.9


def test_wide_strokes_leave_no_hole_in_the_mask() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    letters = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(letters, "HIT HIT", (30, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.8, 255, 14)
    crop[cv2.dilate(letters, np.ones((9, 9), np.uint8)) > 0] = 0
    crop[letters > 0] = (0, 220, 250)
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[12:68, 20:330] = True
    assert fitted(crop, inner, 54).mask[letters > 0].all()


def test_edges_of_a_still_scene_are_no_strokes() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    crop[:, 200:203] = 150
    crop[:, 330:333] = 150
    letters = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(letters, "quiet words", (20, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 255, 3)
    crop[letters > 0] = 240
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[18:64, 14:300] = True
    beyond = ~inner
    beyond[:, :190] = False
    assert not fitted(crop, inner, 40).mask[beyond].any()


def test_nothing_has_a_halo_around_no_letters() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    halo = fit_halo(crop, np.zeros((HEIGHT, WIDTH), bool), 20)
    assert (halo.scene == crop).all()
    assert not fitted(crop, np.ones((HEIGHT, WIDTH), bool), 20).mask.any()


def test_the_rim_shows_the_scene_and_is_part_of_the_mask() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    letters = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(letters, "words", (60, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 255, 4)
    crop[letters > 0] = 240
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[18:64, 50:260] = True
    found = fitted(crop, inner, 40)
    assert found.rim is None or not (found.rim & ~found.mask).any()
    assert found.rim is None or not found.rim[letters > 0].any()


def test_a_box_is_found_beside_a_scene_in_the_colour_of_its_letters() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    noise = np.random.default_rng(2).integers(40, 200, (HEIGHT // 2, WIDTH, 3), np.uint8)
    crop[HEIGHT // 2 :] = cv2.GaussianBlur(noise, (0, 0), 3)
    crop[10:70, 60:330] = 0
    letters = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(letters, "cold day", (74, 54), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 4)
    crop[letters > 0] = 255
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[16:66, 44:346] = True
    found = fitted(crop, inner, 46)
    assert found.ground is not None
    assert found.ground[letters > 0].all()
    assert not (found.mask & ~found.ground).any()
