"""Words between two samples: where they are searched for, and that they are found to the frame."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.tracking.gap_search import UnexaminedSpan, caption_slots, in_slot, next_probe, runs_of
from preflight.engine.tracking.settings import GAPS
from preflight.engine.tracking.tracker import TextTracker

SLOT = Box(100, 200, 220, 240)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Box(60, 200, 260, 240), True),
        (Box(210, 200, 300, 240), True),
        (Box(220, 200, 300, 240), False),
        (Box(100, 215, 220, 255), True),
        (Box(100, 217, 220, 257), False),
        (Box(150, 205, 170, 226), True),
        (Box(150, 205, 170, 224), False),
        (Box(100, 180, 220, 259), True),
        (Box(100, 180, 220, 262), False),
    ],
)
def test_a_slot_is_a_row_of_lines_about_as_high(line: Box, expected: bool) -> None:
    assert in_slot(line, SLOT) is expected


def test_lines_of_one_row_are_one_slot() -> None:
    wide, below = Box(80, 198, 240, 240), Box(100, 250, 220, 290)
    assert caption_slots([SLOT, below, wide]) == [Box(80, 198, 240, 240), below]


def test_the_longest_run_is_probed_in_its_middle() -> None:
    assert runs_of([3, 4, 5, 9, 10]) == [(3, 5), (9, 10)]
    assert next_probe([3, 4, 5, 9, 10, 11, 12, 13]) == 11
    assert next_probe([3, 4, 5, 9, 10]) == 4
    assert next_probe([3, 4, 9, 10]) is None
    assert next_probe([]) is None


@dataclass
class Lines:
    lines: list[Box]

    def result(self) -> list[Box]:
        return self.lines


LINE = Box(60, 90, 260, 130)


class Words:
    """Words one after another at one place; the detector sees them, and nothing else, on frames that it is shown."""

    def __init__(self, words: list[tuple[str, int, int]]) -> None:
        self.words = words
        self.probed: list[int] = []

    def word(self, index: int) -> str | None:
        return next((word for word, first, last in self.words if first <= index <= last), None)

    def frame(self, index: int) -> Frame:
        picture: BGR = np.full((240, 320, 3), (90, 70, 60), np.uint8)
        if (word := self.word(index)) is not None:
            place = LINE.x0 + 4, LINE.y1 - 10
            cv2.putText(picture, word, place, cv2.FONT_HERSHEY_DUPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
        halves = planes[240:].reshape(2, 120, 160)
        return Frame(index=index, y=np.ascontiguousarray(planes[:240]), u=halves[0].copy(), v=halves[1].copy())

    def lines(self, index: int) -> list[Box]:
        return [] if self.word(index) is None else [LINE]

    def find_in_slot(self, frame: Frame, slot: Box) -> list[Box]:
        assert in_slot(LINE, slot)
        self.probed.append(frame.index)
        return self.lines(frame.index)

    def tracker(self, frames: int) -> TextTracker:
        state = TextTracker(
            step=12, size=(320, 240), finder=lambda f: Lines(self.lines(f.index)), find_in_slot=self.find_in_slot
        )
        for index in range(frames):
            state.feed(self.frame(index))
        return state


def test_words_of_four_frames_are_found_to_the_frame() -> None:
    words = [("Never", 0, 7), ("wonder", 8, 11), ("about", 12, 15), ("lost", 16, 19), ("things", 20, 30)]
    state = Words(words).tracker(48)
    found = [(track.text, track.first, track.last) for track in state.finish()]
    assert found == words


def test_a_short_gap_between_words_that_shows_no_text_can_be_a_donor() -> None:
    clip = Words([("Never", 0, 7), ("wonder", 10, 20)])
    state = clip.tracker(36)
    state.finish()
    assert {8, 9} <= set(clip.probed)
    assert state.unexamined == []


def test_frames_beside_words_that_show_something_are_named() -> None:
    clip = Words([("Never", 0, 7), ("it", 8, 9), ("wonder", 10, 20)])
    state = clip.tracker(36)
    tracks = state.finish()
    named = {index for span in state.unexamined for index in range(span.first, span.last + 1)}
    covered = {index for track in tracks for index in range(track.first, track.last + 1)}
    assert {8, 9} <= named | covered
    assert all(isinstance(span, UnexaminedSpan) and in_slot(LINE, span.box) for span in state.unexamined)


def test_a_gap_is_looked_into_until_no_word_can_be_there() -> None:
    clip = Words([("Never", 0, 12)])
    clip.tracker(60).finish()
    between = [index for index in clip.probed if 12 < index < 24]
    assert len(between) <= GAPS.max_probes
    looked = sorted({12, *(near for index in between for near in (index - 1, index, index + 1)), 24})
    assert max(b - a for a, b in itertools.pairwise(looked)) <= GAPS.min_run
