"""Frames of a service that begins late, or without the source's first frames."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import cv2
import numpy as np
import pytest

from preflight.restore.composite.matching import Matcher, Timed

FRAME = Fraction(1, 25)


def _frames(contents: Sequence[int]) -> Iterator[Timed[int]]:
    """Yield frames of a moving scene; a frame's content is its number in the source."""
    scene = cv2.GaussianBlur(np.random.default_rng(5).uniform(0, 255, (72, 600)).astype(np.float32), (0, 0), 12)
    scene = 128 + 12 * (scene - scene.mean())
    for number, content in enumerate(contents):
        yield Timed(number, number * FRAME, content, scene[:, 2 * content : 2 * content + 128])


@pytest.mark.parametrize("late", [9, 25])
def test_a_file_that_holds_its_first_frame_at_the_start_is_matched_by_content(late: int) -> None:
    matches = list(Matcher(_frames(range(60)), _frames([0] * late + list(range(60))), frame=FRAME).matches())
    assert [match.cleaned.frame for match in matches] == list(range(60))
    assert all(match.own for match in matches)


def test_a_file_without_the_first_frames_is_matched_by_content() -> None:
    matches = list(Matcher(_frames(range(60)), _frames(range(10, 60)), frame=FRAME).matches())
    assert [match.cleaned.frame for match in matches] == [10] * 10 + list(range(10, 60))
    assert [match.own for match in matches] == [False] * 10 + [True] * 50
