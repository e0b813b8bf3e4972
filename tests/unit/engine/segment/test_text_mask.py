"""The mask covers letters that have another colour on every ground."""

import cv2
import numpy as np

from preflight.engine.segment.strokes import find_strokes
from preflight.engine.segment.text_mask import TextCrop, fit_text_mask

HEIGHT, WIDTH = 80, 420


def test_translucent_letters_over_two_grounds_are_all_covered() -> None:
    crop = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    crop[:, :210] = 30
    letters = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(letters, "www.films.com", (20, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 3)
    crop[letters > 0] = (0.6 * crop[letters > 0] + 0.4 * 235).astype(np.uint8)
    inner = np.zeros((HEIGHT, WIDTH), bool)
    inner[14:64, 14:406] = True
    spread = np.zeros((HEIGHT, WIDTH), np.float32)
    place = TextCrop(crop=crop, spread=spread, inner=inner, height=46, changing=False)
    mask = fit_text_mask(place, find_strokes(crop, spread, 46, inner), []).mask
    assert mask[letters > 0].mean() > 0.9
    assert mask.mean() < 0.6
