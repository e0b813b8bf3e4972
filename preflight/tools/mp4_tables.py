"""The packets of an MP4 or QuickTime file from its sample tables (ISO/IEC 14496-12), without reading the samples."""

from __future__ import annotations

import operator
import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import accumulate, chain, repeat
from pathlib import Path
from typing import BinaryIO

from preflight.errors import ToolError
from preflight.tools.packets import Head, Listing, PacketTable

_MAX_TABLES = 1 << 29
"""Bytes of a movie header beyond which it is left to ffmpeg."""
_KINDS = {b"vide": "video", b"soun": "audio", b"subt": "subtitle", b"sbtl": "subtitle", b"text": "subtitle"}
"""ffmpeg's kinds of stream by the handler of a track."""
_CONTAINERS = frozenset({b"trak", b"mdia", b"minf", b"stbl", b"edts"})
"""Boxes on the way to the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tracks of a file in their order.

    `offsets` give where each packet's data lies in the file, in bytes; `matrices` are the four numbers of each track's
    display matrix that turn and mirror it.
    """

    listing: Listing
    offsets: dict[int, Callable[[], Sequence[int]]]
    matrices: dict[int, tuple[int, int, int, int]]


class _UnsupportedError(Exception):
    """The file is one that only ffmpeg reads: fragments, several edits, damaged or compressed tables."""


def read(path: Path) -> Tables | None:
    """Return the packets of the MP4 at `path`, times as a player shows them; None for a file that ffmpeg should list.

    Raises OSError.
    """
    with path.open("rb") as file:
        try:
            movie = _movie(file, path.stat().st_size)
            return None if movie is None else _tables(movie)
        except (_UnsupportedError, struct.error, IndexError, KeyError, ValueError, ZeroDivisionError, OverflowError):
            return None


def video_matrices(path: Path) -> list[tuple[int, int, int, int]]:
    """Return the display matrix of each video track of an MP4, none for a file without tables. Raises OSError."""
    with path.open("rb") as file:
        try:
            movie = _movie(file, path.stat().st_size) or b""
            tracks = [dict(_inner(movie, start, end)) for kind, start, end in _boxes(movie) if kind == b"trak"]
            return [
                _matrix(movie, boxes[b"tkhd"][0])
                for boxes in tracks
                if movie[boxes[b"hdlr"][0] + 8 : boxes[b"hdlr"][0] + 12] == b"vide"
            ]
        except (_UnsupportedError, struct.error, IndexError, KeyError):
            return []


def write_video_matrix(path: Path, matrix: bytes) -> None:
    """Give the first video track of an MP4 the display matrix `matrix`, 36 bytes as `fmp4.display_matrix` returns them.

    Raises OSError; ToolError when the file has no such track.
    """
    with path.open("r+b") as file:
        try:
            begin, movie = _found(file, path.stat().st_size) or (0, b"")
            tracks = (dict(_inner(movie, start, end)) for kind, start, end in _boxes(movie) if kind == b"trak")
            header = next(
                boxes[b"tkhd"][0]
                for boxes in tracks
                if movie[boxes[b"hdlr"][0] + 8 : boxes[b"hdlr"][0] + 12] == b"vide"
            )
        except (_UnsupportedError, struct.error, IndexError, KeyError, StopIteration):
            raise ToolError(f"{path.name} has no video track whose header can be read.") from None
        file.seek(begin + header + _matrix_place(movie, header))
        file.write(matrix)


def _movie(file: BinaryIO, end: int) -> bytes | None:
    """Return the content of the movie box, None where there is none or where fragments follow it."""
    found = _found(file, end)
    return None if found is None else found[1]


def _found(file: BinaryIO, end: int) -> tuple[int, bytes] | None:
    """Return where the content of the movie box begins, and the content; None as `_movie` does."""
    movie = None
    position = 0
    while position + 8 <= end:
        file.seek(position)
        size, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            size, header = struct.unpack(">Q", file.read(8))[0], 16
        if size == 0:
            size = end - position
        if size < header or kind == b"moof":
            return None
        if kind == b"moov":
            if size > _MAX_TABLES:
                return None
            movie = position + header, file.read(size - header)
        position += size
    return movie


