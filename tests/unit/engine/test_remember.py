"""Which frames are remembered for long texts, on values alone."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preflight.engine.core.box import Box
from preflight.engine.inpaint import chunk_plan, crop_cache, donor_selection, reference_frames
from preflight.engine.inpaint.chunk_plan import InpaintChunk
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track, TrackEvidence
from preflight.engine.motion.camera import Matrix, Motion

BOX = Box(100, 300, 300, 330)
FRAMES = 500


def text(
    first: int, last: int, box: Box = BOX, *, appears: bool = True, vanishes: bool = True, **more: object
) -> Track:
    """A text that paints all of its box and is known to be off before and after."""
    mask = np.ones((box.height, box.width), bool)
    evidence = TrackEvidence(certainty=0.5, appears=appears, vanishes=vanishes)
    whole = Track(box=box, line=box, first=first, last=last, masks=MaskModel(usual=mask), evidence=evidence)
    return replace(whole, **more)  # type: ignore[arg-type]


def moving(across: float = 0.0, scale: float = 1.0, cuts: set[int] | None = None) -> Motion:
    """A scene that moves and grows by as much with every frame."""
    step: Matrix = np.array([[scale, 0.0, across], [0.0, scale, 0.0], [0.0, 0.0, 1.0]])
    return Motion(steps=dict.fromkeys(range(FRAMES - 1), step), cuts=cuts or set())


def planned(*tracks: Track, motion: Motion) -> list[InpaintChunk]:
    return reference_frames.with_reference_frames(
        chunk_plan.plan(list(tracks), motion, FRAMES, 640, 360), tracks, motion
    )


def remembered(chunk: InpaintChunk) -> list[int]:
    return list(chunk.motion.leaps)


def test_frames_around_a_long_text_are_remembered_for_its_middle() -> None:
    for chunk in planned(text(100, 399), motion=moving()):
        near = chunk.search_first <= 99 or chunk.search_last >= 400
        assert remembered(chunk) == ([] if near else [99, 400, 98, 401, 96, 403, 92, 407])


def test_a_text_that_is_there_from_the_first_frame_remembers_what_comes_after() -> None:
    first, *_, last = planned(text(0, 199, appears=False), motion=moving())
    assert remembered(first) == [200, 201, 203, 207]
    assert remembered(last) == []


@pytest.mark.parametrize(
    "track",
    [
        text(100, 190),
        text(100, 399, appears=False, vanishes=False),
        text(100, 399, lasting=True),
        text(100, 399, path=((0, 0),) * 300),
    ],
    ids=["short", "unknown", "lasting", "moving"],
)
def test_nothing_is_remembered_for_other_texts(track: Track) -> None:
    assert not any(map(remembered, planned(track, motion=moving())))


def test_nothing_is_remembered_over_a_cut() -> None:
    for chunk in planned(text(50, 449), motion=moving(cuts={99, 299})):
        shot = sum(chunk.first > cut for cut in (99, 299))
        assert all((index < 100, False, index > 299)[shot] for index in remembered(chunk))


def test_what_the_scene_has_moved_off_the_region_is_not_remembered() -> None:
    assert any(map(remembered, planned(text(100, 399), motion=moving(across=0.5))))
    assert not any(map(remembered, planned(text(100, 399), motion=moving(across=4.0))))


def test_nothing_is_remembered_that_has_become_much_larger() -> None:
    middle = Box(0, 0, 640, 360)
    assert not any(map(remembered, planned(text(100, 399, middle), motion=moving(scale=1.01))))


def test_frames_on_which_the_next_text_is_in_the_way_are_not_remembered() -> None:
    following, beside = text(400, 420), text(421, 440, Box(200, 300, 400, 330))
    chunk = planned(text(0, 399, appears=False), following, beside, motion=moving())[0]
    assert remembered(chunk) == [441, 442, 444, 448]


def test_what_paints_on_a_remembered_frame_is_known() -> None:
    beside = text(405, 440, Box(270, 300, 470, 330))
    first = planned(text(0, 399, appears=False), beside, motion=moving())[0]
    assert remembered(first) == [400, 401, 403, 407]
    assert any(track is beside for track in first.tracks)


def test_motion_leads_to_remembered_frames() -> None:
    motion = moving(across=0.25, scale=1.001)
    chunk = next(chunk for chunk in planned(text(100, 399), motion=motion) if remembered(chunk))
    index = chunk.first + 3
    found = chunk.motion.from_frame(index, [*remembered(chunk), index + 1])
    assert sorted(found) == sorted([*remembered(chunk), index + 1])
    for other, way in found.items():
        assert np.allclose(way, motion.between(index, other))
        assert np.allclose(way, chunk.motion.between(index, other))


def test_a_remembered_frame_lends_before_a_near_one_that_shows_little() -> None:
    hole = np.zeros((32, 64), bool)
    hole[8:24, 8:56] = True
    most = hole.copy()
    most[:, 52:] = False
    motion = Motion(steps=moving().steps, leaps={900: (0, np.eye(3))})
    known = donor_selection.coverage(hole, 0, (1, 900), {1: donor_selection.shrink(most)}.get, motion, (0, 0))
    assert donor_selection.best_donor(known, np.zeros(known.count, np.uint8), set(), set()) == 900


def test_crops_of_remembered_frames_outlast_the_ring(tmp_path: Path) -> None:
    places = Box(0, 0, 32, 16), Box(32, 0, 64, 32)
    layout = crop_cache.CropLayout.of(tmp_path / "crops", places, 4, {(1, 1), (9, 0)})
    file, frames = io.BytesIO(), [frame(index) for index in range(10)]
    for seen in frames:
        crop_cache.keep(file, layout, seen)
    for seen in frames:
        crop_cache.store(file, layout, seen)
    for index, place in ((1, 1), (9, 0), (8, 1), (6, 0)):
        assert (
            crop_cache.load(file, layout, index, place, places[place]).luma == frames[index].y[places[place].slices]
        ).all()


def frame(index: int) -> Frame:
    """A noisy 64x32 frame."""
    dice = np.random.default_rng(index)
    y, u, v = (dice.integers(16, 235, size, np.uint8) for size in ((32, 64), (16, 32), (16, 32)))
    return Frame(index=index, y=y, u=u, v=v)
