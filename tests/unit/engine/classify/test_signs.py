"""Which tracks are of one thing, and which lines stand together."""

from dataclasses import replace

import numpy as np
import pytest

from preflight.engine.classify import signs
from preflight.engine.core.box import Box
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.motion.camera import Motion

LINE = Box(100, 100, 220, 120)


def track(first: int = 0, last: int = 9, line: Box = LINE, text: str = "Main Street") -> Track:
    masks = MaskModel(usual=np.zeros((line.height, line.width), bool))
    return Track(box=line, line=line, first=first, last=last, masks=masks, text=text, score=0.9)


def moving(*offsets: tuple[int, int]) -> Track:
    return replace(track(0, len(offsets) - 1), path=offsets)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (track(20, 29), True),
        (track(57, 60), True),
        (track(58, 60), False),
        (track(20, 29, LINE.moved(29, 0)), True),
        (track(20, 29, LINE.moved(31, 0)), False),
        (track(20, 29, text="Street"), True),
        (track(20, 29, text="St"), False),
        (track(20, 29, text="Exit only"), False),
        (track(20, 29, Box(100, 100, 280, 131)), True),
        (track(20, 29, Box(100, 100, 290, 133)), False),
        (track(5, 29, LINE.moved(59, 0)), True),
        (track(5, 29, LINE.moved(61, 0)), False),
    ],
)
def test_one_thing_has_the_same_words_near_in_time_and_place(other: Track, expected: bool) -> None:
    assert (len(signs.same_thing([track(), other])) == 1) is expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (track(line=Box(100, 143, 220, 163)), True),
        (track(line=Box(100, 145, 220, 165)), False),
        (track(line=Box(106, 124, 200, 144)), True),
        (track(line=Box(108, 124, 196, 144)), False),
        (track(line=Box(180, 124, 218, 144)), True),
        (track(line=Box(100, 124, 220, 166)), True),
        (track(line=Box(100, 124, 220, 170)), False),
        (track(line=Box(243, 100, 300, 120)), True),
        (track(line=Box(245, 100, 300, 120)), False),
        (track(5, 14, line=Box(100, 124, 220, 144)), True),
        (track(6, 15, line=Box(100, 124, 220, 144)), False),
        (replace(track(line=Box(100, 124, 220, 144)), score=0.5), False),
    ],
)
def test_lines_of_a_block_are_near_aligned_and_as_high(other: Track, expected: bool) -> None:
    assert signs.is_same_block(track(), other) is expected


def test_a_path_that_ends_at_one_place_stands() -> None:
    assert signs.settled_offset(moving(*[(9, 0)] * 2, *[(0, 0)] * 8)) == (0, 0)
    assert signs.settled_offset(moving(*[(9, 0)] * 3, *[(0, 0)] * 7)) is None
    assert signs.settled_offset(moving(*[(0, 0), (1, 1)] * 5)) is not None
    assert not signs.is_moving(track())


def test_a_thing_moves_when_its_tracks_stand_elsewhere() -> None:
    def way(dx: int, dy: int = 0, frames: int = 10) -> float:
        return signs.displacement_of([track(), track(10, 9 + frames, LINE.moved(dx, dy))], 640)

    assert way(5) == 0
    assert way(7) == 7
    assert way(7, frames=40) == 0
    assert way(7, frames=38) == 7
    assert signs.displacement_of([track(), track(10, 19, Box(100, 100, 300, 120))], 640) == 0
    assert signs.displacement_of([moving(*((2 * n, 0) for n in range(3)))], 640) == 4
    assert signs.displacement_of([moving(*((n, 0) for n in range(3)))], 640) == 0


def test_text_that_goes_with_the_scene_stays_near_it() -> None:
    step = np.eye(3)
    step[0, 2] = 2.0
    motion = Motion(steps=dict.fromkeys(range(40), step))
    along = moving(*((2 * n, 0) for n in range(21)))
    assert signs.distance_from_scene(along, motion) == pytest.approx(0)
    assert signs.distance_from_scene(moving(*[(0, 0)] * 21), motion) == pytest.approx(40)


@pytest.mark.parametrize(("line", "expected"), [(Box(1, 10, 50, 30), True), (Box(2, 10, 638, 30), False)])
def test_a_line_at_the_border_is_cut_off(line: Box, expected: bool) -> None:
    assert signs.is_cut_off(line, (640, 360)) is expected
