"""The worker's answers are JSON that the standard library reads back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.probe.sandbox.answer import encode

CHARACTERS = st.characters(exclude_categories=()) | st.sampled_from('"\\/\0\n\x1f\x7f\ud800é')
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAVES | st.text(CHARACTERS),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(CHARACTERS), inner),
)


def through_the_library(value: Any) -> Any:
    """Return `value` as a round trip through the standard library gives it, which joins pairs of surrogates."""
    return json.loads(json.dumps(value))


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert through_the_library(json.loads(encode(value))) == through_the_library(value)


def test_tuple_is_a_list() -> None:
    assert json.loads(encode({"times": (1, (2, None))})) == {"times": [1, [2, None]]}


def test_other_values_are_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        encode({"data": b"raw"})
