"""Which other frames show what text hides on this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.local.engine.glyphs import Mask, Picture
from preflight.local.engine.motion import Matrix, Motion

OFFSETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
"""Frames away that are always considered; beside them the first clear ones before and after the text."""
_SHRINK = 4
_FADING = 30.0
_LOYALTY = 1.3
"""A donor that served the frame before is preferred by this factor: changing donors flickers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What each candidate shows of the hole, at quarter size, and the motion to it."""

    needed: Mask
    shown: dict[int, Mask]
    steps: dict[int, Matrix]


def candidates(index: int, known: range, states: Callable[[int], int]) -> set[int]:
    """Return frames of `known` worth looking at; `states` numbers each frame's text, 0 for none."""
    found = {index + sign * offset for offset in OFFSETS for sign in (-1, 1)}
    for sign in (-1, 1):
        place, state = index + sign, states(index)
        while place in known and states(place) == state:
            place += sign
        found |= {place, place + sign, place + 3 * sign}
        while place in known and states(place) != 0:
            place += sign
        found |= {place, place + 2 * sign}
    return {place for place in found if place in known and place != index}


def coverage(
    wide: Mask,
    index: int,
    others: Iterable[int],
    hole: Callable[[int], Picture | None],
    motion: Motion,
    corner: tuple[int, int],
) -> Coverage:
    """Return what each of `others` shows of the samples marked by `wide`; `hole` gives a frame's shrunken hole."""
    needed = shrink(wide) > 0
    rows, columns = np.mgrid[0 : needed.shape[0], 0 : needed.shape[1]].astype(np.float32)
    x, y = columns * _SHRINK + _SHRINK / 2 + corner[0], rows * _SHRINK + _SHRINK / 2 + corner[1]
    shown: dict[int, Mask] = {}
    steps: dict[int, Matrix] = {}
    for other in others:
        step = motion.between(index, other)
        if step is None:
            continue
        u = ((step[0, 0] * x + step[0, 1] * y + step[0, 2] - corner[0]) / _SHRINK - 0.5).astype(np.float32)
        v = ((step[1, 0] * x + step[1, 1] * y + step[1, 2] - corner[1]) / _SHRINK - 0.5).astype(np.float32)
        hidden = hole(other)
        ground = np.zeros(needed.shape, np.uint8) if hidden is None else hidden
        seen = cv2.remap(ground, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=1) == 0
        if (seen & needed).any():
            shown[other], steps[other] = seen & needed, step
    return Coverage(needed=needed, shown=shown, steps=steps)


def shrink(mask: Mask) -> Picture:
    """Return a mask at quarter size, marked where any of its samples is."""
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    height, width = mask.shape
    small: Picture = cv2.resize(
        grown, (max(1, width // _SHRINK), max(1, height // _SHRINK)), interpolation=cv2.INTER_NEAREST
    )
    return small


def best(index: int, known: Coverage, counted: Picture, tried: set[int], loyal: set[int]) -> int | None:
    """Return the untried candidate showing most of what is not `counted` yet, near ones first; None for no gain."""
    chosen, most = None, 0.01 * float(known.needed.sum())
    for other, seen in known.shown.items():
        if other in tried:
            continue
        gain = float((seen & (counted == 0)).sum()) + 0.3 * float((seen & (counted == 1)).sum())
        gain *= np.exp(-abs(index - other) / _FADING) * (_LOYALTY if other in loyal else 1.0)
        if gain > most:
            chosen, most = other, gain
    return chosen
