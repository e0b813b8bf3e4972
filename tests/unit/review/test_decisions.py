import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import UsageError
from preflight.model.text import TextStatus
from preflight.review import decisions as decided
from preflight.review.decisions import Choice, Decisions, Overall, Region, TextDecision
from preflight.review.subject import RedoEffect, ReviewText, ReviewVideo


def _text(number: int, words: str = "words", status: TextStatus = TextStatus.REMOVED, left: float = 0.1) -> ReviewText:
    return ReviewText(
        number=number,
        words=words,
        status=status,
        start=number,
        end=number + 0.5,
        box=(left, 0.8, left + 0.2, 0.9),
    )


def _video(*texts: ReviewText) -> ReviewVideo:
    return ReviewVideo(
        identifier="v",
        name="v.mp4",
        source=None,
        cleaned=Path("v"),
        record=Path("v.json"),
        size=(320, 180),
        rate=25,
        duration=9,
        texts=texts,
    )


choices = st.builds(TextDecision, number=st.integers(1, 99), choice=st.sampled_from(Choice), alike=st.booleans())
corners = st.floats(0, 0.4).flatmap(lambda low: st.tuples(st.just(low), st.floats(low + 0.1, 1)))
regions = st.builds(
    lambda x, y, t, protect: Region(start=t, end=t + 1, box=(x[0], y[0], x[1], y[1]), protect=protect),
    corners,
    corners,
    st.floats(0, 1000),
    st.booleans(),
)


@given(
    st.builds(
        Decisions,
        overall=st.sampled_from(Overall),
        texts=st.lists(choices, max_size=5).map(tuple),
        regions=st.lists(regions, max_size=5).map(tuple),
        note=st.text(max_size=50),
    )
)
def test_json_round_trip_keeps_every_decision(made: Decisions) -> None:
    assert decided.parse(json.dumps(made.to_json())) == made


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["schema", "texts", "regions", "overall", "note", "box"]), inner, max_size=6
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_parsed_or_refused_with_a_reason(value: object) -> None:
    with suppress(UsageError):
        assert decided.from_json(decided.from_json(value).to_json())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schema": 2}, "schema"),
        ({"texts": {}}, "texts"),
        ({"texts": [{"number": 0, "choice": "accept"}]}, "texts[0].number"),
        ({"texts": [{"number": 1, "choice": "burn"}]}, "texts[0].choice"),
        ({"regions": [{"start": 0, "end": 1, "box": [0, 0, 1, 2], "protect": True}]}, "regions[0].box"),
        ({"regions": [{"start": 2, "end": 1, "box": [0, 0, 1, 1], "protect": True}]}, "regions[0]"),
        ({"overall": "maybe"}, "overall"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(UsageError, match=named.replace("[", r"\[").replace("]", r"\]")):
        decided.from_json({"schema": 1, **change})


def test_a_choice_for_all_alike_covers_equal_words_but_not_a_text_with_its_own() -> None:
    video = _video(_text(1, "Aa!"), _text(2, "aa"), _text(3, "aa"), _text(4, "other"))
    made = Decisions(
        texts=(
            TextDecision(number=1, choice=Choice.PROTECT, alike=True),
            TextDecision(number=3, choice=Choice.ACCEPT),
        )
    )
    assert decided.choices(made, video) == {1: Choice.PROTECT, 2: Choice.PROTECT, 3: Choice.ACCEPT}


def test_graphics_without_words_are_alike_in_one_place() -> None:
    video = _video(_text(1, ""), _text(2, "", left=0.12), _text(3, "", left=0.6))
    made = Decisions(texts=(TextDecision(number=1, choice=Choice.REJECT, alike=True),))
    assert set(decided.choices(made, video)) == {1, 2}


def test_redo_protects_fills_and_leaves_what_was_accepted() -> None:
    video = _video(_text(1), _text(2, "b"), _text(3, "c"), _text(4, "d", TextStatus.KEPT))
    box = Region(start=0, end=1, box=(0, 0, 0.5, 0.5), protect=False)
    made = Decisions(
        texts=(
            TextDecision(number=1, choice=Choice.ACCEPT),
            TextDecision(number=2, choice=Choice.PROTECT),
            TextDecision(number=3, choice=Choice.REJECT),
            TextDecision(number=4, choice=Choice.REMOVE),
        ),
        regions=(box,),
    )
    plan = decided.plan(made, video)
    assert [region.start for region in plan.protect] == [2]
    assert [region.start for region in plan.fill] == [3, 4, 0]
    assert not decided.plan(Decisions(), video).changes


@pytest.mark.parametrize(
    ("redone", "choice", "protected", "filled", "changes"),
    [
        (RedoEffect.FILLED, None, False, True, False),
        (RedoEffect.FILLED, Choice.ACCEPT, False, True, False),
        (RedoEffect.FILLED, Choice.REJECT, False, True, True),
        (RedoEffect.FILLED, Choice.PROTECT, True, False, True),
        (RedoEffect.PUT_BACK, None, True, False, False),
        (RedoEffect.PUT_BACK, Choice.ACCEPT, True, False, False),
        (RedoEffect.PUT_BACK, Choice.REMOVE, False, False, True),
    ],
)
def test_what_was_redone_holds_until_it_is_decided_otherwise(
    redone: RedoEffect, choice: Choice | None, protected: bool, filled: bool, changes: bool
) -> None:
    status = TextStatus.REMOVED if redone is RedoEffect.FILLED else TextStatus.KEPT
    text = replace(_text(1, "a", status), redone=redone)
    made = Decisions(texts=(TextDecision(number=1, choice=choice),) if choice else ())
    plan = decided.plan(made, _video(text))
    assert (bool(plan.protect), bool(plan.fill), plan.changes) == (protected, filled, changes)


def test_a_box_that_is_deleted_after_its_redo_is_a_change() -> None:
    assert decided.plan(Decisions(), replace(_video(_text(1)), has_redone_boxes=True)).changes


def test_decisions_of_another_video_are_refused() -> None:
    with pytest.raises(UsageError, match="text 7"):
        decided.plan(Decisions(texts=(TextDecision(number=7, choice=Choice.ACCEPT),)), _video(_text(1)))
