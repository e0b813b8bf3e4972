"""Jobs, donors, followed text and patches, on values alone."""

import io
from fractions import Fraction

import numpy as np
import pytest

from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes
from preflight.engine.encode import matroska
from preflight.engine.inpaint import chunk_plan, donor_selection
from preflight.engine.inpaint.patches import Spool, cut, paste
from preflight.engine.media.decode import Frame
from preflight.engine.model import rasterize
from preflight.engine.model.track import MaskModel, Track, TrackEvidence
from preflight.engine.motion import template_match
from preflight.engine.motion.camera import Motion
from preflight.engine.motion.template_match import interpolate_offset

STILL = np.eye(3)
BOX = Box(100, 300, 300, 330)


def track(first: int, last: int, box: Box = BOX, **more: object) -> Track:
    """A track that paints all of its box."""
    mask = np.ones((box.height, box.width), bool)
    return Track(
        box=box,
        line=box,
        first=first,
        last=last,
        masks=MaskModel(usual=mask),
        evidence=TrackEvidence(certainty=0.5),
        **more,
    )  # type: ignore[arg-type]


def still(frames: int, cuts: set[int] | None = None) -> Motion:
    """A scene without motion."""
    return Motion(steps=dict.fromkeys(range(frames - 1), STILL), cuts=cuts or set())


def frame(index: int = 0) -> Frame:
    """A noisy 640x360 frame."""
    noise = np.random.default_rng(index)
    y = noise.integers(16, 235, (360, 640), np.uint8)
    u, v = noise.integers(16, 240, (2, 180, 320), np.uint8)
    return Frame(index=index, y=y, u=u, v=v)


def test_jobs_cover_every_frame_of_text_once() -> None:
    tracks = [track(5, 130), track(140, 150)]
    planned = chunk_plan.plan(tracks, still(200), 200, 640, 360)
    covered = [index for chunk in planned for index in range(chunk.first, chunk.last + 1)]
    assert sorted(covered) == [*range(5, 131), *range(140, 151)]
    assert max(chunk.last - chunk.first + 1 for chunk in planned) <= chunk_plan.CHUNK_FRAMES


def test_no_job_is_a_short_rest_of_a_long_text() -> None:
    lengths = [chunk.last - chunk.first + 1 for chunk in chunk_plan.plan([track(10, 51)], still(60), 60, 640, 360)]
    assert lengths == [21, 21]


def test_motion_to_many_frames_is_that_to_each() -> None:
    step = np.array([[1.01, 0.02, 3.0], [-0.01, 0.99, -2.0], [0.0, 0.0, 1.0]])
    motion = Motion(steps=dict.fromkeys(range(20), step), cuts={15})
    found = motion.from_frame(8, (2, 7, 9, 15, 16))
    assert sorted(found) == [2, 7, 9, 15]
    assert all(np.allclose(found[other], motion.between(8, other)) for other in found)


def test_jobs_never_look_over_a_cut() -> None:
    planned = chunk_plan.plan([track(10, 60)], still(100, cuts={29}), 100, 640, 360)
    assert [(chunk.first, chunk.last) for chunk in planned] == [(10, 29), (30, 60)]
    assert planned[0].search_last == 29
    assert planned[1].search_first == 30


def test_places_far_apart_are_jobs_of_their_own() -> None:
    planned = chunk_plan.plan([track(0, 9), track(0, 9, Box(500, 10, 600, 30))], still(10), 10, 640, 360)
    assert len(planned) == 2


def test_candidates_reach_the_frames_before_and_after_the_text() -> None:
    found = donor_selection.candidates(50, range(100), lambda index: 1 if 40 <= index <= 60 else 0)
    assert {39, 61} <= found
    assert 50 not in found


def test_donor_that_shows_most_is_taken_first() -> None:
    hole = np.zeros((32, 64), bool)
    hole[8:24, 8:56] = True
    half = hole.copy()
    half[:, 32:] = False
    hidden = {1: donor_selection.shrink(half), 2: None}
    known = donor_selection.coverage(hole, 0, (1, 2), hidden.get, still(3), (0, 0))
    assert donor_selection.best_donor(known, np.zeros(known.count, np.uint8), set(), set()) == 2


def test_a_clear_frame_far_away_lends_before_a_near_one_that_shows_little() -> None:
    hole = np.zeros((32, 64), bool)
    hole[8:24, 8:56] = True
    most = hole.copy()
    most[:, 52:] = False
    known = donor_selection.coverage(hole, 0, (1, 300), {1: donor_selection.shrink(most)}.get, still(301), (0, 0))
    assert donor_selection.best_donor(known, np.zeros(known.count, np.uint8), set(), set()) == 300


