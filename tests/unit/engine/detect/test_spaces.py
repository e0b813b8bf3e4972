"""Spaces between words that the recogniser nearly read."""

import numpy as np
import pytest

from preflight.engine.detect import ocr


@pytest.mark.parametrize(("probability", "is_space"), [(0.007, False), (0.03, True), (0.4, True)])
def test_space_that_is_not_the_likeliest_counts(probability: float, is_space: bool) -> None:
    letters = ocr._recogniser()[1]
    steps = np.zeros((2, len(letters)), np.float32)
    steps[1, ocr._spaces()[-1]] = probability
    assert ocr._is_near_space(steps) is is_space


def test_only_words_of_latin_letters_are_parted() -> None:
    assert ocr._may_part("y", "w")
    assert ocr._may_part("t", "2")
    assert not ocr._may_part("你", "好")
    assert not ocr._may_part("t", ",")
