"""Reading of lines that run along a diagonal, as tiled marks do."""

import cv2
import numpy as np
import pytest

from preflight.engine.detect import ocr
from preflight.engine.model.identity import is_same_text
from preflight.engine.model.track import LEGIBLE


@pytest.mark.parametrize("angle", [45, -45])
def test_line_along_a_diagonal_is_read(angle: int) -> None:
    picture = np.full((160, 160, 3), 200, np.uint8)
    cv2.putText(picture, "SAMPLE", (8, 92), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (40, 40, 40), 3, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((80, 80), angle, 1)
    slanted = np.asarray(cv2.warpAffine(picture, turn, (160, 160), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    part = slanted[28:132, 28:132]
    reading = ocr.read_line(np.ascontiguousarray(part))
    assert is_same_text(reading.text, "SAMPLE")
    assert reading.score > LEGIBLE
