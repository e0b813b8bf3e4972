"""A line that crosses the picture is one track from its entry to its exit."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from preflight.engine.core.box import Box
from preflight.engine.model.course import fit_course
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.tracking.crossing_lines import extend_crossing_lines

SIZE = (480, 270)
WORDS = "Breaking news scroll by"
LINE = Box(200, 10, 360, 30)
"""The line as it is seen on frame 0."""


def track(
    first: int, last: int, line: Box = LINE, text: str = WORDS, path: tuple[tuple[int, int], ...] | None = None
) -> Track:
    mask = np.ones((line.height, line.width), np.bool_)
    return Track(
        box=line, line=line, first=first, last=last, masks=MaskModel(usual=mask), text=text, score=0.99, path=path
    )


def crossing(first: int, last: int, speed: float = -4) -> Track:
    """Return the line followed from `first` to `last`, at home on frame 0."""
    return track(first, last, path=tuple((round(speed * index), 0) for index in range(first, last + 1)))


def test_line_is_followed_on_and_off_the_picture() -> None:
    # Its left border is at x = 200 on frame 0: it enters at x = 480 and has left when its right border is at 0.
    (whole,) = extend_crossing_lines([crossing(-45, 80)], SIZE, 200)
    assert whole.path is not None
    assert (whole.first, whole.last) == (-69, 89)
    assert len(whole.path) == 159
    assert whole.box_on(-69).x0 == 476
    assert whole.box_on(89).x1 == 4


def test_parts_on_its_course_become_of_it() -> None:
    seen = crossing(0, 30)
    entering = track(-50, -50, Box(400, 9, 480, 31), "Breaking n")
    leaving = track(70, 70, Box(0, 9, 82, 31), "ews scroll by")
    (whole,) = extend_crossing_lines([entering, seen, leaving], SIZE, 200)
    assert (whole.first, whole.last) == (-69, 89)


def test_other_text_stays_its_own() -> None:
    seen = crossing(0, 30)
    elsewhere = track(10, 10, Box(160, 200, 320, 220))
    other_words = track(10, 10, Box(160, 10, 320, 30), "@preflight")
    standing = track(0, 60)
    assert len(extend_crossing_lines([seen, elsewhere, other_words, standing], SIZE, 200)) == 4


def test_line_that_stops_inside_the_picture_ends_there() -> None:
    (whole,) = extend_crossing_lines([crossing(0, 20)], SIZE, 200)
    assert (whole.first, whole.last) == (0, 20)


def test_line_does_not_outlast_the_video() -> None:
    (whole,) = extend_crossing_lines([crossing(0, 45)], SIZE, 47)
    assert whole.last <= 47
    (whole,) = extend_crossing_lines([crossing(40, 80)], SIZE, 85)
    assert whole.last == 85


@pytest.mark.parametrize(
    "path",
    [
        tuple((0, 0) for _ in range(30)),
        tuple((round(40 * np.sin(index / 4)), 0) for index in range(30)),
        ((0, 0), (-40, 0)),
    ],
    ids=["still", "swinging", "two frames"],
)
def test_what_does_not_cross_has_no_course(path: tuple[tuple[int, int], ...]) -> None:
    assert fit_course(track(0, len(path) - 1, path=path)) is None


@given(st.floats(0.8, 30), st.booleans(), st.integers(10, 80))
def test_course_is_found_again(speed: float, up: bool, frames: int) -> None:
    path = tuple((0, round(speed * index)) if up else (round(-speed * index), 0) for index in range(frames))
    assume(speed * (frames - 1) >= 22)
    known = fit_course(track(0, frames - 1, path=path))
    assert known is not None
    for index, (x, y) in enumerate(path):
        assert abs(known.at(index)[0] - x) <= 2
        assert abs(known.at(index)[1] - y) <= 2
