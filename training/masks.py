"""Random hole masks as the engine makes them: strokes, outlined strokes, whole lines, boxes and logos."""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

BoolMask = NDArray[np.bool_]

LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?,.:-"
HAN = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分"
    "对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
)


class Kind(StrEnum):
    """What a hole has the shape of."""

    STROKES = "strokes"
    OUTLINED = "outlined"
    BOX = "box"
    LOGO = "logo"


def hole(rng: random.Random, size: int, kind: Kind, fonts: Sequence[Path]) -> BoolMask:
    """Return a hole of `kind` on a square of `size` samples; it never covers more than two thirds of it."""
    for _ in range(20):
        made = _text(rng, size, kind, fonts) if kind in {Kind.STROKES, Kind.OUTLINED} else _area(rng, size, kind)
        if 40 < made.sum() < 0.66 * made.size:
            return made
    made = np.zeros((size, size), np.bool_)
    made[size // 3 : size // 2, size // 8 : -size // 8] = True
    return made


def _text(rng: random.Random, size: int, kind: Kind, fonts: Sequence[Path]) -> BoolMask:
    height = rng.choice((14, 18, 22, 28, 36, 48, 64))
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    top = rng.randint(-height // 2, size // 2)
    path = rng.choice(list(fonts))
    font = ImageFont.truetype(str(path), height)
    letters = HAN if "Noto" in path.name and rng.random() < 0.5 else LATIN
    for line in range(rng.choice((1, 1, 2, 3))):
        words = "".join(rng.choice(letters + "  ") for _ in range(2 * size // height + 4))
        place = (rng.randint(-height, 4), top + line * int(1.25 * height))
        draw.text(place, words, fill=255, font=font, stroke_width=max(1, height // 18) * (rng.random() < 0.4))
    letters_mask = np.asarray(image) > 96
    # The engine's masks go a sample or two beyond the letters; an outline and its halo add up to a sixth of the height.
    reach = rng.choice((1, 1, 2)) + (rng.randint(1, max(2, height // 7)) if kind is Kind.OUTLINED else 0)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(letters_mask.astype(np.uint8), disk).astype(np.bool_)


def _area(rng: random.Random, size: int, kind: Kind) -> BoolMask:
    made = np.zeros((size, size), np.uint8)
    if kind is Kind.BOX:
        height, left = rng.randint(16, 48), rng.choice((-1, -1, rng.randint(0, size // 2)))
        top, right = rng.randint(4, size - height - 4), rng.choice((size, size, rng.randint(size // 2, size)))
        made[top : top + height, max(0, left) : right] = 1
        return made.astype(np.bool_)
    center = (rng.randint(size // 4, 3 * size // 4), rng.randint(size // 4, 3 * size // 4))
    axes = (rng.randint(8, 30), rng.randint(8, 30))
    cv2.ellipse(made, center, axes, rng.randint(0, 180), 0, 360, 1, -1)
    if rng.random() < 0.5:
        x, y = center
        made[max(0, y - axes[1]) : y + axes[1] // 2, max(0, x - axes[0] // 2) : x + axes[0]] = 1
    return made.astype(np.bool_)
