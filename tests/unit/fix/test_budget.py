from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from preflight.fix import budget


@given(
    st.integers(1_000_000, 10**9),
    st.fractions(min_value=Fraction(1, 2), max_value=3600),
    st.integers(0, 10**8),
)
def test_cap_aims_below_the_target(target: int, seconds: Fraction, other: int) -> None:
    rate = budget.rate_for(target, seconds, other_bytes=other)
    if rate is not None:
        assert other + (rate.max_rate * seconds + rate.buffer * budget.SPENT) / 8 <= target


def test_cap_is_raised_where_it_starved_the_picture() -> None:
    calm_then_wild = [10_000] * 10 + [125_000] * 10
    raised = budget.raised(1_000_000, sum(calm_then_wild), 2_500_000, calm_then_wild)
    assert raised is not None
    assert 10 * 10_000 + 10 * raised / 8 <= 2_500_000


def test_cap_is_not_raised_where_quality_decided() -> None:
    assert budget.raised(1_000_000, 200_000, 2_500_000, [10_000] * 20) is None


def test_cap_is_not_raised_when_enough_is_used() -> None:
    assert budget.raised(1_000_000, 2_400_000, 2_500_000, [125_000] * 20) is None


def test_no_room_for_a_picture() -> None:
    assert budget.rate_for(1000, Fraction(60), other_bytes=0) is None


def test_correction_goes_below_the_target() -> None:
    assert budget.corrected(1000, 110, 100) < 1000 * 100 / 110
