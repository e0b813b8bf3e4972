"""Where a video is cut: as few and as even stretches as the limits allow, found in linear time."""

import threading
import time
from fractions import Fraction

import pytest

from preflight.errors import CancelledError
from preflight.fixing import split
from preflight.fixing.split import BYTES_SHARE, SECONDS_MARGIN, Point
from preflight.model.limits import Limits


def keyframe(seconds: Fraction | int, offset: int = 0) -> Point:
    at = Fraction(seconds)
    return Point(time=at, dts=at, resume=at, offset=offset)


def cuts(times: list[int], *, seconds: int, limit: int, count: int) -> list[Fraction] | None:
    points = [keyframe(at) for at in times]
    limits = Limits(max_seconds=Fraction(limit))
    chosen = split.choose(points, start=keyframe(0), seconds=Fraction(seconds), size=0, limits=limits, count=count)
    return None if chosen is None else [point.time for point in chosen]


def test_cuts_are_even() -> None:
    assert cuts(list(range(0, 90, 2)), seconds=90, limit=31, count=3) == [30, 60]


def test_cut_moves_where_the_rest_would_not_fit() -> None:
    # 9 is nearer to the even place of an uneven file, but from there no keyframe is within reach.
    assert cuts([9, 10, 19, 20], seconds=30, limit=11, count=3) == [10, 20]


def test_no_cuts_where_no_keyframes_allow_them() -> None:
    assert cuts([5], seconds=30, limit=11, count=3) is None


@pytest.mark.parametrize(("seconds", "fits"), [(10, True), (11, False)])
def test_margin_of_the_duration_limit_is_kept(seconds: int, fits: bool) -> None:
    assert (cuts([seconds], seconds=2 * seconds, limit=11, count=2) is not None) is fits
    assert SECONDS_MARGIN == 1


@pytest.mark.parametrize(("share", "fits"), [(97, True), (98, False)])
def test_margin_of_the_size_limit_is_kept(share: int, fits: bool) -> None:
    limits = Limits(max_bytes=1000)
    point = keyframe(10, offset=10 * share)
    chosen = split.choose([point], start=keyframe(0), seconds=Fraction(20), size=20 * share, limits=limits, count=2)
    assert (chosen is not None) is fits
    assert Fraction(97, 100) == BYTES_SHARE


def test_search_that_fails_takes_linear_time() -> None:
    # Keyframes every 10 s with a gap at the end that no cut can bridge: every path fails at its last step.
    times = list(range(0, 7200, 10))
    started = time.process_time()
    assert cuts(times, seconds=7200 + 400, limit=361, count=22) is None
    assert time.process_time() - started < 2


def test_as_many_stretches_as_a_day_has_are_found() -> None:
    found = cuts(list(range(0, 86_400, 2)), seconds=86_400, limit=31, count=2880)
    assert found is not None
    assert len(found) == 2879


def test_search_stops_on_request() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        split.choose(
            [keyframe(10)],
            start=keyframe(0),
            seconds=Fraction(20),
            size=0,
            limits=Limits(max_seconds=Fraction(12)),
            count=2,
            cancel=stop,
        )
