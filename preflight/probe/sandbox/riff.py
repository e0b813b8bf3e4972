"""Read the chunk headers of AVI: exact durations, whether the data is complete, and whether the index is right.

Sources: Microsoft's AVI RIFF file reference, and the OpenDML extensions 1.02 for files above 1 GB.
"""

from __future__ import annotations

from preflight.probe.sandbox.files import read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MAX_CHUNKS = 20_000
"""Chunks looked at in one file: a 40 GB AVI has about 40 RIFF parts."""
MAX_HEADER = 2**20
"""Bytes of the header list that are read; OpenDML indexes in it make it large."""

_ENTRY = 16


def read(fd: int, size: int) -> dict[str, Any]:
    """Return the facts of the AVI file open as `fd` with `size` bytes."""
    facts: dict[str, Any] = {"brand": None, "duration": None, "missing_bytes": 0, "tracks": [], "indexed": False}
    movi = 0
    for kind, sort, body, end in _chunks(fd, size):
        if end > size and not facts["missing_bytes"]:
            facts["missing_bytes"] = end - size
        if sort == b"hdrl":
            _header(read_at(fd, min(end - body, MAX_HEADER), body), facts)
        elif sort == b"movi":
            movi = movi or body
        elif kind == b"idx1":
            facts["indexed"] = facts["indexed"] or _is_sound(fd, body, end, movi)
    return facts


def _chunks(fd: int, size: int) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Yield id, list type, start of the body (behind the type) and declared end of each chunk inside the RIFF parts."""
    position = 0
    for _ in range(MAX_CHUNKS):
        head = read_at(fd, 12, position)
        if len(head) < 8:
            return
        kind, length = head[:4], int.from_bytes(head[4:8], "little")
        end = position + 8 + length
        if kind == b"RIFF":
            if end > size:
                yield kind, b"", position + 12, end
            position += 12
            continue
        is_list = kind == b"LIST"
        yield kind, head[8:12] if is_list else b"", position + (12 if is_list else 8), end
        position = end + length % 2


def _is_sound(fd: int, start: int, end: int, movi: int) -> bool:
    """Return whether the first and the last index entry point at chunks of their own name."""
    count = (end - start) // _ENTRY
    if count < 1:
        return False
    for place in (start, start + (count - 1) * _ENTRY):
        entry = read_at(fd, _ENTRY, place)
        offset = int.from_bytes(entry[8:12], "little")
        # Offsets count from the list's type, or from the file's start with some writers.
        if len(entry) < _ENTRY or entry[:4] not in {read_at(fd, 4, movi - 4 + offset), read_at(fd, 4, offset)}:
            return False
    return True


def _lists(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    position = 0
    for _ in range(MAX_CHUNKS):
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        if len(kind) < 4:
            return
        body = data[position + 8 : position + 8 + length]
        yield (kind, body[:4], body[4:]) if kind == b"LIST" else (kind, b"", body)
        position += 8 + length + length % 2


def _header(data: bytes, facts: dict[str, Any]) -> None:
    for _, sort, body in _lists(data):
        if sort == b"strl":
            facts["tracks"].append(_stream(body, len(facts["tracks"]), facts))


def _stream(data: bytes, number: int, facts: dict[str, Any]) -> dict[str, Any]:
    track: dict[str, Any] = {"id": number}
    for kind, _, body in _lists(data):
        if kind == b"strh":
            scale, rate, length = (int.from_bytes(body[at : at + 4], "little") for at in (20, 24, 32))
            track["tag"] = body[4:8].decode("latin-1")
            if scale and rate and length:
                track["seconds"] = (length * scale, rate)
            if body[:4] == b"vids" and scale and rate:
                track["rate"] = (rate, scale)
        elif kind == b"indx":
            facts["indexed"] = True
    return track
