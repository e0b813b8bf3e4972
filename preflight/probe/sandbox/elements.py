"""Elements of EBML, of which Matroska and WebM are made: an id, a length, a body. Source: RFC 8794."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ELEMENTS = 20_000
"""Elements looked at in one file: two hours in clusters of 5 s have 1,500."""
UNKNOWN = -1
"""Length of an element that ends where its like begins, as live recordings have it."""


def head(data: bytes) -> tuple[int, int, int] | None:
    """Return id, length of the head and length of the body at the start of `data`; None when there is no element."""
    if not data or not data[0]:
        return None
    width = 9 - data[0].bit_length()
    kind, rest = int.from_bytes(data[:width]), data[width:]
    if width > 4 or not rest or not rest[0]:
        return None
    size = 9 - rest[0].bit_length()
    if len(rest) < size:
        return None
    length = int.from_bytes(rest[:size]) - (1 << 7 * size)
    return kind, width + size, UNKNOWN if length == (1 << 7 * size) - 1 else length


def children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield id and body of each element in `data`, up to the first that is none or has no end."""
    position = 0
    for _ in range(MAX_ELEMENTS):
        element = head(data[position : position + 12])
        if element is None or element[2] == UNKNOWN:
            return
        kind, width, length = element
        yield kind, data[position + width : position + width + length]
        position += width + length


def is_whole(data: bytes) -> bool:
    """Return whether `data` is a row of elements to its very end, as the header of a file has to be for ffmpeg."""
    position = 0
    while position < len(data):
        element = head(data[position : position + 12])
        if element is None or element[2] == UNKNOWN:
            return False
        position += element[1] + element[2]
    return position == len(data)
