"""Consecutive chunks are blended over the frames that both fill."""

import numpy as np
import pytest

from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes
from preflight.engine.inpaint.chunk_plan import CHUNK_FRAMES, OVERLAP_FRAMES, plan
from preflight.engine.inpaint.patches import Patch, cut, paste
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.motion.camera import Motion

BOX = Box(100, 100, 200, 130)


def track(first: int, last: int) -> Track:
    """Text that covers all of its box."""
    return Track(box=BOX, line=BOX, first=first, last=last, masks=MaskModel(usual=np.ones((30, 100), bool)))


def still(frames: int, cuts: set[int] | None = None) -> Motion:
    """A scene without motion."""
    return Motion(steps=dict.fromkeys(range(frames - 1), np.eye(3)), cuts=cuts or set())


def test_a_chunk_overlaps_the_one_that_follows_it() -> None:
    first, second = plan([track(10, 10 + CHUNK_FRAMES + 5)], still(200), 200, 640, 360)
    assert (first.overlap, second.overlap) == (OVERLAP_FRAMES, 0)
    assert (first.continues, second.continues) == (False, True)
    assert first.rendered_last == second.first + OVERLAP_FRAMES - 1


def test_chunks_on_both_sides_of_a_cut_are_not_blended() -> None:
    first, second = plan([track(10, 60)], still(100, {30}), 100, 640, 360)
    assert (first.last, first.overlap, second.continues) == (30, 0, False)


def test_the_overlap_ends_with_the_text() -> None:
    chunks = plan([track(10, 20), track(21, 21 + CHUNK_FRAMES)], still(200), 200, 640, 360)
    assert all(chunk.rendered_last <= 21 + CHUNK_FRAMES for chunk in chunks)


def test_the_later_chunk_gains_weight_frame_by_frame() -> None:
    _, second = plan([track(10, 10 + CHUNK_FRAMES + 5)], still(200), 200, 640, 360)
    weights = [second.opacity(second.first + number) for number in range(OVERLAP_FRAMES + 2)]
    assert weights == pytest.approx([(n + 1) / (OVERLAP_FRAMES + 1) for n in range(OVERLAP_FRAMES)] + [1, 1])
    assert 4 <= OVERLAP_FRAMES <= 8


def patch(value: int, columns: slice, opacity: float) -> Patch:
    """A patch that sets some columns of an 8 x 8 region."""
    hole = np.zeros((8, 8), bool)
    hole[:, columns] = True
    planes = Planes(np.full((8, 8), value, np.uint8), np.full((4, 4, 2), value, np.uint8))
    return cut(0, Box(0, 0, 8, 8), planes, hole, opacity)


def test_patches_are_blended_with_each_other_and_never_with_the_frame() -> None:
    frame = Frame(index=0, y=np.full((8, 8), 9, np.uint8), u=np.full((4, 4), 9, np.uint8), v=np.zeros((4, 4), np.uint8))
    result = paste(frame, [patch(100, slice(0, 4), 1.0), patch(200, slice(2, 6), 0.25)])
    assert result.y[0].tolist() == [100, 100, 125, 125, 200, 200, 9, 9]
    assert result.u[0].tolist() == [100, 125, 200, 9]
    assert paste(frame, []) is frame
