from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from preflight.restore.before_after import (
    ONE_FRAME,
    ROWS,
    ROWS_WITHOUT_TEXTS,
    FrameChoice,
    choose,
    moments_of,
    most_different,
)

moments = st.builds(
    FrameChoice,
    time=st.floats(0, 300),
    words=st.sampled_from(["a", "A ", "b", "c", "d", "e", "f", "g", ""]),
    severity=st.sampled_from([0.0, 0.3, 0.9]),
)


@given(st.dictionaries(st.floats(0, 300), st.floats(0, 255), max_size=40))
def test_rows_are_in_order_and_include_the_greatest_difference(differences: dict[float, float]) -> None:
    chosen = [moment.time for moment in most_different(differences)]
    assert chosen == sorted(set(chosen))
    assert 1 <= len(chosen) <= ROWS_WITHOUT_TEXTS
    if differences:
        assert max(differences.values()) in {differences[moment] for moment in chosen}


def test_rows_keep_apart_where_they_can() -> None:
    assert [moment.time for moment in most_different({0.0: 9, 0.5: 8, 4.0: 1, 8.0: 2})] == [0.0, 4.0, 8.0]


def test_nothing_to_compare_shows_the_start() -> None:
    assert most_different({}) == (FrameChoice(time=0.0),)


@given(st.lists(moments, max_size=30))
def test_each_different_text_has_one_row_and_the_worst_are_there(given_moments: list[FrameChoice]) -> None:
    chosen = choose(given_moments)
    assert list(chosen) == sorted(chosen, key=lambda moment: moment.time)
    assert len(chosen) <= ROWS
    words = [w for moment in chosen for w in moment.words.casefold().split(" / ") if w.strip()]
    assert len(words) == len(set(words))
    worst = max((moment.severity for moment in given_moments), default=0.0)
    assert not chosen or max(moment.severity for moment in chosen) == worst
    different = {m.words.casefold().strip() or f"{m.time:.1f}" for m in given_moments}
    assert len(chosen) <= min(ROWS, len(different))
    assert all(b.time - a.time > ONE_FRAME for a, b in pairwise(chosen))


def test_moments_are_the_middles_of_texts_in_all_segments() -> None:
    report = {"removed": [{"track": {"text": "a", "start": 1.0, "end": 2.0}, "quality": {"residual_text": 0.2}}]}
    assert moments_of([report, report], [0.0, 60.0]) == (
        FrameChoice(time=1.5, words="a", severity=0.2),
        FrameChoice(time=61.5, words="a", severity=0.2),
    )


def test_lines_of_one_frame_share_a_row() -> None:
    moments = [
        FrameChoice(time=1.0, words="upper line"),
        FrameChoice(time=1.04, words="lower line", severity=0.5),
        FrameChoice(time=2.0, words="another"),
    ]
    assert choose(moments) == (
        FrameChoice(time=1.0, words="upper line / lower line", severity=0.5),
        FrameChoice(time=2.0, words="another"),
    )
