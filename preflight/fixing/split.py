"""Where a video is cut: as few and as even stretches as the limits allow, at keyframes where possible. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise

from preflight.model.limits import Limits
from preflight.tools.packets import Packet

SECONDS_MARGIN = Fraction(1)
"""Kept free of the duration limit: sound packets and the service's own reading may add some tenths."""
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
class Stretch:
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


def fewest(seconds: Fraction, size: int, limits: Limits) -> int:
    """Return how many stretches are needed at least."""
    by_time = -(-seconds // (limits.max_seconds - SECONDS_MARGIN)) if seconds > limits.max_seconds else 1
    by_size = -(-size // int(limits.max_bytes * BYTES_SHARE)) if size > limits.max_bytes else 1
    return max(1, int(by_time), int(by_size))


def choose(
    points: Sequence[Point], *, start: Point, seconds: Fraction, size: int, limits: Limits, count: int
) -> list[Point] | None:
    """Return the cuts for `count` stretches of `seconds` and `size` bytes from `start` on, or None when none fit."""
    end = start.time + seconds
    if count == 1 and seconds <= limits.max_seconds and size - start.offset <= limits.max_bytes:
        # Nothing is cut, so no margin is needed for where a cut may fall.
        return []
    room = limits.max_seconds - SECONDS_MARGIN
    most = int(limits.max_bytes * BYTES_SHARE)

    def fits(first: Point, time: Fraction, offset: int, stretches: int) -> bool:
        return time - first.time <= stretches * room and offset - first.offset <= stretches * most

    def search(first: Point, left: int) -> list[Point] | None:
        if left == 1:
            return [] if fits(first, end, size, 1) else None
        ideal = first.time + (end - first.time) / left
        possible = [
            point
            for point in points
            if first.time < point.time < end
            and fits(first, point.time, point.offset, 1)
            and fits(point, end, size, left - 1)
        ]
        for point in sorted(possible, key=lambda point: _burden(point, ideal))[:_TRIED]:
            others = search(point, left - 1)
            if others is not None:
                return [point, *others]
        return None

    return search(start, count)


def _burden(point: Point, ideal: Fraction) -> Fraction:
    """Return how unwelcome a cut is: a second to encode weighs as much as four seconds away from the even place."""
    encoded = _ENDLESS if point.resume is None else point.resume - point.time
    return encoded + abs(point.time - ideal) / 4


def stretches(start: Point, cuts: Sequence[Point], end: Stretch) -> list[Stretch]:
    """Return the stretches between `start`, the cuts and the end that `end` has."""
    starts = [start, *cuts]
    return [*(Stretch(start=a, end=b) for a, b in pairwise(starts)), replace(end, start=starts[-1])]
