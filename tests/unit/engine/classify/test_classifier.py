"""How the evidence of a text is weighed."""

import pytest

from preflight.engine.classify.classifier import Evidence, decide, is_outside, is_placed
from preflight.engine.core.box import Box
from preflight.engine.model.kind import Kind
from preflight.engine.motion.relative import UNKNOWN, RelativeMotion

ARTIFICIAL, NATURAL, UNCERTAIN = Kind.ARTIFICIAL, Kind.NATURAL, Kind.UNCERTAIN
STANDING = {
    "width": 640,
    "frames": 50,
    "scene": 0.0,
    "text": 0.0,
    "apart": 0.0,
    "relative": UNKNOWN,
    "straight": False,
    "appears": False,
    "vanishes": False,
    "gradual": False,
    "crosses_cut": False,
    "ticks": False,
    "certainty": 0.45,
    "outlined": False,
    "outside": False,
    "placed": False,
    "slips": False,
    "flat_ground": 0.0,
}
"""Text that stands still in a still scene all the time, in no particular style."""


def kind(**changes: float | bool | RelativeMotion) -> Kind:
    return decide(Evidence(**(STANDING | changes)))  # type: ignore[arg-type]


def going(with_background: float = 0.0, against_background: float = 0.0) -> RelativeMotion:
    return RelativeMotion(with_background, against_background)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, UNCERTAIN),
        ({"ticks": True}, ARTIFICIAL),
        ({"ticks": True, "relative": going(80)}, NATURAL),
        ({"appears": True}, ARTIFICIAL),
        ({"appears": True, "certainty": 0.21}, ARTIFICIAL),
        ({"appears": True, "certainty": 0.19}, UNCERTAIN),
        ({"vanishes": True}, ARTIFICIAL),
        ({"gradual": True}, ARTIFICIAL),
        ({"gradual": True, "relative": going(8)}, NATURAL),
        ({"crosses_cut": True}, ARTIFICIAL),
        ({"crosses_cut": True, "relative": going(8)}, NATURAL),
        ({"relative": going(2.9)}, UNCERTAIN),
        ({"relative": going(3.1)}, NATURAL),
        ({"relative": going(0, 5.9)}, UNCERTAIN),
        ({"relative": going(0, 6.1)}, ARTIFICIAL),
        ({"scene": 3.9, "apart": 3.9}, UNCERTAIN),
        ({"scene": 4.1, "apart": 4.1}, ARTIFICIAL),
        ({"scene": 4.9, "apart": 4.9, "frames": 100}, UNCERTAIN),
        ({"scene": 10.0, "apart": 3.4}, NATURAL),
        ({"scene": 10.0, "apart": 4.1}, ARTIFICIAL),
        ({"slips": True, "appears": True}, UNCERTAIN),
        ({"slips": True, "crosses_cut": True}, ARTIFICIAL),
        ({"scene": 400.0, "apart": 400.0, "relative": going(39)}, ARTIFICIAL),
        ({"scene": 400.0, "apart": 400.0, "relative": going(41)}, NATURAL),
    ],
)
def test_standing_text_is_judged_by_what_happens(changes: dict[str, object], expected: Kind) -> None:
    assert kind(**changes) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"outlined": True}, ARTIFICIAL),
        ({"placed": True}, ARTIFICIAL),
        ({"outlined": True, "certainty": 0.31}, ARTIFICIAL),
        ({"outlined": True, "certainty": 0.29}, UNCERTAIN),
        ({"flat_ground": 0.86}, ARTIFICIAL),
        ({"flat_ground": 0.84}, UNCERTAIN),
        ({"flat_ground": 0.9, "certainty": 0.41}, ARTIFICIAL),
        ({"flat_ground": 0.9, "certainty": 0.39}, UNCERTAIN),
        ({"certainty": 0.61}, ARTIFICIAL),
        ({"certainty": 0.59}, UNCERTAIN),
    ],
)
def test_text_of_a_still_scene_is_judged_by_its_style(changes: dict[str, object], expected: Kind) -> None:
    assert kind(**changes) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"text": 200.0, "apart": 200.0, "straight": True}, UNCERTAIN),
        ({"text": 200.0, "apart": 200.0, "straight": True, "relative": going(0, 4)}, ARTIFICIAL),
        ({"text": 200.0, "apart": 200.0, "straight": True, "relative": going(4, 0)}, NATURAL),
        ({"text": 200.0, "apart": 200.0, "relative": going(0, 90)}, UNCERTAIN),
        ({"text": 200.0, "apart": 200.0, "crosses_cut": True}, ARTIFICIAL),
        ({"scene": 40.0, "text": 39.0, "apart": 1.0, "appears": True}, NATURAL),
        ({"scene": 40.0, "text": 41.0, "apart": 3.9, "straight": True, "relative": going(0, 9)}, NATURAL),
        ({"scene": 40.0, "text": 30.0, "apart": 14.5, "straight": True, "relative": going(0, 9)}, ARTIFICIAL),
        ({"scene": 9.0, "text": 30.0, "apart": 25.0, "relative": going(6)}, NATURAL),
    ],
)
def test_moving_text_is_overlay_only_when_it_crosses_alone(changes: dict[str, object], expected: Kind) -> None:
    assert kind(**changes) is expected  # type: ignore[arg-type]


def test_distances_scale_with_the_width_of_the_frame() -> None:
    assert kind(scene=7.0, apart=7.0, width=1280) is UNCERTAIN
    assert kind(scene=9.0, apart=9.0, width=1280) is ARTIFICIAL


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(220, 320, 420, 345), True),
        (Box(238, 320, 420, 345), True),
        (Box(242, 320, 420, 345), False),
        (Box(220, 240, 420, 265), True),
        (Box(220, 230, 420, 255), False),
    ],
)
def test_captions_stand_in_the_middle_of_the_lower_third(box: Box, expected: bool) -> None:
    assert is_placed(box, (640, 360)) is expected


@pytest.mark.parametrize(
    ("certainty", "outside", "expected"),
    [(0.51, True, ARTIFICIAL), (0.59, False, UNCERTAIN), (0.61, False, ARTIFICIAL), (0.49, True, UNCERTAIN)],
)
def test_still_text_without_style_needs_a_flatter_fill_away_from_the_border(
    certainty: float, outside: bool, expected: Kind
) -> None:
    """Letters on the wall of a studio are as flat as many marks, but they don't stand where marks and titles do."""
    assert kind(certainty=certainty, outside=outside) is expected


@pytest.mark.parametrize(("top", "expected"), [(40, True), (100, False), (200, False), (260, True)])
def test_marks_and_titles_stand_in_the_upper_and_lower_part(top: int, expected: bool) -> None:
    assert is_outside(Box(100, top, 300, top + 30), (640, 360)) is expected
