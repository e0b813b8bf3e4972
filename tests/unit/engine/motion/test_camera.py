import cv2
import numpy as np

from preflight.engine.core.box import Box
from preflight.engine.motion.camera import Motion, small_step
from preflight.engine.motion.displacement import cumulative_displacement, maximum_displacement


def pan(dx: float, frames: int) -> Motion:
    """A scene that moves sideways by `dx` a frame."""
    step = np.eye(3)
    step[0, 2] = dx
    return Motion(steps=dict.fromkeys(range(frames), step))


def test_travel_adds_up_steps() -> None:
    assert cumulative_displacement(pan(2.0, 10), Box(0, 0, 10, 10), 0, 10) == (20.0, 0.0)


def test_farthest_sees_a_way_forth_and_back() -> None:
    there, back = pan(3.0, 8).steps, pan(-3.0, 8).steps
    motion = Motion(steps=there | {k + 8: m for k, m in back.items()})
    assert maximum_displacement(motion, Box(0, 0, 10, 10), 0, 16) == 24.0


def test_light_that_changes_is_no_motion_and_no_cut() -> None:
    noise = np.random.default_rng(3).integers(20, 200, (24, 40), np.uint8)
    scene = np.asarray(cv2.resize(noise, (480, 270), interpolation=cv2.INTER_CUBIC), np.uint8)
    everywhere = np.full(scene.shape, 255, np.uint8)
    darker = np.asarray(cv2.convertScaleAbs(scene, alpha=0.8), np.uint8)
    step, cut = small_step(scene, darker, everywhere)
    assert not cut
    assert np.array_equal(step, np.eye(3))
    step, cut = small_step(scene, np.roll(scene, 4, axis=1), everywhere)
    assert not cut
    assert abs(step[0, 2] - 4) < 0.2


def test_what_passes_a_still_camera_is_no_motion_of_the_scene() -> None:
    smooth = np.linspace(60, 180, 480, dtype=np.uint8)
    before, after = (np.tile(smooth, (270, 1)) for _ in range(2))
    thing = np.random.default_rng(5).integers(0, 255, (120, 130), np.uint8)
    before[70:190, 100:230] = after[70:190, 118:248] = cv2.blur(thing, (5, 5))
    step, _ = small_step(before, after, np.full(before.shape, 255, np.uint8))
    assert np.array_equal(step, np.eye(3))


def test_no_camera_turns_a_picture_inside_out() -> None:
    noise = np.random.default_rng(3).integers(20, 200, (24, 40), np.uint8)
    scene = np.asarray(cv2.resize(noise, (480, 270), interpolation=cv2.INTER_CUBIC), np.uint8)
    larger = np.asarray(cv2.warpAffine(scene, np.array([[1.4, 0, -96], [0, 1.4, -54]]), (480, 270)), np.uint8)
    step, _ = small_step(scene, larger, np.full(scene.shape, 255, np.uint8))
    assert np.array_equal(step, np.eye(3))


def test_what_comes_into_a_still_picture_is_no_motion_where_details_beyond_it_stay() -> None:
    dice = np.random.default_rng(6)
    before = np.full((270, 480), 110, np.uint8)
    for x, y in dice.integers(4, 260, (60, 2)):
        before[y : y + 3, x + 200 : x + 203] = 126
    after = before.copy()
    thing = cv2.resize(dice.integers(60, 255, (10, 12), np.uint8), (180, 150), interpolation=cv2.INTER_CUBIC)
    before[150:, 10:190], after[140:, 10:190] = thing[:120], thing[:130]
    step, _ = small_step(before, after, np.full(before.shape, 255, np.uint8))
    assert np.array_equal(step, np.eye(3))
