"""Boundaries of donor selection and fusion that the fill depends on."""

import numpy as np
import pytest

from preflight.engine.core.yuv import Planes
from preflight.engine.inpaint import donor_selection
from preflight.engine.inpaint.donor_selection import Coverage
from preflight.engine.inpaint.optical_flow import view
from preflight.engine.inpaint.propagation import Candidate, TargetRegion, fuse
from preflight.engine.inpaint.settings import DONORS, FUSION
from preflight.engine.motion.camera import Motion

SIZE = 64


def hole() -> np.ndarray:
    """A square hole."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[24:40, 24:40] = True
    return mask


def planes(value: float) -> Planes[np.uint8]:
    """A flat region."""
    return Planes(np.full((SIZE, SIZE), value, np.uint8), np.full((SIZE // 2, SIZE // 2, 2), 128, np.uint8))


def target() -> TargetRegion:
    """A flat region with a hole."""
    return TargetRegion.of(view(planes(100), hole()), 16)


def candidate(value: float, error: float) -> Candidate:
    """A donor of one colour."""
    own = target()
    luma = np.full(own.hole.shape, value, np.float32)
    chroma = np.full((own.hole.shape[0] // 2, own.hole.shape[1] // 2, 2), 128, np.float32)
    return Candidate(Planes(luma, chroma), np.full(luma.shape, error, np.float32), np.ones(luma.shape, bool))


def fused(first: float, second: float) -> float:
    """Return what a good and a bad donor give together."""
    result = fuse([(candidate(first, 1), 1), (candidate(second, 8), 1)], target())
    return float(result.planes.luma[20, 20])


def test_donors_that_nearly_agree_are_averaged() -> None:
    assert 100 < fused(100, 110) < 103


def test_the_best_of_donors_that_contradict_counts_alone() -> None:
    assert fused(100, 100 + 8 * FUSION.contradiction) == pytest.approx(100, abs=0.01)
    assert 10 < FUSION.contradiction < 25
    assert 4 < FUSION.disagreement < 9


def coverage(away: dict[int, float], shown: dict[int, float]) -> Coverage:
    """Return what some frames show of a hole of ten places."""
    return Coverage(
        rows=np.arange(10),
        columns=np.arange(10),
        shown={frame: np.arange(10) < 10 * share for frame, share in shown.items()},
        away=away,
    )


@pytest.mark.parametrize(("distance", "chosen"), [(15, 9), (30, 2)])
def test_a_near_frame_is_preferred_to_a_far_one_that_shows_more(distance: int, chosen: int) -> None:
    known = coverage({2: 2, 9: distance}, {2: 0.5, 9: 1.0})
    assert donor_selection.best_donor(known, np.zeros(10, np.uint8), set(), set()) == chosen


@pytest.mark.parametrize(("share", "chosen"), [(0.9, 2), (0.6, 9)])
def test_a_donor_of_the_previous_frame_is_preferred(share: float, chosen: int) -> None:
    known = coverage({2: 5, 9: 5}, {2: share, 9: 1.0})
    assert donor_selection.best_donor(known, np.zeros(10, np.uint8), set(), {2}) == chosen


def test_far_frames_count_alike() -> None:
    mask = hole()
    motion = Motion(steps=dict.fromkeys(range(200), np.eye(3)), cuts=set())
    known = donor_selection.coverage(mask, 0, (30, 60, 150), {30: None, 60: None, 150: None}.get, motion, (0, 0))
    assert (known.away[30], known.away[60], known.away[150]) == (30, 40, 40)
    assert DONORS.raster == 4
