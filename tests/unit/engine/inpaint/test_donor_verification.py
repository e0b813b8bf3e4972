"""Donors that show other content than the target are noticed without reading anything."""

import numpy as np
import pytest

from preflight.engine.core.arrays import BoolMask, FloatImage
from preflight.engine.inpaint.donor_verification import differing, find_outliers, untrusted
from preflight.engine.inpaint.settings import INPAINT

HEIGHT, WIDTH, WINDOW = 48, 160, 24
TOLERANCE: FloatImage = np.full((HEIGHT // 2, WIDTH // 2), 6, np.float32)
EVERYWHERE: BoolMask = np.ones((HEIGHT, WIDTH), bool)


def marked(share: float) -> BoolMask:
    """Columns that differ, as large a share of all."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[:, : round(share * 10)] = True
    for start in range(10, WIDTH, 10):
        mask[:, start : start + round(share * 10)] = True
    return mask


@pytest.mark.parametrize(("levels", "expected"), [(0.9, False), (1.1, True)])
def test_a_difference_beyond_misalignment_is_other_content(levels: float, expected: bool) -> None:
    difference = np.full((HEIGHT, WIDTH), levels * 6 * INPAINT.content_tolerance, np.float32)
    assert differing(difference, EVERYWHERE, TOLERANCE, INPAINT).all() == expected


@pytest.mark.parametrize(("share", "expected"), [(0.1, False), (0.2, True)])
def test_a_donor_with_many_differing_pixels_is_rejected(share: float, expected: bool) -> None:
    found = untrusted(marked(share), EVERYWHERE, 38)
    assert found[24, 50:110].mean() == expected


def test_few_differing_pixels_of_a_covered_place_reject_nothing() -> None:
    visible = np.zeros((HEIGHT, WIDTH), bool)
    visible[20, 80] = True
    assert not untrusted(visible, visible, WINDOW).any()
    visible[20:23, 80:83] = True
    assert untrusted(visible, visible, WINDOW).any()


@pytest.mark.parametrize(("visible_share", "expected"), [(0.2, True), (0.3, False), (0.6, False)])
def test_an_unexpected_line_is_trusted_when_the_target_shows_it(visible_share: float, expected: bool) -> None:
    lines = np.zeros((HEIGHT, WIDTH), np.uint8)
    lines[12:36, 40:120] = 1
    found = untrusted(np.zeros((HEIGHT, WIDTH), bool), marked(visible_share), WINDOW, lines)
    assert found[24, 80] == expected
    margin = round(INPAINT.unexpected_margin * WINDOW)
    assert found[24, 40 - margin] == expected
    assert not found[24, 40 - margin - 1]
    assert 0.4 * WINDOW < margin < WINDOW


def test_a_line_that_differs_on_its_visible_part_is_rejected() -> None:
    lines = np.zeros((HEIGHT, WIDTH), np.uint8)
    lines[12:36, 40:120] = 1
    assert untrusted(marked(0.1) & (lines > 0), marked(0.5), WINDOW * 4, lines)[24, 80]


def test_the_donor_that_contradicts_the_others_is_dropped() -> None:
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[10:40, 20:140] = True
    images = [np.full((HEIGHT, WIDTH), value, np.float32) for value in (100, 104, 98)]
    images[2][20:30, 60:80] += 29
    first, second, third = find_outliers(images, [EVERYWHERE] * 3, hole)
    assert first is None
    assert second is None
    assert third is not None
    assert third[18, 70]
    assert not third[17, 70]
    images[2][20:30, 60:80] -= 10
    assert find_outliers(images, [EVERYWHERE] * 3, hole) == [None] * 3


def test_two_donors_that_disagree_are_both_kept() -> None:
    images = [np.full((HEIGHT, WIDTH), value, np.float32) for value in (50, 200)]
    assert find_outliers(images, [EVERYWHERE] * 2, EVERYWHERE) == [None] * 2
    third = np.zeros((HEIGHT, WIDTH), bool)
    assert find_outliers([*images, images[0]], [EVERYWHERE, EVERYWHERE, third], EVERYWHERE) == [None] * 3
