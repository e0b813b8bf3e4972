from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.probe.header_facts import Exact, simplest_fraction


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("1.000", Fraction(1)), ("1.333", Fraction(4, 3)), ("1.067", Fraction(16, 15)), ("1.422", Fraction(64, 45)),
        ("0.909", Fraction(10, 11)), ("1.455", Fraction(16, 11)), ("0", Fraction(1)), ("x", Fraction(1)),
        ("", Fraction(1)),
    ],
)  # fmt: skip
def test_ratio_behind_the_rounded_text(text: str, ratio: Fraction) -> None:
    assert simplest_fraction(text) == ratio


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_simplest_rounds_to_the_text(top: int, bottom: int) -> None:
    text = f"{top / bottom:.3f}"
    if Fraction(text) > Fraction(1, 2000):
        assert abs(simplest_fraction(text) - Fraction(text)) <= Fraction(1, 2000)


def seconds(**facts: object) -> Fraction | None:
    exact = Exact.of({"timescale": 1000, "duration": 360_000, "tracks": [{"id": 1, **facts}]})
    return exact.find("1", 0)[1].duration


def test_stream_clock_is_finer_than_the_movies() -> None:
    assert seconds(presented=360_000, media=32_400_001, timescale=90_000) == Fraction(32_400_001, 90_000)


def test_priming_that_an_edit_skips_does_not_count() -> None:
    assert seconds(presented=360_000, media=360 * 48_000 + 1024, timescale=48_000, edits=[(360_000, 1024)]) == 360


def test_edit_that_hides_much_is_believed() -> None:
    assert seconds(presented=1000, media=90_000_000, timescale=90_000) == 1


def test_fragments_count_where_the_header_says_nothing() -> None:
    assert seconds(presented=0, media=0, timescale=90_000, fragments_end=180_000) == 2


def test_unknown_track_keeps_its_position() -> None:
    assert Exact.of({}).find("7", 3)[0] == 3


@pytest.mark.parametrize(
    ("record", "depth", "chroma"),
    [("81000c00", 8, "4:2:0"), ("81004c00", 10, "4:2:0"), ("81206000", 12, "4:4:4"), ("", None, None)],
)
def test_av1_configuration_tells_the_pixels(record: str, depth: int | None, chroma: str | None) -> None:
    track = Exact.of({"tracks": [{"id": 1, "av1c": record}]}).tracks[0]
    assert (track.bit_depth, track.chroma) == (depth, chroma)
