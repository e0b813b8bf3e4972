from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from preflight.fix import budget


@given(
    st.integers(1_000_000, 10**9),
    st.fractions(min_value=Fraction(1, 2), max_value=3600),
    st.integers(0, 10**8),
)
def test_cap_cannot_exceed_the_target(target: int, seconds: Fraction, other: int) -> None:
    rate = budget.rate_for(target, seconds, other_bytes=other)
    if rate is not None:
        assert other + (rate.max_rate * seconds + rate.buffer * budget.VBV_START) / 8 <= target


def test_no_room_for_a_picture() -> None:
    assert budget.rate_for(1000, Fraction(60), other_bytes=0) is None


def test_correction_goes_below_the_target() -> None:
    assert budget.corrected(1000, 110, 100) < 1000 * 100 / 110
