"""Find out by the times of frames whether the frame rate of a Matroska file varies, and whether a track is empty.

Source: RFC 9559.

Some clusters of the file are looked at, and of each some pictures: a rate that varies does so nearly everywhere.
"""

from __future__ import annotations

import itertools

from preflight.probe.sandbox.elements import UNKNOWN, head
from preflight.probe.sandbox.files import read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTERS = 4
"""Clusters looked at, spread over the file."""
BLOCKS = 250
"""Blocks looked at in each, of all tracks: about three seconds of a film with sound."""
MAX_BLOCKS = 20_000
"""Elements looked at in search of a track's first block: ten minutes of sound."""
_REORDERED = 4
"""Pictures left out at both ends of a cluster: they are reordered, and a neighbour may be in the cluster beside it."""
_ROUNDING = 2
"""Ticks by which two even steps may differ: each of both ends is rounded to one."""

_HEAD = 24
"""Bytes that hold an element's head and, if it is a block, the head of that: track number, time, flags."""
_WINDOW = 4096
"""Bytes read at a time: a page, which small blocks share, and more of which large ones would not need."""

_MAX_TRACK = 127
"""Highest track number that a block states in one byte; higher ones are not distinguished."""
_LOST = -1
"""Stands for a track's number where the walk through the blocks ended early."""

_SIMPLE, _GROUP, _BLOCK = 0xA3, 0xA0, 0xA1


def has_uneven_times(fd: int, clusters: list[tuple[int, int]], track: int) -> bool:
    """Return whether the pictures of `track` (its number) come at uneven times in any of the looked-at `clusters`.

    `clusters` are the first byte and the end of each one's body.

    Args:
        fd: the open file.
        clusters: offset and size of clusters, bytes.
        track: the number of the track.
    """
    step = max(1, len(clusters) // CLUSTERS)
    return any(_is_uneven(list(_times(fd, start, end, track))) for start, end in clusters[::step][:CLUSTERS])


def is_empty(fd: int, clusters: list[tuple[int, int]], track: int) -> bool:
    """Return whether the file has no block of `track`, of which the headers of all blocks give proof.

    False where a cluster can't be followed to its end, and where the file has more than `MAX_BLOCKS` blocks.

    Args:
        fd: the open file.
        clusters: offset and size of all clusters, bytes.
        track: the number of the track.
    """
    left = MAX_BLOCKS
    for start, end in clusters:
        for number, _ in _blocks(fd, start, end, left):
            if number in {track, _LOST}:
                return False
            left -= 1
    return track <= _MAX_TRACK


def _is_uneven(times: list[int]) -> bool:
    inner = sorted(times)[_REORDERED : max(_REORDERED, len(times) - _REORDERED)]
    steps = [after - before for before, after in itertools.pairwise(inner)]
    return bool(steps) and max(steps) - min(steps) > _ROUNDING


def _times(fd: int, position: int, end: int, track: int) -> Iterator[int]:
    """Yield the times, in ticks from the cluster's own, of the blocks of `track`."""
    return (time for number, time in _blocks(fd, position, end, BLOCKS) if number == track)


def _blocks(fd: int, position: int, end: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield the track's number and the time of each block among the next `count` elements.

    The last number is `_LOST` where the cluster has more elements or could not be followed to its end.
    """
    window, start = b"", 0
    for _ in range(count):
        if position >= end:
            return
        at = position - start
        if at > len(window) - _HEAD:
            window, start, at = read_at(fd, _WINDOW, position), position, 0
        data = window[at : at + _HEAD]
        element = head(data)
        if element is None or element[2] == UNKNOWN:
            break
        kind, width, length = element
        if kind == _GROUP:
            position += width
            continue
        if kind in {_SIMPLE, _BLOCK} and len(data) > width + 2:
            yield (
                data[width] & _MAX_TRACK if data[width] & 0x80 else 0,
                int.from_bytes(data[width + 1 : width + 3], signed=True),
            )
        position += width + length
    yield _LOST, 0
