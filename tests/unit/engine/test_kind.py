import cv2
import numpy as np

from preflight.engine.classify.classifier import Evidence, decide, is_placed
from preflight.engine.core.box import Box
from preflight.engine.model.kind import Kind
from preflight.engine.motion.camera import Motion, small_step
from preflight.engine.motion.displacement import cumulative_displacement, maximum_displacement
from preflight.engine.motion.relative import RelativeMotion, judged, measure


def evidence(**changes: float | bool | RelativeMotion) -> Evidence:
    """Text that stands still in a still scene all the time, in no particular style."""
    known = {
        "scene": 0.0,
        "text": 0.0,
        "apart": 0.0,
        "appears": False,
        "vanishes": False,
        "gradual": False,
        "ticks": False,
        "crosses_cut": False,
        "certainty": 0.7,
        "outlined": False,
        "placed": False,
        "drift": RelativeMotion(),
        "width": 640,
    }
    return Evidence(**(known | changes))  # type: ignore[arg-type]


def pan(dx: float, frames: int) -> Motion:
    """A scene that moves sideways by `dx` a frame."""
    step = np.eye(3)
    step[0, 2] = dx
    return Motion(steps=dict.fromkeys(range(frames), step))


def test_ambiguous_text_is_kept() -> None:
    assert decide(evidence()) is Kind.NATURAL


def test_digits_that_change_are_artificial_unless_they_go_with_the_scene() -> None:
    assert decide(evidence(ticks=True)) is Kind.ARTIFICIAL
    assert decide(evidence(ticks=True, drift=RelativeMotion(together=80))) is Kind.NATURAL


def test_caption_place_is_the_middle_of_the_lower_third() -> None:
    assert is_placed(Box(220, 320, 420, 345), (640, 360))
    assert not is_placed(Box(300, 320, 500, 345), (640, 360))
    assert not is_placed(Box(220, 100, 420, 125), (640, 360))


def test_unsteady_outlined_text_is_kept() -> None:
    assert decide(evidence(outlined=True, certainty=0.1)) is Kind.NATURAL


def test_flat_outlined_text_is_artificial() -> None:
    assert decide(evidence(outlined=True)) is Kind.ARTIFICIAL


def test_fixed_over_a_moving_scene_is_artificial() -> None:
    assert decide(evidence(scene=40.0, apart=40.0)) is Kind.ARTIFICIAL


def test_moving_with_the_scene_is_natural() -> None:
    assert decide(evidence(scene=40.0, text=39.0, apart=1.0, appears=True)) is Kind.NATURAL


def test_moving_on_its_own_is_artificial() -> None:
    assert decide(evidence(text=200.0, apart=200.0)) is Kind.ARTIFICIAL


def test_coming_at_once_is_artificial() -> None:
    assert decide(evidence(appears=True)) is Kind.ARTIFICIAL


def test_fading_beside_a_picture_that_stays_is_artificial() -> None:
    assert decide(evidence(gradual=True)) is Kind.ARTIFICIAL
    assert decide(evidence(gradual=True, drift=RelativeMotion(together=8))) is Kind.NATURAL


def test_outliving_a_cut_is_artificial() -> None:
    assert decide(evidence(scene=40.0, text=39.0, apart=1.0, crosses_cut=True)) is Kind.ARTIFICIAL


def test_travel_adds_up_steps() -> None:
    assert cumulative_displacement(pan(2.0, 10), Box(0, 0, 10, 10), 0, 10) == (20.0, 0.0)


def test_farthest_sees_a_way_forth_and_back() -> None:
    there, back = pan(3.0, 8).steps, pan(-3.0, 8).steps
    motion = Motion(steps=there | {k + 8: m for k, m in back.items()})
    assert maximum_displacement(motion, Box(0, 0, 10, 10), 0, 16) == 24.0


def test_drift_beside_the_surroundings_comes_first() -> None:
    assert decide(evidence(appears=True, drift=RelativeMotion(together=8))) is Kind.NATURAL
    assert decide(evidence(crosses_cut=True, drift=RelativeMotion(together=8))) is Kind.NATURAL
    assert decide(evidence(scene=9.0, apart=0.5, drift=RelativeMotion(together=2, apart=6))) is Kind.ARTIFICIAL


def test_a_sign_goes_with_its_surroundings_and_a_caption_does_not() -> None:
    scene = [np.array([[3.0, 0.2], [3.1, -0.1], [2.9, 0.0], [3.0, 0.1]])] * 4
    assert judged(np.array([3.0, 0.1]), scene).together > 2.9
    assert judged(np.array([0.05, 0.0]), scene).apart > 2.9
    still = [np.zeros((6, 2))] * 4
    assert judged(np.array([-4.0, 0.0]), still).apart == 4
    assert judged(np.zeros(2), still) == RelativeMotion()
    scattered = np.array([[3.0, 5.0], [-4.0, 1.0], [0.0, -6.0], [5.0, -5.0], [-7.0, -3.0], [2.0, 9.0]])
    assert judged(np.array([-4.0, -9.0]), [scattered] * 4) == RelativeMotion()


def test_what_passes_a_sign_on_one_side_says_nothing_of_it() -> None:
    passing, still, nothing = np.full((8, 2), 9.0), np.zeros((3, 2)), np.zeros((0, 2))
    assert judged(np.zeros(2), [nothing, nothing, passing, passing]) == RelativeMotion()
    assert judged(np.zeros(2), [nothing, still, passing, passing]) == RelativeMotion()
    assert judged(np.zeros(2), [nothing, passing, passing, nothing]).apart > 9


def test_text_seen_at_its_place_is_not_dragged_along() -> None:
    """Everything on the two pictures goes 8 to the right, the letters too as far as features tell."""
    ground = np.random.default_rng(3).integers(0, 255, (40, 60), np.uint8)
    before = np.asarray(cv2.resize(ground, (360, 240), interpolation=cv2.INTER_CUBIC), np.uint8)
    after = np.roll(before, 8, axis=1)
    box = Box(120, 100, 240, 132)
    letters = np.ones((box.height, box.width), bool)
    assert measure(before, after, letters, box, [], at_home=False).together > 2
    assert measure(before, after, letters, box, [], at_home=True).apart > 2


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


def test_going_exactly_with_the_scene_outweighs_what_is_beside_the_text() -> None:
    assert decide(evidence(scene=40.0, text=41.0, apart=1.0, drift=RelativeMotion(apart=9))) is Kind.NATURAL
    assert decide(evidence(scene=40.0, text=30.0, apart=11.0, drift=RelativeMotion(apart=9))) is Kind.ARTIFICIAL


def test_what_is_seen_through_a_mark_does_not_make_it_go_with_the_scene() -> None:
    assert decide(evidence(scene=400.0, text=39.0, apart=400.0, drift=RelativeMotion(together=6))) is Kind.ARTIFICIAL
    assert decide(evidence(scene=9.0, text=30.0, apart=25.0, drift=RelativeMotion(together=6))) is Kind.NATURAL
