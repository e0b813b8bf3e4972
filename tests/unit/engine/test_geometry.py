from hypothesis import given
from hypothesis import strategies as st

from preflight.engine.core.box import Box, join_words

SIDE = st.integers(0, 400)
BOXES = st.tuples(SIDE, SIDE, st.integers(1, 200), st.integers(1, 200)).map(
    lambda t: Box(t[0], t[1], t[0] + t[2], t[1] + t[3])
)


@given(BOXES, BOXES)
def test_union_holds_both(a: Box, b: Box) -> None:
    both = a.united(b)
    assert both.common(a) == a.area
    assert both.common(b) == b.area


@given(BOXES, BOXES)
def test_iou_is_symmetric_and_bounded(a: Box, b: Box) -> None:
    assert a.iou(b) == b.iou(a)
    assert 0 <= a.iou(b) <= 1
    assert a.iou(a) == 1


@given(BOXES, st.integers(0, 50))
def test_padding_is_even_and_inside(box: Box, pad: int) -> None:
    grown = box.padded(pad, 640, 640)
    assert not any(corner % 2 for corner in (grown.x0, grown.y0, grown.x1, grown.y1))
    assert grown.common(Box(0, 0, 640, 640)) == grown.area


def test_words_of_a_line_are_joined() -> None:
    assert join_words([Box(70, 0, 120, 20), Box(0, 1, 60, 21)]) == [Box(0, 0, 120, 21)]


def test_lines_stay_apart() -> None:
    lines = [Box(0, 0, 100, 20), Box(0, 30, 100, 50)]
    assert join_words(lines) == lines
