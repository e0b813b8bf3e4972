"""Lines that come and go together are one cue, in reading order."""

from dataclasses import replace
from fractions import Fraction

from preflight.model.text import ScreenText, TextRole
from preflight.subtitles import select_cues

RATE = 25


def line(text: str, first: int, last: int, box: tuple[int, int, int, int], **more: object) -> ScreenText:
    base = ScreenText(
        text=text,
        confidence=0.9,
        role=TextRole.CAPTION,
        certain=True,
        language="en",
        first_frame=first,
        last_frame=last,
        start=Fraction(first, RATE),
        end=Fraction(last + 1, RATE),
        box=box,
    )
    return replace(base, **more)  # type: ignore[arg-type]


UPPER = (100, 400, 300, 430)
LOWER = (80, 440, 320, 470)


def test_two_lines_of_a_block_are_one_cue() -> None:
    (cue,) = select_cues([line("below", 10, 40, LOWER), line("above", 10, 40, UPPER)])
    assert cue.text == "above\nbelow"
    assert (cue.first_frame, cue.last_frame, cue.start, cue.end) == (10, 40, Fraction(2, 5), Fraction(41, 25))
    assert cue.box == (80, 400, 320, 470)


def test_lines_with_other_times_are_cues_of_their_own() -> None:
    cues = select_cues([line("b", 12, 40, LOWER), line("a", 10, 40, UPPER)])
    assert [cue.text for cue in cues] == ["a", "b"]


def test_an_edge_may_differ_by_one_frame() -> None:
    (cue,) = select_cues([line("b", 11, 40, LOWER), line("a", 10, 41, UPPER)])
    assert (cue.first_frame, cue.last_frame) == (10, 41)


def test_lines_far_apart_are_cues_of_their_own() -> None:
    cues = select_cues([line("title", 10, 40, (100, 20, 300, 50)), line("caption", 10, 40, LOWER)])
    assert [cue.text for cue in cues] == ["title", "caption"]


def test_pieces_of_one_line_are_read_from_left_to_right() -> None:
    right, left = (220, 402, 300, 432), (100, 400, 210, 430)
    (cue,) = select_cues([line("world", 0, 9, right), line("hello", 0, 9, left)])
    assert cue.text == "hello world"


def test_columns_are_read_from_right_to_left() -> None:
    left, right = (100, 50, 130, 300), (135, 50, 165, 300)
    (cue,) = select_cues([line("第二列", 0, 9, left, language="zh"), line("第一列", 0, 9, right, language="zh")])
    assert [one.text for one in cue.lines] == ["第一列", "第二列"]


def test_bilingual_lines_can_be_separated() -> None:
    texts = [line("你好", 0, 9, UPPER, language="zh"), line("hello", 0, 9, LOWER)]
    (cue,) = select_cues(texts)
    assert cue.languages == ("zh", "en")
    only = cue.only("en")
    assert only is not None
    assert only.text == "hello"
    assert [cue.text for cue in select_cues(texts, language="zh")] == ["你好"]


def test_roles_that_were_not_asked_for_are_left_out() -> None:
    texts = [line("caption", 0, 9, LOWER), line("EXIT", 0, 9, UPPER, role=TextRole.SIGN)]
    assert [cue.text for cue in select_cues(texts)] == ["caption"]
    assert [cue.text for cue in select_cues(texts, [TextRole.SIGN])] == ["EXIT"]


def test_confidence_is_that_of_the_least_certain_line() -> None:
    (cue,) = select_cues([line("a", 0, 9, UPPER, confidence=0.5), line("b", 0, 9, LOWER)])
    assert cue.confidence == 0.5
