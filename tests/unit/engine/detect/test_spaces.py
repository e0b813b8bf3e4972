"""Spaces between words that the recogniser nearly read."""

import numpy as np
import pytest

from preflight.engine.detect.ocr import is_near_space, may_be_parted


@pytest.mark.parametrize(("probability", "is_space"), [(0.007, False), (0.03, True), (0.4, True)])
def test_space_that_is_not_the_likeliest_counts(probability: float, is_space: bool) -> None:
    steps = np.zeros((2, 9), np.float32)
    steps[1, 7] = probability
    assert is_near_space(steps, [3, 7]) is is_space
    assert not is_near_space(steps, [3])


def test_only_words_of_latin_letters_are_parted() -> None:
    assert may_be_parted("y", "w")
    assert may_be_parted("t", "2")
    assert not may_be_parted("你", "好")
    assert not may_be_parted("t", ",")
