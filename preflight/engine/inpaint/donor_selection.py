"""Donor selection: which other frames show what text hides on this one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, Gray
from preflight.engine.inpaint.settings import DONORS
from preflight.engine.motion.camera import Motion


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What each candidate shows of the hole: at places of the region four samples apart, by `rows` and `columns`.

    `away` is by how many frames each counts to be away.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    shown: dict[int, BoolMask]
    away: dict[int, float]

    @property
    def count(self) -> int:
        """Return how many places the hole has."""
        return len(self.rows)


def candidates(index: int, known: range, states: Callable[[int], int]) -> set[int]:
    """Return frames of `known` worth looking at; `states` numbers each frame's text, 0 for none."""
    found = {index + sign * offset for offset in DONORS.offsets for sign in (-1, 1)}
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
    wide: BoolMask,
    index: int,
    others: Iterable[int],
    hole: Callable[[int], Gray | None],
    motion: Motion,
    corner: tuple[int, int],
    noisy: Collection[int] = (),
) -> Coverage:
    """Return what each of `others` shows of the samples marked by `wide`; `hole` gives a frame's shrunken hole.

    Those that show it through text are `noisy`: they count as far, so that clear ones come first.
    """
    rows, columns = (places * DONORS.raster + DONORS.raster // 2 for places in np.nonzero(shrink(wide)))
    places = np.stack([columns + corner[0], rows + corner[1], np.ones_like(rows)]).astype(np.float64)
    height, width = wide.shape[0] // DONORS.raster, wide.shape[1] // DONORS.raster
    shown: dict[int, BoolMask] = {}
    for other, step in motion.from_frame(index, others).items():
        x, y = step[:2] @ places
        u, v = ((x - corner[0]) // DONORS.raster).astype(np.int64), ((y - corner[1]) // DONORS.raster).astype(np.int64)
        seen = (u >= 0) & (v >= 0) & (u < width) & (v < height)
        hidden = hole(other)
        if hidden is not None:
            seen[seen] = hidden[v[seen], u[seen]] == 0
        if seen.any():
            shown[other] = seen
    # In one order, so that all chunks prefer the same reference frames, and one from each side.
    far = {other: DONORS.largest_distance + rank / 2 for rank, other in enumerate(motion.leaps)}
    far = dict.fromkeys(noisy, DONORS.largest_distance) | far
    away = {other: far.get(other, min(DONORS.largest_distance, abs(index - other))) for other in shown}
    return Coverage(rows=rows, columns=columns, shown=shown, away=away)


def shrink(mask: BoolMask) -> Gray:
    """Return a mask at quarter size, marked where any of its samples is."""
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    height, width = mask.shape
    small: Gray = cv2.resize(
        grown, (max(1, width // DONORS.raster), max(1, height // DONORS.raster)), interpolation=cv2.INTER_NEAREST
    )
    return small


def sampled(mask: BoolMask) -> Gray:
    """Return a mask at quarter size, by the sample in the middle of each square."""
    height, width = max(1, mask.shape[0] // DONORS.raster), max(1, mask.shape[1] // DONORS.raster)
    middle = DONORS.raster // 2
    small = mask[middle :: DONORS.raster, middle :: DONORS.raster][:height, :width].astype(np.uint8)
    return np.pad(small, ((0, height - small.shape[0]), (0, width - small.shape[1])), mode="edge")


def best_donor(known: Coverage, counted: NDArray[np.uint8], tried: set[int], loyal: set[int]) -> int | None:
    """Return the untried candidate showing most of what is not `counted` yet, near ones first; None for no gain."""
    chosen, most = None, 0.01 * known.count
    weight = np.where(counted == 0, 1.0, np.where(counted == 1, 0.3, 0.0))
    for other, seen in known.shown.items():
        if other in tried:
            continue
        gain = (
            float(weight @ seen)
            * np.exp(-known.away[other] / DONORS.decay)
            * (DONORS.loyalty if other in loyal else 1.0)
        )
        if gain > most:
            chosen, most = other, gain
    return chosen
