"""GOP plan of a smart render: at which keyframes spans that are copied and spans that are encoded begin. No I/O."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Complete closed GOPs, frames `first`..`last`, whose packets are copied or whose frames are encoded."""

    first: int
    last: int
    copied: bool

    @property
    def frames(self) -> range:
        """The numbers of its frames, and of its packets: groups are closed, so they are the same."""
        return range(self.first, self.last + 1)


def display_ranks(shown: Sequence[int]) -> list[int]:
    """Return for each packet, given when its picture is shown, the number of its frame."""
    number = {time: rank for rank, time in enumerate(sorted(shown))}
    return [number[time] for time in shown]


def closed_gop_starts(entries: Iterable[int], shown: Sequence[int]) -> frozenset[int]:
    """Return the packet numbers of `entries` that begin a closed GOP, before which all earlier packets are shown."""
    latest = [-1, *accumulate(display_ranks(shown), max)]
    return frozenset(entry for entry in entries if latest[entry] == entry - 1)


def plan(entries: Collection[int], frames: int, touched: Collection[int]) -> list[Span]:
    """Return the spans of a video whose GOPs begin at the keyframes `entries`; a GOP with a `touched` frame is encoded.

    What comes before the first entry can't be copied: nothing says that its pictures can be decoded alone.
    """
    edges = sorted({0, *entries, frames})
    marked = {edges[bisect_right(edges, frame) - 1] for frame in touched} | {0}.difference(entries)
    groups = groupby(pairwise(edges), key=lambda edge: edge[0] not in marked)
    found = [(copied, list(pairs)) for copied, pairs in groups]
    return [Span(first=pairs[0][0], last=pairs[-1][1] - 1, copied=copied) for copied, pairs in found]


def decoding_times(shown: Sequence[int]) -> list[int]:
    """Return a decoding time for each packet: rising, and never behind the time at which its picture is shown.

    The times are those of the pictures themselves, as much earlier as the reordering needs.
    """
    times = sorted(shown)
    delay = max((number - rank for number, rank in enumerate(display_ranks(shown))), default=0)
    step = times[1] - times[0] if len(times) > 1 else 1
    early = [times[0] - step * back for back in range(delay, 0, -1)]
    return [*early, *times][: len(times)]
