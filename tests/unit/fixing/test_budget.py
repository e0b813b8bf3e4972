from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.fixing import bit_budget
from preflight.model.plan import VideoEncode
from preflight.tools.packets import Packet


@given(
    st.integers(1_000_000, 10**9),
    st.fractions(min_value=Fraction(1, 2), max_value=3600),
    st.integers(0, 10**8),
)
def test_cap_aims_below_the_target(target: int, seconds: Fraction, other: int) -> None:
    rate = bit_budget.rate_for(target, seconds, other_bytes=other)
    if rate is not None:
        assert other + (rate.max_rate * seconds + rate.buffer * bit_budget.SPENT) / 8 <= target


CAP = bit_budget.RateCap(max_rate=1_000_000, buffer=2_000_000)
"""A rate with two seconds of buffer."""


def test_cap_is_raised_where_it_starved_the_picture() -> None:
    calm_then_wild = [10_000] * 10 + [250_000] + [125_000] * 9
    raised = bit_budget.raise_rate(CAP, sum(calm_then_wild), 2_500_000, calm_then_wild)
    assert raised is not None
    assert 10 * 10_000 + 10 * raised / 8 <= 2_500_000


def test_cap_is_not_raised_where_quality_decided() -> None:
    assert bit_budget.raise_rate(CAP, 200_000, 2_500_000, [10_000] * 20) is None


def test_cap_is_not_raised_where_the_buffer_covered_the_hard_seconds() -> None:
    around_the_cap = [130_000, 130_000, 130_000, 60_000, 60_000] * 4
    assert bit_budget.raise_rate(CAP, sum(around_the_cap), 2_500_000, around_the_cap) is None


def test_cap_is_not_raised_when_enough_is_used() -> None:
    assert bit_budget.raise_rate(CAP, 2_400_000, 2_500_000, [125_000] * 20) is None


def test_no_room_for_a_picture() -> None:
    assert bit_budget.rate_for(1000, Fraction(60), other_bytes=0) is None


def test_correction_goes_below_the_target() -> None:
    rate, picture, size, limit = 300_000, 90_000, 110_000, 100_000
    first = bit_budget.correct_rate(rate, size, limit, picture=picture, attempt=1)
    # The 20,000 bytes of sound stay; the picture alone makes room.
    assert first == int(rate * (1 - (size - bit_budget.FILL * limit) / picture))
    assert bit_budget.correct_rate(rate, size, limit, picture=picture, attempt=2) < first


def test_calm_seconds_leave_their_share_to_the_others() -> None:
    demand = [200_000] * 30 + [bit_budget.MAX_VIDEO_RATE] * 30
    rate = bit_budget.level_rate(1_000_000, Fraction(60), demand)
    # 60 s at the flat cap are as much as 30 calm ones, 30 hard ones, and the same share of the buffer.
    assert 30 * 200_000 + rate * (30 + 6 * bit_budget.SPENT) == pytest.approx(
        1_000_000 * (60 + 6 * bit_budget.SPENT), rel=0.01
    )


def test_each_calm_stretch_fills_the_buffer_again() -> None:
    once = [200_000] * 30 + [bit_budget.MAX_VIDEO_RATE] * 30
    often = ([200_000] * 10 + [bit_budget.MAX_VIDEO_RATE] * 10) * 3
    rates = [bit_budget.level_rate(1_000_000, Fraction(60), demand) for demand in (once, often)]
    assert rates[1] < rates[0]


@given(st.lists(st.integers(0, 10_000_000), min_size=4, max_size=60), st.integers(100_000, 20_000_000))
def test_leveled_cap_is_never_below_the_flat_one(demand: list[int], flat: int) -> None:
    assert bit_budget.level_rate(flat, Fraction(len(demand)), demand) >= flat


def test_even_source_needs_no_sample() -> None:
    assert bit_budget.sample_start([100, 110, 90, 105] * 5) is None
    assert bit_budget.sample_start([10, 100, 100] * 10) is None


def test_sample_lies_in_a_calm_stretch() -> None:
    assert bit_budget.sample_start([1000] * 10 + [100, 100, 110, 100] + [1000] * 2) in {10, 11}


def test_sample_scales_the_calm_seconds_only() -> None:
    source = [1000, 100, 200, 100, 1000]
    assert bit_budget.demand_per_second(source, [50, 50, 50]) == [
        bit_budget.MAX_VIDEO_RATE,
        400,
        800,
        400,
        bit_budget.MAX_VIDEO_RATE,
    ]


def test_seconds_without_packets_count() -> None:
    packets = [Packet(stream=0, dts=t, pts=t, duration=1, size=5, key=True) for t in (0, 3)]
    assert bit_budget.by_second(packets, Fraction(1)) == [5, 0, 0, 5]


def test_pace_of_a_capped_encode_tells_that_the_limit_decides() -> None:
    limit, length = 10_000_000, Fraction(60)
    rate = bit_budget.rate_for(limit, length, other_bytes=0)
    assert rate is not None
    at_the_cap = rate.max_rate * 12 // 8
    assert bit_budget.is_overspent(at_the_cap + 1000, limit, Fraction(12), length)
    assert not bit_budget.is_overspent(at_the_cap * 9 // 10, limit, Fraction(12), length)
    assert not bit_budget.is_overspent(at_the_cap, limit, Fraction(2), length), "too early to tell"
    assert not bit_budget.is_overspent(limit, limit, Fraction(50), length), "too late to gain"


@given(st.integers(60_000, 50_000_000), st.integers(30, 360))
def test_average_spends_what_the_cap_would(rate: int, seconds: int) -> None:
    length = Fraction(seconds)
    capped = VideoEncode(max_rate=rate, buffer=int(rate * bit_budget.buffer_seconds(length)))
    aimed = bit_budget.as_average_rate(capped, length)
    assert aimed is not None
    assert aimed.average is not None
    assert aimed.max_rate is not None
    assert aimed.average < aimed.max_rate
    assert float(aimed.average * length) == pytest.approx(
        float(rate * (length + bit_budget.SPENT * bit_budget.buffer_seconds(length))), rel=0.001
    )


def test_average_is_aimed_at_only_where_it_is_kept() -> None:
    capped = VideoEncode(max_rate=1_000_000, buffer=3_000_000)
    assert bit_budget.as_average_rate(capped, Fraction(29)) is None
    assert bit_budget.as_average_rate(replace(capped, max_rate=None), Fraction(60)) is None
    assert bit_budget.as_average_rate(replace(capped, encoder="libsvtav1"), Fraction(60)) is None
