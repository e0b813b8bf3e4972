"""Letters over a busy scene are found by what they spell, and known to be gone although the scene stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR
from preflight.engine.segment.strokes import Strokes
from preflight.engine.tracking import appearance
from preflight.engine.tracking.spelling import spelled_strokes

YELLOW = (60, 240, 240)
INNER = np.zeros((72, 280), bool)
INNER[12:60, 8:272] = True
PLACE = np.s_[8:64, 4:276]
STEADY = np.zeros(INNER.shape, np.float32)


def busy_scene() -> BGR:
    """Draw bars and bottles as high and as wide as letters."""
    dice = np.random.default_rng(4)
    scene = np.full((72, 280, 3), (90, 95, 105), np.uint8)
    for x in range(2, 280, 14):
        level = int(dice.integers(20, 235))
        cv2.rectangle(scene, (x, int(dice.integers(4, 30))), (x + 6, 68), (level, level, level), -1)
    return np.asarray(scene, np.uint8)


def lettered(text: str, opacity: float = 1.0) -> BGR:
    """Return the scene with thin yellow letters."""
    drawn = busy_scene()
    cv2.putText(drawn, text, (14, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.4, YELLOW, 3, cv2.LINE_AA)
    return np.asarray(cv2.addWeighted(drawn, opacity, busy_scene(), 1 - opacity, 0), np.uint8)


def yellow_share(strokes: Strokes) -> float:
    """Return the share of the strokes that is of letters."""
    changed = cv2.absdiff(lettered("Cranston"), busy_scene()).max(axis=2) > 40
    return float(changed[strokes.fill].mean())


def test_strokes_of_the_scene_are_replaced_by_those_that_spell_the_text() -> None:
    crop = lettered("Cranston")
    usual = Strokes(fill=(busy_scene().max(axis=2) > 180) & INNER, color=(200.0, 200.0, 200.0), certainty=0.2)
    found = spelled_strokes(usual, crop, STEADY, 40, INNER, PLACE)
    assert yellow_share(usual) < 0.5
    assert yellow_share(found) > 0.9


def test_strokes_that_spell_the_text_are_kept() -> None:
    crop = lettered("Cranston")
    fill = (cv2.absdiff(crop, busy_scene()).max(axis=2) > 40) & INNER
    usual = Strokes(fill=fill, color=YELLOW, certainty=0.2)
    assert spelled_strokes(usual, crop, STEADY, 40, INNER, PLACE) is usual


@pytest.mark.parametrize(
    ("text", "opacity", "there"),
    [("Cranston", 1.0, True), ("Cranston", 0.5, True), ("the best", 1.0, False), ("", 1.0, False)],
)
def test_still_scene_beside_thin_letters_is_not_the_text(text: str, opacity: float, there: bool) -> None:
    crop = lettered("Cranston")
    fill = (cv2.absdiff(crop, busy_scene()).max(axis=2) > 60) & INNER
    known = appearance.learn_template(crop, Strokes(fill=fill, color=YELLOW, certainty=1.0), [crop])
    assert appearance.is_there(known, lettered(text, opacity)) == there
