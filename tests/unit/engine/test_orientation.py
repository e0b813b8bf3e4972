"""Display matrices and the turns that they stand for are each other's inverse, sample by sample."""

import numpy as np
import pytest

from preflight.engine.media.orientation import display_matrix, orientation

STORED = np.arange(6).reshape(2, 3)
CASES = [(turns, mirrored) for turns in range(4) for mirrored in (False, True)]


@pytest.mark.parametrize(("turns", "mirrored"), CASES)
def test_matrix_moves_each_sample_where_turning_and_mirroring_move_it(turns: int, mirrored: bool) -> None:
    a, b, c, d = display_matrix(turns, mirrored=mirrored)
    places = {(x, y): (a * x + c * y, b * x + d * y) for y in range(2) for x in range(3)}
    left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))
    shown = np.rot90(STORED, turns)
    shown = shown[:, ::-1] if mirrored else shown
    for (x, y), (right, down) in places.items():
        assert shown[down - top, right - left] == STORED[y, x]


@pytest.mark.parametrize("case", CASES)
def test_orientation_is_read_from_a_files_numbers(case: tuple[int, bool]) -> None:
    a, b, c, d = (number << 16 for number in display_matrix(case[0], mirrored=case[1]))
    assert orientation((a, b, c, d)) == case


@pytest.mark.parametrize("skewed", [(0, 0, 0, 0), (1 << 16, 1 << 16, 0, 1 << 16), (46341, 46341, -46341, 46341)])
def test_other_matrices_have_no_orientation(skewed: tuple[int, int, int, int]) -> None:
    assert orientation(skewed) is None
