"""A plate is told from a flat wall and from outlines, and its letters from it."""

import cv2
import numpy as np
import pytest

from preflight.engine.segment import backing_box, strokes

HEIGHT, WIDTH = 60, 240


def scene(seed: int = 3) -> strokes.BGR:
    """Return a textured ground."""
    noise = np.random.default_rng(seed).integers(0, 255, (HEIGHT // 6, WIDTH // 6, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def write(crop: strokes.BGR, color: tuple[int, int, int] = (255, 255, 255), thickness: int = 1) -> strokes.BoolMask:
    """Write a line on the look and return its letters' body."""
    body = np.zeros(crop.shape[:2], np.uint8)
    for picture, foreground in ((crop, color), (body, 255)):
        cv2.putText(picture, "Plate 24h", (40, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, foreground, thickness)
    return np.asarray(body > 127, bool)


STILL = np.zeros((HEIGHT, WIDTH), np.float32)


def test_plate_is_found_to_its_borders() -> None:
    crop = scene()
    crop[10:50, 30:210] = (60, 20, 10)
    found = backing_box.find_solid(crop, STILL, write(crop))
    assert found is not None
    assert found.area[10:50, 30:210].all()
    assert not found.area[:6].any()
    assert not found.area[:, :26].any()


@pytest.mark.parametrize("rows", [slice(10, 60), slice(0, 50)], ids=["goes on below", "goes on above"])
def test_plate_of_several_lines_is_found_as_far_as_it_is_seen(rows: slice) -> None:
    crop = scene()
    crop[rows, 30:210] = (60, 20, 10)
    found = backing_box.find_solid(crop, STILL, write(crop))
    assert found is not None
    assert found.area[rows, 30:210].all()


def test_a_dark_band_of_the_scene_without_a_margin_below_the_letters_is_no_plate() -> None:
    crop = scene()
    crop[10:41, 30:210] = (60, 20, 10)
    assert backing_box.find_solid(crop, STILL, write(crop)) is None


def test_flat_wall_is_no_plate() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 180, np.uint8)
    assert backing_box.find_solid(crop, STILL, write(crop)) is None


def test_textured_ground_is_no_plate() -> None:
    crop = scene()
    assert backing_box.find_solid(crop, STILL, write(crop)) is None


def test_outlines_that_flow_together_are_no_plate() -> None:
    crop = scene()
    write(crop, (10, 10, 10), thickness=14)
    assert backing_box.find_solid(crop, STILL, write(crop)) is None


def test_outlines_beside_a_scene_of_their_colour_are_no_plate() -> None:
    """A sleeve of the outline's colour is thick, but lies beside the letters."""
    crop, fill = scene(), np.zeros((HEIGHT, WIDTH), bool)
    crop[14:46, 40:208] = crop[6:54, :40] = 235
    for left in range(44, 200, 13):
        fill[18:42, left : left + 8] = True
    crop[fill] = 10
    assert backing_box.find_solid(crop, STILL, fill) is None
    assert backing_box.find_partial(crop, STILL, fill, 24) is None


def test_letters_on_a_plate_are_what_has_not_its_colour() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 220, np.uint8)
    crop[10:50, 30:210] = (60, 20, 10)
    body = write(crop)
    half = body.copy()
    half[:, 120:] = False
    found = backing_box.find_solid(crop, STILL, half)
    assert found is not None
    assert found.letters[body].all()
    assert not found.letters[:10].any()
    assert not found.letters[50:].any()


def stepped(crop: strokes.BGR, corner: int = 0) -> strokes.BoolMask:
    """Put two lines' plates one above the other, of unlike width, on a look and return what they cover."""
    covered = np.zeros(crop.shape[:2], np.uint8)
    for x0, y0, x1, y1 in ((60, 70, 250, 100), (30, 100, 280, 130)):
        cv2.rectangle(covered, (x0 + corner, y0), (x1 - corner - 1, y1 - 1), 1, cv2.FILLED)
        cv2.rectangle(covered, (x0, y0 + corner), (x1 - 1, y1 - corner - 1), 1, cv2.FILLED)
        for x, y in (
            (x0, y0),
            (x1 - 1 - 2 * corner, y0),
            (x0, y1 - 1 - 2 * corner),
            (x1 - 1 - 2 * corner, y1 - 1 - 2 * corner),
        ):
            cv2.circle(covered, (x + corner, y + corner), corner, 1, cv2.FILLED)
    crop[covered > 0] = 245
    return covered > 0


def two_lines(crop: strokes.BGR) -> tuple[strokes.BoolMask, strokes.BoolMask]:
    """Write two lines on a look and return their letters' bodies."""
    bodies = []
    for text, place in (("First line", (75, 94)), ("and a second one", (45, 124))):
        body = np.zeros(crop.shape[:2], np.uint8)
        for picture, foreground in ((crop, (10, 10, 10)), (body, 255)):
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, foreground, 2)
        bodies.append(np.asarray(body > 127, bool))
    return bodies[0], bodies[1]


