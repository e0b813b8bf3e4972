"""Which tracks are joined to one text, and which frames at their ends another text takes."""

from dataclasses import replace

import numpy as np
import pytest

from preflight.engine.core.box import Box
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.tracking.stitching import resolve_overlaps, stitch_tracks

LINE = Box(100, 200, 300, 240)
GAP = 10


def track(first: int, last: int, text: str = "Add salt and pepper", line: Box = LINE) -> Track:
    masks = MaskModel(usual=np.ones((line.height, line.width), bool))
    return Track(box=line, line=line, first=first, last=last, masks=masks, text=text, score=0.9)


def joined(*tracks: Track) -> bool:
    return len(stitch_tracks(list(tracks), GAP)) == 1


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (track(31, 40), True),
        (track(32, 40), False),
        (track(25, 40, line=LINE.moved(0, 5)), True),
        (track(25, 40, line=LINE.moved(0, 7)), False),
        (track(25, 40, line=Box(100, 200, 202, 240)), True),
        (track(25, 40, line=Box(100, 200, 198, 240)), False),
        (track(25, 40, "Add salt and peper"), True),
        (track(25, 40, "Add sugar and pears"), False),
        (replace(track(25, 40), scaled=True), False),
        (replace(track(25, 40), path=((0, 0),) * 16), False),
    ],
)
def test_one_text_stands_at_one_place_with_few_frames_between(other: Track, expected: bool) -> None:
    assert joined(track(0, 20), other) is expected


@pytest.mark.parametrize(("similarity", "expected"), [(0.26, True), (0.24, False)])
def test_a_longer_gap_is_closed_when_its_frames_are_like_the_text(similarity: float, expected: bool) -> None:
    before = track(0, 20).with_evidence(later_similarity=(similarity,) * 60)
    assert joined(before, track(60, 80)) is expected


def test_what_is_joined_keeps_its_outer_ends() -> None:
    first = track(0, 20).with_evidence(appears=True, gradual=(True, False), slips=True)
    second = track(25, 40, line=LINE.moved(4, 0)).with_evidence(vanishes=True, gradual=(False, True))
    (whole,) = stitch_tracks([second, first], GAP)
    assert (whole.first, whole.last, whole.line) == (0, 40, Box(100, 200, 304, 240))
    assert (whole.evidence.appears, whole.evidence.vanishes, whole.evidence.gradual) == (True, True, (True, True))
    assert whole.evidence.slips
    assert whole.masks.usual.all()


@pytest.mark.parametrize(("width", "expected"), [(58, 10), (62, 13)])
def test_frames_of_another_text_at_the_place_are_given_up(width: int, expected: int) -> None:
    mask = np.ones((40, 200), bool)
    changing = tuple((index, mask) for index in range(10, 13))
    text = track(10, 40).with_masks(at_ends=changing)
    rival = track(0, 12, "Mix it well", Box(100, 200, 100 + width, 240))
    assert resolve_overlaps([text, rival])[0].first == expected