def _boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the content of each box between two places."""
    position, last = start, len(data) if end is None else end
    while position + 8 <= last:
        size, kind = struct.unpack_from(">I4s", data, position)
        if size < 8 or position + size > last:
            raise _UnsupportedError
        yield kind, position + 8, position + size
        position += size


def _tables(movie: bytes) -> Tables:
    timescale = 0
    heads: dict[int, Head] = {}
    tables: dict[int, PacketTable] = {}
    offsets: dict[int, Callable[[], Sequence[int]]] = {}
    matrices: dict[int, tuple[int, int, int, int]] = {}
    for kind, start, end in _boxes(movie):
        if kind in {b"mvex", b"cmov"}:
            raise _UnsupportedError
        if kind == b"mvhd":
            timescale = _scale(movie, start)
        if kind == b"trak":
            number = len(heads)
            boxes = dict(_inner(movie, start, end))
            heads[number], tables[number], sizes = _track(movie, boxes, number, timescale)
            offsets[number] = partial(_places, movie, boxes, sizes)
            matrices[number] = _matrix(movie, boxes[b"tkhd"][0])
    listing = Listing(heads=heads, tables=tables)
    return Tables(listing=listing, offsets=offsets, matrices=matrices)


def _matrix(movie: bytes, start: int) -> tuple[int, int, int, int]:
    """Return a, b, c and d of the matrix in a track header: (a c; b d) turns and mirrors, in units of 1/65536."""
    a, b, _, c, d = struct.unpack_from(">5i", movie, start + _matrix_place(movie, start))
    return a, b, c, d


def _matrix_place(movie: bytes, start: int) -> int:
    """Return how far behind its start a track header has its matrix, in bytes."""
    return 52 if movie[start] == 1 else 40


def _scale(data: bytes, start: int) -> int:
    """Return the ticks a second in a movie or media header."""
    return int(struct.unpack_from(">I", data, start + (20 if data[start] == 1 else 12))[0])


def _track(
    movie: bytes, found: dict[bytes, tuple[int, int]], number: int, timescale: int
) -> tuple[Head, PacketTable, list[int]]:
    scale = _scale(movie, found[b"mdhd"][0])
    handler = movie[found[b"hdlr"][0] + 8 : found[b"hdlr"][0] + 12]
    code = movie[found[b"stsd"][0] + 12 : found[b"stsd"][0] + 16].decode("latin-1")
    sizes = _sizes(movie, found)
    durations = list(_runs(movie, *found[b"stts"], ">II", len(sizes)))
    shifts = list(_runs(movie, *found[b"ctts"], ">Ii", len(sizes))) if b"ctts" in found else list(repeat(0, len(sizes)))
    if not len(sizes) == len(durations) == len(shifts):
        raise _UnsupportedError
    if handler == b"soun" and durations and durations[0] == 1:
        # Uncompressed sound: ffmpeg's packets hold many samples.
        raise _UnsupportedError
    begin, first, finish = _edit(movie, found.get(b"elst"), scale, timescale)
    times = list(accumulate(durations, initial=0))[:-1]
    keys = set(_numbers(movie, found[b"stss"][0])) if b"stss" in found else None
    decoded = array("q", map(begin.__add__, times))
    shown = array("q", map(operator.add, decoded, shifts))
    table = PacketTable.of_columns(
        number,
        dts=decoded,
        pts=shown,
        durations=durations,
        sizes=sizes,
        flags=(
            (keys is None or position in keys)
            # ffmpeg leaves a frame out that an edit cuts in two, and plays sound from the middle of a packet on.
            | ((time >= first if handler == b"vide" else -duration < time) and (finish is None or time < finish)) << 1
            for position, (time, duration) in enumerate(zip(shown, durations, strict=True), start=1)
        ),
    )
    head = Head(kind=_KINDS.get(handler, "data"), codec=code, time_base=Fraction(1, scale))
    return head, table, sizes


def _inner(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield type and extent of every box of a track that lies on the way to its tables."""
    for kind, inner, last in _boxes(data, start, end):
        # `minf` of QuickTime has a second handler, that of the data.
        if kind == b"minf":
            yield from ((name, extent) for name, extent in _inner(data, inner, last) if name != b"hdlr")
        elif kind in _CONTAINERS:
            yield from _inner(data, inner, last)
        else:
            yield kind, (inner, last)


