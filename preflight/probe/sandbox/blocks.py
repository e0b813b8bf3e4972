"""Tell by the times of pictures whether the rate of a Matroska file varies, which no table tells. Source: RFC 9559.

Some clusters of the file are looked at, and of each some pictures: a rate that varies does so nearly everywhere.
"""

from __future__ import annotations

import itertools

from preflight.probe.sandbox.elements import head
from preflight.probe.sandbox.files import read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTERS = 4
"""Clusters looked at, spread over the file."""
BLOCKS = 250
"""Blocks looked at in each, of all tracks: about three seconds of a film with sound."""
_REORDERED = 4
"""Pictures left out at both ends of a cluster: they are reordered, and a neighbour may be in the cluster beside it."""
_ROUNDING = 2
"""Ticks by which two even steps may differ: each of both ends is rounded to one."""

_HEAD = 24
"""Bytes that hold an element's head and, if it is a block, the head of that: track number, time, flags."""
_WINDOW = 4096
"""Bytes read at a time: a page, which small blocks share, and more of which large ones would not need."""

_SIMPLE, _GROUP, _BLOCK = 0xA3, 0xA0, 0xA1


def uneven(fd: int, clusters: list[tuple[int, int]], track: int) -> bool:
    """Return whether the pictures of `track` (its number) come at uneven times in any of the looked-at `clusters`.

    `clusters` are the first byte and the end of each one's body.
    """
    step = max(1, len(clusters) // CLUSTERS)
    return any(_is_uneven(list(_times(fd, start, end, track))) for start, end in clusters[::step][:CLUSTERS])


def _is_uneven(times: list[int]) -> bool:
    inner = sorted(times)[_REORDERED : max(_REORDERED, len(times) - _REORDERED)]
    steps = [after - before for before, after in itertools.pairwise(inner)]
    return bool(steps) and max(steps) - min(steps) > _ROUNDING


def _times(fd: int, position: int, end: int, track: int) -> Iterator[int]:
    """Yield the times, in ticks from the cluster's own, of the blocks of `track`."""
    window, start = b"", 0
    for _ in range(BLOCKS):
        at = position - start
        if at > len(window) - _HEAD:
            window, start, at = read_at(fd, _WINDOW, position), position, 0
        data = window[at : at + _HEAD] if position < end else b""
        element = head(data)
        if element is None:
            return
        kind, width, length = element
        if kind == _GROUP:
            position += width
            continue
        if kind in {_SIMPLE, _BLOCK} and data[width : width + 1] == bytes([0x80 | track]):
            yield int.from_bytes(data[width + 1 : width + 3], signed=True)
        position += width + length
