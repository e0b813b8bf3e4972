import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.review import proxy


@given(st.integers(1, 8000), st.integers(1, 8000), st.floats(0.04, 360), st.booleans())
def test_halves_are_even_and_fit(width: int, height: int, duration: float, offline: bool) -> None:
    chosen = proxy.choose((width, height), duration, offline=offline)
    assert chosen.width % 2 == chosen.height % 2 == 0
    assert 2 <= max(chosen.width, chosen.height) <= max(proxy.LONG_SIDE, 2)
    assert (chosen.max_rate is None) != offline


@pytest.mark.parametrize(("duration", "side"), [(89.0, 960), (91.0, 640)])
def test_long_videos_get_a_smaller_offline_proxy(duration: float, side: int) -> None:
    assert proxy.choose((1920, 1080), duration, offline=True).width == side
    assert proxy.choose((1920, 1080), duration, offline=False).width == 960


def test_the_bit_rate_fills_the_space_of_an_offline_page() -> None:
    chosen = proxy.choose((1920, 1080), 60.0, offline=True)
    assert chosen.max_rate is not None
    assert 0.9 * proxy.OFFLINE_BYTES < (chosen.max_rate + proxy.SOUND_RATE) * 60 / 8 <= proxy.OFFLINE_BYTES
