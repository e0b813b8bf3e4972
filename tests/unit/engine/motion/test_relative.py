"""How a text moves beside its surroundings, on pictures drawn here."""

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import Gray
from preflight.engine.core.box import Box
from preflight.engine.motion.relative import RELATIVE, UNKNOWN, RelativeMotion, compare_features, measure

BOX = Box(120, 100, 240, 132)
BOARD = Box(84, 64, 276, 168)


def textured(seed: int) -> Gray:
    noise = np.random.default_rng(seed).integers(40, 215, (60, 90), np.uint8)
    return np.asarray(cv2.resize(noise, (360, 240), interpolation=cv2.INTER_CUBIC), np.uint8)


def drawn(ground: Gray, dx: int, *, board: bool) -> Gray:
    """Return `ground` with letters, and a board behind them, moved by `dx`."""
    picture = ground.copy()
    if board:
        picture[BOARD.moved(dx, 0).slices] = 60
        frame = BOX.x0 - 9 + dx, BOX.y0 - 9, BOX.width + 18, BOX.height + 18
        cv2.rectangle(picture, frame, 200, 2)
    for x in range(BOX.x0 + 4 + dx, BOX.x1 + dx - 8, 14):
        cv2.rectangle(picture, (x, BOX.y0 + 4), (x + 7, BOX.y1 - 5), 240, cv2.FILLED)
    return picture


def moved(text: int, scene: int, *, board: bool = False, at_home: bool = False) -> RelativeMotion:
    ground = textured(3)
    before, after = drawn(ground, 0, board=board), drawn(np.roll(ground, scene, axis=1), text, board=board)
    letters = drawn(np.zeros_like(ground), 0, board=False)[BOX.slices] > 0
    return measure(before, after, letters, BOX, [], at_home=at_home)


def test_a_sign_goes_with_its_board_whatever_is_behind() -> None:
    assert moved(6, 0, board=True).with_background > 2
    assert moved(6, -4, board=True).with_background > 2
    assert moved(6, 6).with_background > 2


def test_text_that_crosses_a_scene_goes_against_it() -> None:
    assert moved(6, 0).against_background > 2
    assert moved(0, 6).against_background > 2
    assert moved(0, 0) == UNKNOWN


def test_one_measurement_counts_for_a_share_of_the_width() -> None:
    assert moved(6, 0).against_background == pytest.approx(360 / 160)


def test_text_seen_at_its_place_is_not_dragged_along() -> None:
    assert moved(8, 8, at_home=False).with_background > 2
    assert moved(8, 8, at_home=True).with_background == 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0.0), (0.7, 3.0)])
def test_the_scene_moves_when_most_of_each_quarter_does(share: float, expected: float) -> None:
    quarter = np.array([[3.0, 0.0]] * round(10 * share) + [[0.0, 0.0]] * round(10 * (1 - share)))
    assert compare_features(np.zeros(2), [quarter] * 4).against_background == expected


def test_a_step_between_standing_and_moving_says_nothing() -> None:
    scene = [np.full((6, 2), 3.0)] * 4
    assert compare_features(np.array([RELATIVE.stands * 0.9, 0.0]), scene) != UNKNOWN
    assert compare_features(np.array([RELATIVE.stands * 1.1, 0.0]), scene) == UNKNOWN
    slow = [np.full((6, 2), 0.7)] * 4
    assert compare_features(np.zeros(2), slow) == UNKNOWN


def test_what_passes_a_sign_on_one_side_says_nothing_of_it() -> None:
    passing, still, nothing = np.full((8, 2), 9.0), np.zeros((3, 2)), np.zeros((0, 2))
    assert compare_features(np.zeros(2), [nothing, nothing, passing, passing]) == UNKNOWN
    assert compare_features(np.zeros(2), [nothing, still, passing, passing]) == UNKNOWN
    assert compare_features(np.zeros(2), [nothing, passing, passing, nothing]).against_background > 9
