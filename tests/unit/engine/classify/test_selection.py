from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from preflight.engine.classify.selection import (
    KeptReason,
    boxes_as_tracks,
    is_readable,
    propagate_labels,
    reason_kept,
    select_tracks,
)
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import OcrReading
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
    assert is_readable(OcrReading(text, score), language) is expected


def test_two_chinese_characters_are_no_short_text() -> None:
    assert is_readable(OcrReading("抖音", 0.8), "zh")
    assert not is_readable(OcrReading("ab", 0.8), "en")


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


def kinds(*tracks: Track) -> list[Kind]:
    """Return the kinds of tracks, in their order, in a still scene."""
    found = propagate_labels(list(tracks), Motion(), (640, 360))
    return [next(t.kind for t in found if t.box == own.box and t.first == own.first) for own in tracks]


def test_a_sign_that_is_found_again_is_still_a_sign() -> None:
    sign = track("Main Street").with_evidence(motion=RelativeMotion(with_background=9))
    again = replace(track("Main Stree"), first=20, last=40).with_evidence(appears=True)
    place = LINE.moved(200, 80)
    other = replace(track("Swipe up now"), first=20, last=40, box=place, line=place).with_evidence(appears=True)
    late = replace(again, first=90, last=99)
    place = LINE.moved(0, 80)
    elsewhere = replace(again, first=22, last=40, box=place, line=place)
    assert kinds(sign, again, other, late, elsewhere) == [Kind.NATURAL, Kind.NATURAL, *[Kind.ARTIFICIAL] * 3]


def test_a_sign_that_moves_between_its_tracks_is_left() -> None:
    shifted = [LINE.moved(step, 0) for step in (0, 16, 32)]
    pieces = [
        replace(track("Main Street"), first=10 * n, last=10 * n + 9, box=line, line=line).with_evidence(
            appears=True, vanishes=True
        )
        for n, line in enumerate(shifted)
    ]
    assert kinds(*pieces) == [Kind.UNCERTAIN] * 3
    assert kinds(*(replace(piece, line=LINE) for piece in pieces)) == [Kind.ARTIFICIAL] * 3


def test_text_that_is_seen_beside_its_place_did_not_come_or_go() -> None:
    word = track().with_evidence(appears=True, vanishes=True)
    assert kinds(word) == [Kind.ARTIFICIAL]
    assert kinds(word.with_evidence(slips=True)) == [Kind.UNCERTAIN]
    assert kinds(word.with_evidence(match_outside=(0.5, 0.5))) == [Kind.UNCERTAIN]


def test_the_lines_of_a_block_are_decided_together() -> None:
    below, far = Box(10, 34, 100, 54), Box(10, 100, 100, 120)
    first = track("It's taken a while").with_evidence(vanishes=True)
    second = replace(track("among other factors"), box=below, line=below)
    third = replace(track("and more"), box=far, line=far)
    assert kinds(first, second, third) == [Kind.ARTIFICIAL, Kind.ARTIFICIAL, Kind.UNCERTAIN]
    signs = second.with_evidence(motion=RelativeMotion(with_background=20))
    assert kinds(first, signs) == [Kind.NATURAL, Kind.NATURAL]


def test_the_places_of_a_mark_that_jumps_are_decided_together() -> None:
    corner = Box(500, 300, 580, 320)
    before = track("@preflight").with_evidence(vanishes=True)
    after = replace(track("@preflight"), first=10, last=40, box=corner, line=corner)
    assert kinds(before, after) == [Kind.ARTIFICIAL] * 2
    assert kinds(before, replace(after, first=30)) == [Kind.ARTIFICIAL, Kind.UNCERTAIN]
    assert kinds(before, replace(after, text="other words")) == [Kind.ARTIFICIAL, Kind.UNCERTAIN]


def test_text_of_another_script_is_removed_when_any_is_wanted() -> None:
    russian = replace(track("MEX"), score=0.4).with_evidence(text_probability=0.9)
    assert select_tracks([russian], RemovalOptions()) == []
    assert reason_kept(russian, RemovalOptions()) is KeptReason.SCRIPT
    assert select_tracks([russian], RemovalOptions(), any_script=True) == [russian]
    for doubtful in (
        russian.with_evidence(text_probability=0.6),
        russian.with_evidence(certainty=0.2),
        replace(russian, last=4),
        replace(russian, kind=Kind.UNCERTAIN),
    ):
        assert select_tracks([doubtful], RemovalOptions(), any_script=True) == []


def test_what_the_ends_of_the_clip_cut_off_may_be_short() -> None:
    last = replace(track("Subscribe"), first=88, last=89)
    assert select_tracks([last], RemovalOptions(), frames=90) == [last]
    assert select_tracks([last], RemovalOptions(), frames=100) == []
    assert reason_kept(last, RemovalOptions(), frames=100) is KeptReason.BRIEF


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
        motion=RelativeMotion(with_background=20), appears=True, vanishes=True
    )
    assert kinds(caption, word) == [Kind.ARTIFICIAL] * 2
    place = Box(10, 80, 90, 100)
    assert kinds(caption, replace(word, line=place, box=place)) == [Kind.ARTIFICIAL, Kind.NATURAL]
    assert kinds(caption, word.with_evidence(vanishes=False)) == [Kind.ARTIFICIAL, Kind.NATURAL]


def test_name_of_a_platform_goes_with_the_handle_beside_it() -> None:
    handle = replace(track("@somebody"), first=0, last=59, evidence=TrackEvidence(certainty=0.9))
    place = Box(10, 34, 90, 54)
    jitter = tuple((index % 2, 0) if index < 30 else (4, 3) for index in range(60))
    name = replace(track("TikTok"), line=place, box=place, first=0, last=59, path=jitter)
    name = replace(name, evidence=TrackEvidence(certainty=0.1))
    kinds = {t.text: t.kind for t in propagate_labels([handle, name], Motion(), (640, 360))}
    assert kinds == {"@somebody": Kind.ARTIFICIAL, "TikTok": Kind.ARTIFICIAL}
    other = replace(name, text="Bakery")
    kinds = {t.text: t.kind for t in propagate_labels([handle, other], Motion(), (640, 360))}
    assert kinds["Bakery"] is Kind.UNCERTAIN


def test_name_of_an_agency_over_a_still_scene_is_overlay_text() -> None:
    name = replace(track("shutterstock"), first=0, last=59, evidence=TrackEvidence(certainty=0.1))
    kinds = {
        text: propagate_labels([replace(name, text=text)], Motion(), (640, 360))[0].kind
        for text in ("shutterstsck", "Bakery")
    }
    assert kinds == {"shutterstsck": Kind.ARTIFICIAL, "Bakery": Kind.UNCERTAIN}
