"""Missing, superfluous and frozen frames, from how much each frame differs from the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MIN_MOTION = 0.2
"""Mean difference of two frames of the source, gray levels, at or above which a still result is seen."""

STILL_SHARE = 0.2
"""Share of the source's difference below which the result stands still: coding leaves some, motion most of it."""

STILL_FLOOR = 0.12
"""Gray levels of difference that coding may make of a frozen picture."""


@dataclass(frozen=True, slots=True)
class FrozenRun:
    """Frames of the source, both included, during which the result stands still and the source moves."""

    first: int
    last: int

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.last - self.first + 1


def find_frozen(source_motion: Sequence[float], cleaned_motion: Sequence[float]) -> list[FrozenRun]:
    """Return the runs of frames on which the result repeats a picture although the source moves.

    Args:
        source_motion: mean difference of each frame of the source from the one before, gray levels; the first is 0.
        cleaned_motion: the same of the frames of the result that belong to them.
    """
    runs: list[FrozenRun] = []
    for index, (source, cleaned) in enumerate(zip(source_motion, cleaned_motion, strict=True)):
        limit = max(STILL_SHARE * source, min(STILL_FLOOR, 0.5 * source))
        if source < MIN_MOTION or cleaned >= limit:
            continue
        if runs and index - runs[-1].last <= 2:
            runs[-1] = FrozenRun(runs[-1].first, index)
        else:
            runs.append(FrozenRun(index, index))
    return runs


def frame_interval(times: Sequence[float]) -> float:
    """Return the usual time between two frames in seconds."""
    gaps = [after - before for before, after in pairwise(times)]
    return float(np.median(gaps)) if gaps else 0.04