@pytest.mark.parametrize("corner", [0, 8], ids=["square", "round"])
def test_block_has_steps_and_corners(corner: int) -> None:
    crop = np.asarray(cv2.resize(scene(), (320, 200), interpolation=cv2.INTER_CUBIC), np.uint8)
    truth = stepped(crop, corner)
    above, below = two_lines(crop)
    still = np.zeros(crop.shape[:2], np.float32)
    for line in (above, below):
        found = backing_box.find_whole(crop, still, line, above | below, 24)
        assert found is not None
        assert (found != truth).sum() < 0.01 * truth.sum()


def test_letters_of_a_lower_line_stand_on_its_plate() -> None:
    crop = np.asarray(cv2.resize(scene(), (320, 200), interpolation=cv2.INTER_CUBIC), np.uint8)
    truth = stepped(crop)
    _, below = two_lines(crop)
    # As a line is looked at: with little around it, in which the line above is cut through.
    part = slice(92, 140), slice(30, 290)
    found = backing_box.find_solid(crop[part], np.zeros((48, 260), np.float32), below[part])
    assert found is not None
    assert not (found.area & ~truth[part]).any()
    assert found.letters[below[part]].all()


@pytest.mark.parametrize("rows", [slice(0, 200), slice(0, 120), slice(88, 200)], ids=["all over", "sky", "road"])
def test_ground_without_ends_is_no_block(rows: slice) -> None:
    crop = np.asarray(cv2.resize(scene(), (320, 200), interpolation=cv2.INTER_CUBIC), np.uint8)
    crop[rows] = 210
    above, below = two_lines(crop)
    assert backing_box.find_whole(crop, np.zeros(crop.shape[:2], np.float32), above, above | below, 24) is None


def film(*, straight: bool) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the letters of a word, and what changes when it comes: it on a plate, or it with its outline."""
    fill = (
        cv2.putText(np.zeros((90, 420), np.uint8), "Hi, it is I", (40, 58), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 255, 3) > 0
    )
    changed = cv2.dilate(fill.astype(np.uint8), np.ones((7, 7), np.uint8))
    if straight:
        cv2.rectangle(changed, (30, 14), (350, 76), 1, cv2.FILLED)
    # Not where the scene has the plate's brightness.
    changed[20:24, 60:90] = 0
    return fill, [changed > 0]


def test_a_translucent_plate_is_known_by_coming_with_its_letters() -> None:
    fill, changes = film(straight=True)
    found = backing_box.find_translucent(fill, [np.zeros(fill.shape, bool), *changes])
    assert found is not None
    assert found.area[16:74, 32:348].all()
    assert found.area.sum() < 1.1 * 62 * 320
    assert (found.letters & fill).sum() == fill.sum()


def test_an_outline_that_comes_with_its_letters_is_no_plate() -> None:
    assert backing_box.find_translucent(*film(straight=False)) is None


def test_a_scene_that_changes_all_over_shows_no_plate() -> None:
    fill, _ = film(straight=True)
    assert backing_box.find_translucent(fill, [np.ones(fill.shape, bool)]) is None


def small_letters() -> tuple[np.ndarray, list[np.ndarray]]:
    """Return letters without ground between them, and what changes at both ends: their plate, and half of the scene."""
    fill = cv2.putText(np.zeros((50, 180), np.uint8), "letters go", (29, 32), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2) > 0
    dice, changes = np.random.default_rng(2), []
    for _ in range(2):
        noise = cv2.resize(dice.normal(size=(17, 60)).astype(np.float32), (180, 50), interpolation=cv2.INTER_CUBIC)
        changes.append(np.asarray(noise > 0.3, bool))
        changes[-1][9:44, 22:156] = True
    return fill, changes


def test_the_translucent_plate_of_small_letters_is_what_changes_at_both_ends_over_a_scene_that_moves() -> None:
    fill, changes = small_letters()
    found = backing_box.find_translucent(fill, changes)
    assert found is not None
    assert found.area[9:44, 22:156].all()
    assert found.area.sum() < 1.1 * 35 * 134
    assert backing_box.find_translucent(fill, changes, outlined=True) is None
