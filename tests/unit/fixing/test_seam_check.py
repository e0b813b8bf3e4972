"""Which ranges around seams are decoded, and what counts as every frame being there."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from preflight.fixing import seam_check

SECONDS = st.integers(0, 2000).map(lambda number: Fraction(number, 25))


@given(st.lists(SECONDS, max_size=4))
def test_windows_cover_each_seam_and_never_meet(seams: list[Fraction]) -> None:
    windows = seam_check.windows(seams)
    assert all(any(first <= seam < last for first, last in windows) for seam in seams)
    assert all(before[1] < after[0] for before, after in pairwise(windows))


@given(st.lists(SECONDS, unique=True, min_size=1, max_size=20), st.data())
def test_frame_that_is_not_decoded_is_missed(wanted: list[Fraction], data: st.DataObject) -> None:
    late = Fraction(1, 1000)
    assert seam_check.covers([time + late for time in wanted], wanted)
    lost = data.draw(st.sampled_from(wanted))
    assert not seam_check.covers([time for time in wanted if time != lost], wanted)