def _integers(data: bytes, start: int, count: int, code: str) -> array[int]:
    values = array(code)
    values.frombytes(data[start : start + count * values.itemsize])
    if len(values) != count:
        raise _UnsupportedError
    if sys.byteorder == "little":
        values.byteswap()
    return values


def _numbers(data: bytes, start: int) -> array[int]:
    """Return a table of 32-bit numbers behind their count."""
    return _integers(data, start + 8, struct.unpack_from(">I", data, start + 4)[0], "I")


def _sizes(movie: bytes, found: dict[bytes, tuple[int, int]]) -> list[int]:
    start = found[b"stsz"][0]
    uniform, count = struct.unpack_from(">II", movie, start + 4)
    if count > _MAX_TABLES:
        raise _UnsupportedError
    return [uniform] * count if uniform else _integers(movie, start + 12, count, "I").tolist()


def _runs(movie: bytes, start: int, _: int, code: str, most: int) -> Iterator[int]:
    """Return the values of a table of runs (count, value), one for each sample."""
    (count,) = struct.unpack_from(">I", movie, start + 4)
    entries = list(struct.iter_unpack(code, movie[start + 8 : start + 8 + count * 8]))
    if sum(entry[0] for entry in entries) > most:
        raise _UnsupportedError
    return chain.from_iterable(repeat(value, times) for times, value in entries)


def _edit(movie: bytes, extent: tuple[int, int] | None, scale: int, timescale: int) -> tuple[int, int, int | None]:
    """Return what is added to a sample's time to get its presentation time, and begin and end of the presentation.

    All are in ticks.

    Empty edits delay a track, and one edit at the normal rate may follow.
    """
    if extent is None:
        return 0, 0, None
    start = extent[0]
    wide = movie[start] == 1
    (count,) = struct.unpack_from(">I", movie, start + 4)
    step, code = (20, ">Qqi") if wide else (12, ">Iii")
    delay = Fraction(0)
    for number in range(count):
        length, media_time, rate = struct.unpack_from(code, movie, start + 8 + number * step)
        seconds = Fraction(length, timescale)
        if media_time < 0 and number < count - 1:
            delay += seconds
        elif number == count - 1 and rate == 1 << 16 and media_time >= 0:
            shift = round(delay * scale)
            # The movie's ticks are coarser than the media's, so a presentation that ends within one ends behind it.
            last = shift + -(-length * scale // timescale) + scale // timescale if length else None
            return shift - media_time, shift, last
        else:
            raise _UnsupportedError
    return 0, 0, None


def _places(movie: bytes, found: dict[bytes, tuple[int, int]], sizes: list[int]) -> array[int]:
    """Return the offset of each sample in the file."""
    if b"co64" in found:
        start = found[b"co64"][0]
        chunks = _integers(movie, start + 8, struct.unpack_from(">I", movie, start + 4)[0], "Q")
    else:
        chunks = _numbers(movie, found[b"stco"][0])
    start = found[b"stsc"][0]
    (count,) = struct.unpack_from(">I", movie, start + 4)
    runs = list(struct.iter_unpack(">III", movie[start + 8 : start + 8 + count * 12]))
    places = array("Q")
    for number, (first, samples, _) in enumerate(runs):
        last = runs[number + 1][0] if number + 1 < len(runs) else len(chunks) + 1
        for chunk in range(first - 1, last - 1):
            within = sizes[len(places) : len(places) + samples]
            places.extend(accumulate(within[:-1], initial=chunks[chunk]))
    if len(places) != len(sizes):
        raise _UnsupportedError
    return places
