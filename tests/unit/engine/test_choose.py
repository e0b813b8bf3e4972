from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from preflight.engine.classify.selection import boxes_as_tracks, is_readable, propagate_labels, select_tracks
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import Reading
from preflight.engine.media.probe import Source
from preflight.engine.model.kind import Kind
from preflight.engine.model.track import MaskModel, Track, TrackEvidence
from preflight.engine.motion.camera import Motion
from preflight.engine.motion.relative import RelativeMotion
from preflight.model.job import InpaintingBox, RemovalOptions

LINE = Box(10, 10, 90, 30)
MASK = np.zeros((20, 80), bool)


def track(text: str = "Swipe up", kind: Kind = Kind.ARTIFICIAL) -> Track:
    """A track of ten frames."""
    return Track(
        box=LINE,
        line=LINE,
        first=0,
        last=9,
        masks=MaskModel(usual=MASK),
        evidence=TrackEvidence(certainty=0.5),
        text=text,
        score=0.95,
        kind=kind,
    )


def source() -> Source:
    """A 640x360 clip of 25 frames a second."""
    return Source(
        path=Path("clip.mp4"),
        codec="h264",
        pixel_format="yuv420p",
        width=640,
        height=360,
        sar=Fraction(1),
        turns=0,
        rate=Fraction(25),
        time_base=Fraction(1, 25),
        full_range=False,
        matrix=None,
        primaries=None,
        transfer=None,
        interlaced=False,
    )


@pytest.mark.parametrize(
    ("text", "score", "language", "expected"),
    [
        ("Swipe up", 0.8, "en", True),
        ("Swipe up", 0.8, "zh", False),
        ("今天我们来", 0.8, "zh", True),
        ("小年", 0.81, "en", False),
        ("今天我们来", 0.99, "en", True),
        ("00:12", 0.9, "en", True),
        ("I", 0.99, "en", False),
        ("~~", 0.99, "en", False),
    ],
)
def test_language_confirms_what_was_read(text: str, score: float, language: str, expected: bool) -> None:
    assert is_readable(Reading(text, score), language) is expected


def test_natural_text_stays_unless_all_is_asked() -> None:
    sign = track(kind=Kind.NATURAL)
    assert select_tracks([sign], RemovalOptions()) == []
    assert select_tracks([sign], RemovalOptions(artificial_text_only=False)) == [sign]


def test_box_covers_its_place_and_time() -> None:
    wish = InpaintingBox(start=0.4, end=0.8, x1=0.25, y1=0.5, x2=0.5, y2=1)
    (found,) = boxes_as_tracks((wish,), tuple(range(50)), source())
    assert (found.first, found.last) == (10, 19)
    assert found.box == Box(160, 180, 320, 360)
    assert found.masks.usual.all()


def test_box_after_the_end_asks_for_nothing() -> None:
    wish = InpaintingBox(start=9, end=10, x1=0, y1=0, x2=1, y2=1)
    assert boxes_as_tracks((wish,), tuple(range(50)), source()) == []


def test_a_sign_that_is_found_again_is_still_a_sign() -> None:
    sign = track("Main Street").with_evidence(motion=RelativeMotion(together=9))
    again = replace(track("Main Stree"), first=20, last=40).with_evidence(appears=True)
    other = replace(track("Swipe up now"), first=20, last=40).with_evidence(appears=True)
    apart = again.with_evidence(motion=RelativeMotion(apart=9))
    late = replace(again, first=90, last=99)
    elsewhere = replace(again, first=5, last=40, box=Box(200, 90, 290, 110))
    kinds = [t.kind for t in propagate_labels([sign, again, other, apart, late, elsewhere], Motion(), (640, 360))]
    assert kinds == [Kind.NATURAL, Kind.NATURAL, *[Kind.ARTIFICIAL] * 4]


def test_a_sign_that_is_seen_twice_at_once_is_one_sign() -> None:
    sign = replace(track("Main Street"), last=60).with_evidence(motion=RelativeMotion(together=9))
    twice = replace(track("Main Stree"), first=5, last=40).with_evidence(appears=True, motion=RelativeMotion(apart=2))
    surer = twice.with_evidence(motion=RelativeMotion(apart=10))
    longer = replace(twice, last=80)
    moved = replace(twice, path=((150, 60), *[(0, 0)] * 35))
    kinds = [t.kind for t in propagate_labels([sign, twice, surer, longer, moved], Motion(), (640, 360))]
    assert kinds == [Kind.NATURAL, Kind.NATURAL, *[Kind.ARTIFICIAL] * 3]


def test_a_short_word_is_believed_in_its_turn() -> None:
    word = replace(track("I"), first=10, last=15, score=0.5, line=Box(44, 10, 56, 30))
    assert select_tracks([track(), word], RemovalOptions()) == [track(), word]


@pytest.mark.parametrize(
    "other",
    [
        replace(track("I"), first=30, last=35, score=0.5),
        replace(track("I"), first=10, last=15, score=0.3),
        replace(track("I"), first=10, last=15, score=0.5, line=Box(10, 40, 90, 60)),
        replace(track("I"), first=10, last=15, score=0.5, line=Box(0, 10, 40, 30)),
        replace(track("I"), first=10, last=15, score=0.5, kind=Kind.NATURAL),
        replace(track("I"), first=5, last=15, score=0.5),
    ],
)
def test_what_does_not_take_turns_must_be_read_for_itself(other: Track) -> None:
    assert [t.text for t in select_tracks([track(), other], RemovalOptions())] == ["Swipe up"]


def test_a_word_that_comes_in_turn_with_captions_is_one() -> None:
    caption = track("Three easy").with_evidence(appears=True, vanishes=True)
    word = replace(track("steps"), first=10, last=15).with_evidence(
        motion=RelativeMotion(together=20), appears=True, vanishes=True
    )
    sign = replace(word, line=Box(10, 40, 90, 60))
    stays = word.with_evidence(vanishes=False)
    kinds = [
        [t.kind for t in propagate_labels([caption, other], Motion(), (640, 360))] for other in (word, sign, stays)
    ]
    assert kinds == [[Kind.ARTIFICIAL] * 2, [Kind.ARTIFICIAL, Kind.NATURAL], [Kind.ARTIFICIAL, Kind.NATURAL]]


def test_what_is_too_short_for_a_caption_has_no_turns() -> None:
    glimpse = replace(track("Three easy"), first=9).with_evidence(appears=True, vanishes=True)
    word = replace(track("I"), first=10, last=15).with_evidence(appears=True, vanishes=True, isolated=(False, False))
    kinds = [t.kind for t in propagate_labels([glimpse, word], Motion(), (640, 360))]
    assert kinds == [Kind.ARTIFICIAL, Kind.NATURAL]
