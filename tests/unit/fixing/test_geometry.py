import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.fixing import frame_size
from preflight.model.limits import DEFAULT_LIMITS

SIDES = st.integers(1, 20_000)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((2560, 1440), (1920, 1080)),
        ((1440, 2560), (1080, 1920)),
        ((3840, 2160), (1920, 1080)),
        ((2560, 1080), (1920, 810)),
        ((2048, 1080), (1920, 1012)),
        ((1920, 1200), (1728, 1080)),
        ((1200, 1200), (1080, 1080)),
    ],
)
def test_scaled_size(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert frame_size.scaled_size(size, DEFAULT_LIMITS) == wanted


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((1920, 1088), (1920, 1080)), ((1088, 1920), (1080, 1920)), ((1936, 1096), (1920, 1080)), ((1920, 1100), None)],
)
def test_cropped_size(size: tuple[int, int], wanted: tuple[int, int] | None) -> None:
    assert frame_size.cropped_size(size, DEFAULT_LIMITS) == wanted


@given(SIDES, SIDES)
def test_scaled_fits_and_is_even(width: int, height: int) -> None:
    size = frame_size.scaled_size((width, height), DEFAULT_LIMITS)
    assert frame_size.fits(size, DEFAULT_LIMITS)
    assert size[0] % 2 == size[1] % 2 == 0


@given(st.integers(200, 20_000), st.integers(200, 20_000))
def test_scaled_keeps_the_aspect(width: int, height: int) -> None:
    new_width, new_height = frame_size.scaled_size((width, height), DEFAULT_LIMITS)
    # Even rounding moves a side by at most one pixel.
    assert abs(new_width * height - new_height * width) <= 1.01 * (width + height)
