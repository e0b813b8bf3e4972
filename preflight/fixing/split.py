"""Where a video is cut: as few and as even stretches as the limits allow, at keyframes where possible. Pure."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise

from preflight.errors import CancelledError
from preflight.events import Cancel
from preflight.model.limits import Limits
from preflight.tools.packets import Packet

SECONDS_MARGIN = Fraction(1)
"""Seconds kept free of the duration limit: sound packets and the service's own reading may add some tenths."""
_MARGIN_SHARE = Fraction(2)
"""Times the margin that the limit has to be for all of it to be kept free; of a lower limit, half is used."""
BYTES_SHARE = Fraction(97, 100)
"""Share of the size limit that a copied stretch may take: headers and tables are written anew."""
_ENDLESS = Fraction(3600)
"""Seconds that a cut without a later keyframe is taken to encode."""
_TRIED = 24
"""Candidates looked at for each cut; only very uneven files need more than the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place where a video can be cut, times in seconds.

    Every picture before it in decoding order is shown before `time`, every other one at `time` or later. `dts` is the
    decoding time of the first packet behind the cut. Copying goes on at the keyframe `resume`; when that is not `time`
    itself the pictures between have to be encoded. `offset` is how many bytes of the file lie before.
    """

    time: Fraction
    dts: Fraction
    resume: Fraction | None
    offset: int

    @property
    def clean(self) -> bool:
        """True when nothing has to be encoded."""
        return self.resume == self.time


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentBounds:
    """One segment to be: from `start` to `end` (None: the end of the file).

    Where no point lies at the time asked for, the few pictures between `end` and `until` (seconds) are encoded.
    """

    start: Point
    end: Point | None
    until: Fraction | None = None

    @property
    def clean(self) -> bool:
        """True when nothing has to be encoded."""
        return self.start.clean and self.until is None

    @property
    def finish(self) -> Fraction | None:
        """When the segment ends, in seconds; None for the end of the file."""
        return self.until if self.until is not None or self.end is None else self.end.time


def from_packets(packets: Sequence[Packet], base: Fraction, *, seconds: Fraction, size: int) -> list[Point]:
    """Return every point of a whole listing of the picture's packets, keyframe or not."""
    latest = [None, *accumulate((p.pts for p in packets), max)]
    earliest = list(accumulate((p.pts for p in reversed(packets)), min))[::-1]
    taken = [0, *accumulate(p.size for p in packets)]
    rest = max(0, size - taken[-1])
    resumes = _resumes(packets)
    points = []
    for number, packet in enumerate(packets):
        before = latest[number]
        if before is not None and before >= earliest[number]:
            continue
        time = earliest[number] * base
        resume = resumes[number]
        points.append(
            Point(
                time=time,
                dts=packet.dts * base,
                resume=None if resume is None else resume * base,
                offset=taken[number] + (int(rest * time / seconds) if seconds else 0),
            )
        )
    return points


def _resumes(packets: Sequence[Packet]) -> list[int | None]:
    """Return, for each packet, the time of the first keyframe at or behind it."""
    found: list[int | None] = []
    resume: int | None = None
    for packet in reversed(packets):
        resume = packet.pts if packet.key else resume
        found.append(resume)
    return found[::-1]


def usable_seconds(limits: Limits) -> Fraction:
    """Return how long a segment may be, in seconds, so that a margin of the duration limit stays free."""
    return limits.max_seconds - min(SECONDS_MARGIN, limits.max_seconds / _MARGIN_SHARE)


def fewest_segments(seconds: Fraction, size: int, limits: Limits) -> int:
    """Return how many segments are needed at least."""
    by_time = -(-seconds // usable_seconds(limits)) if seconds > limits.max_seconds else 1
    by_size = -(-size // int(limits.max_bytes * BYTES_SHARE)) if size > limits.max_bytes else 1
    return max(1, int(by_time), int(by_size))


def choose(
    points: Sequence[Point],
    *,
    start: Point,
    seconds: Fraction,
    size: int,
    limits: Limits,
    count: int,
    cancel: Cancel | None = None,
) -> list[Point] | None:
    """Return the cuts for `count` stretches of `seconds` and `size` bytes from `start` on, or None when none fit.

    The search goes depth first and remembers the points from which the rest can't be cut, so that its time grows with
    the number of points and not with that of their combinations. Raises CancelledError.
    """
    end = start.time + seconds
    if count == 1 and seconds <= limits.max_seconds and size - start.offset <= limits.max_bytes:
        # Nothing is cut, so no margin is needed for where a cut may fall.
        return []
    search = _Search(points=sorted(points, key=_time), end=end, size=size, limits=limits)
    if count == 1:
        return [] if search.fits(start, end, size, 1) else None
    path: list[Point] = []
    failed: set[tuple[Fraction, int]] = set()
    levels = [search.candidates(start, count)]
    while levels:
        if cancel is not None and cancel.is_set():
            raise CancelledError("Stopped on request.")
        left = count - len(path) - 1
        point = next(levels[-1], None)
        if point is None:
            levels.pop()
            if path:
                failed.add((path.pop().time, left + 1))
        elif (point.time, left) not in failed:
            if left == 1:
                return [*path, point]
            path.append(point)
            levels.append(search.candidates(point, left))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What a search for cuts looks at: `points` in their order, up to `end` (seconds) and `size` (bytes)."""

    points: Sequence[Point]
    end: Fraction
    size: int
    limits: Limits

    def fits(self, first: Point, time: Fraction, offset: int, segments: int) -> bool:
        """Return True when what lies between `first` and a later place is within the limits of some segments."""
        seconds = segments * usable_seconds(self.limits)
        size = segments * int(self.limits.max_bytes * BYTES_SHARE)
        return time - first.time <= seconds and offset - first.offset <= size

    def candidates(self, first: Point, left: int) -> Iterator[Point]:
        """Return where the first of `left` stretches from `first` on may end, the best places first."""
        ideal = first.time + (self.end - first.time) / left
        begin = bisect.bisect_right(self.points, first.time, key=_time)
        last = first.time + usable_seconds(self.limits)
        finish = bisect.bisect_right(self.points, min(last, self.end), key=_time)
        possible = (
            point
            for point in self.points[begin:finish]
            if point.time < self.end
            and self.fits(first, point.time, point.offset, 1)
            and self.fits(point, self.end, self.size, left - 1)
        )
        return iter(heapq.nsmallest(_TRIED, possible, key=lambda point: _burden(point, ideal)))


def _time(point: Point) -> Fraction:
    return point.time


def _burden(point: Point, ideal: Fraction) -> Fraction:
    """Return how unwelcome a cut is: a second to encode weighs as much as four seconds away from the even place."""
    encoded = _ENDLESS if point.resume is None else point.resume - point.time
    return encoded + abs(point.time - ideal) / 4


def segments(start: Point, cuts: Sequence[Point], end: SegmentBounds) -> list[SegmentBounds]:
    """Return the stretches between `start`, the cuts and the end that `end` has."""
    starts = [start, *cuts]
    return [*(SegmentBounds(start=a, end=b) for a, b in pairwise(starts)), replace(end, start=starts[-1])]