def test_motion_is_unknown_over_a_cut() -> None:
    motion = still(10, cuts={4})
    assert motion.between(0, 3) is not None
    assert motion.between(3, 6) is None
    assert motion.between(6, 3) is None


def test_moved_text_is_found_where_it_is() -> None:
    picture = frame()
    look = template_match.LineTemplate(picture.y[100:120, 200:300].copy(), np.ones((20, 100), np.uint8))
    found = template_match.match_template(look, Box(190, 95, 290, 115), picture, (0, 0), (20, 10))
    assert found.offset == (10, 5)
    assert found.score > 0.99


def test_moving_text_is_between_its_known_places() -> None:
    assert interpolate_offset((0, (0, 0)), (10, (-70, 20)), 5) == (-35, 10)
    assert interpolate_offset((0, (0, 0)), (10, (-70, 20)), 20) == (-140, 40)


def test_moving_track_paints_where_it_is() -> None:
    moving = track(0, 1, Box(0, 0, 10, 10), path=((0, 0), (30, 0)))
    assert rasterize.rasterize([moving], 1, Box(0, 0, 64, 16))[:10, 30:40].all()
    assert not rasterize.rasterize([moving], 1, Box(0, 0, 64, 16))[:, :30].any()


def test_masks_widen_in_steps() -> None:
    mask = np.zeros((40, 120), bool)
    mask[18:22, 30:90] = True
    text = Track(
        box=Box(0, 0, 120, 40),
        line=Box(10, 8, 110, 32),
        first=0,
        last=0,
        masks=MaskModel(usual=mask),
        evidence=TrackEvidence(certainty=0.5),
    )
    areas = [int(rasterize.widened_mask(text, 0, widened).sum()) for widened in range(rasterize.MAX_WIDENING + 1)]
    assert areas == sorted(set(areas))


def test_only_the_hole_is_changed() -> None:
    before, region = frame(), Box(100, 100, 164, 132)
    hole = np.zeros((32, 64), bool)
    hole[10:20, 10:50] = True
    spool = Spool(io.BytesIO())
    spool.put(cut(0, region, Planes.from_ycbcr(np.full((32, 64, 3), 77, np.uint8)), hole))
    after = paste(before, spool.take(0))
    changed = after.y != before.y
    assert (after.y[region.slices][hole] == 77).all()
    changed[region.slices] &= ~hole
    assert not changed.any()
    assert spool.take(1) == []


def test_a_chunk_that_is_filled_again_takes_the_place_of_the_first_fill() -> None:
    region, hole = Box(100, 100, 164, 132), np.ones((32, 64), bool)
    spool = Spool(io.BytesIO())
    for level, chunk in ((10, 0), (20, 1), (30, 0)):
        planes = Planes.from_ycbcr(np.full((32, 64, 3), level, np.uint8))
        spool.put(cut(0, region, planes, hole), chunk=chunk)
    assert [patch.y[0] for patch in spool.take(0)] == [30, 20]


def test_a_text_is_filled_in_one_way_for_its_whole_life() -> None:
    text, other = track(0, 99), track(10, 20, Box(500, 10, 600, 30))
    planned = chunk_plan.plan([text, other], still(100), 100, 640, 360)
    steps = {chunk.number: (0,) * len(chunk.tracks) for chunk in planned}
    assert chunk_plan.raised_steps(planned, steps, 4) == {}
    parts = [chunk for chunk in planned if chunk.tracks == (text,)]
    assert len(parts) > 1
    steps[parts[-1].number] = (3,)
    assert chunk_plan.raised_steps(planned, steps, 4) == {}
    steps[parts[-1].number] = (4,)
    raised = chunk_plan.raised_steps(planned, steps, 4)
    assert raised == {chunk.number: (4,) for chunk in parts[:-1]}


def test_frame_parts_beyond_the_picture_repeat_its_edge() -> None:
    part = frame().color(Box(-7, 3, 13, 24))
    assert part.shape == (21, 20, 3)
    assert (part[:, 0] == part[:, 6]).all()


@pytest.mark.parametrize("size", [1, 126, 127, 16382, 16383, 3_110_400])
def test_matroska_sizes_grow_with_their_number(size: int) -> None:
    head = matroska.picture_head(Fraction(1, 3), Fraction(1, 25), size)
    assert head.startswith(bytes.fromhex("1F43B675"))
    assert (333_333_333).to_bytes(4, "big") in head
    assert bytes.fromhex("9B") + b"\x84" + (40_000_000).to_bytes(4, "big") in head
