"""Packets with exact times as the plainest fragmented MP4 that ffmpeg reads from a pipe (ISO/IEC 14496-12 and -15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from preflight.model.media import ColorTags

UPRIGHT = (1, 0, 0, 1)
"""Display matrix (a, b, c, d) of a picture that is shown as it is stored."""
_TRACK = (1).to_bytes(4, "big")
_SYNC, _OTHER = 0x02000000, 0x01010000
_DURATIONS_SIZES_FLAGS_OFFSETS = 0xF01
_BASE_IS_MOOF = 0x020000
_UNSAID = 2
_NO_COLOR = ColorTags()
_PRIMARIES = {
    "bt709": 1, "bt470m": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "film": 8, "bt2020": 9, "smpte428": 10,
    "smpte431": 11, "smpte432": 12, "ebu3213": 22,
}  # fmt: skip
_TRANSFERS = {
    "bt709": 1, "bt470m": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "linear": 8, "log100": 9, "log316": 10,
    "iec61966-2-4": 11, "bt1361e": 12, "iec61966-2-1": 13, "bt2020-10": 14, "bt2020-12": 15, "smpte2084": 16,
    "smpte428": 17, "arib-std-b67": 18,
}  # fmt: skip
_MATRICES = {
    "gbr": 0, "bt709": 1, "fcc": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "ycgco": 8, "bt2020nc": 9,
    "bt2020c": 10, "ictcp": 14,
}  # fmt: skip
"""Numbers of ITU-T H.273 by ffmpeg's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuxedTrack:
    """The picture of a file: stored size in samples, ticks a second, and the decoder's configuration.

    `entry` is the kind of sample entry (`avc1`, `hvc1`, `hev1`) and `record` its configuration box as `(kind, bytes)`.
    `matrix` is (a, b, c, d) of the display matrix. `light` are further boxes of the sample entry, such as `mdcv`.
    """

    width: int
    height: int
    ticks: int
    record: tuple[str, bytes]
    entry: str = "avc1"
    sar: Fraction = Fraction(1)
    color: ColorTags = _NO_COLOR
    matrix: tuple[int, int, int, int] = UPRIGHT
    light: tuple[tuple[str, bytes], ...] = ()


class Sample(NamedTuple):
    """One packet: its bytes, and decoding time, duration and offset of its showing in ticks, none negative."""

    data: bytes
    time: int
    duration: int
    offset: int
    key: bool


def _box(kind: str, *parts: bytes) -> bytes:
    size = 8 + sum(map(len, parts))
    return size.to_bytes(4, "big") + kind.encode("ascii") + b"".join(parts)


def _full(kind: str, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, bytes((version,)), flags.to_bytes(3, "big"), *parts)


def _words(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)


def header(track: MuxedTrack) -> bytes:
    """Return what comes before the first fragment of a stream like `track`."""
    width, height = track.width, track.height
    entry = bytes(6) + b"\0\1" + bytes(16) + width.to_bytes(2, "big") + height.to_bytes(2, "big")
    entry += _words(0x480000, 0x480000, 0) + b"\0\1" + bytes(32) + b"\0\x18\xff\xff"
    shape = _box("pasp", _words(track.sar.numerator, track.sar.denominator))
    kind, record = track.record
    light = b"".join(_box(name, content) for name, content in track.light)
    described = _box(track.entry, entry, _box(kind, record), shape, _colors(track.color), light)
    empty = [_full(name, 0, 0, _words(0)) for name in ("stts", "stsc", "stco")]
    table = _box("stbl", _full("stsd", 0, 0, _words(1), described), *empty, _full("stsz", 0, 0, _words(0, 0)))
    here = _box("dinf", _full("dref", 0, 0, _words(1), _full("url ", 0, 1)))
    media = _box(
        "mdia",
        _full("mdhd", 0, 0, _words(0, 0, track.ticks, 0), b"\x55\xc4\0\0"),
        _full("hdlr", 0, 0, _words(0), b"vide", bytes(13)),
        _box("minf", _full("vmhd", 0, 1, bytes(8)), here, table),
    )
    size = _words(width << 16, height << 16)
    tkhd = _full("tkhd", 0, 3, _words(0, 0), _TRACK, bytes(24), display_matrix(track.matrix, width, height), size)
    movie = _full(
        "mvhd",
        0,
        0,
        _words(0, 0, 1000, 0, 0x10000),
        b"\1\0",
        bytes(10),
        display_matrix(UPRIGHT, 0, 0),
        bytes(24),
        _words(2),
    )
    extends = _box("mvex", _full("trex", 0, 0, _TRACK, _words(1, 0, 0, 0)))
    return _box("ftyp", b"iso5", _words(0), b"iso5") + _box("moov", movie, _box("trak", tkhd, media), extends)


def display_matrix(turn: tuple[int, int, int, int], width: int, height: int) -> bytes:
    """Return the display matrix of `turn` (a, b, c, d) in fixed point, which keeps the shown picture at the origin.

    `width` and `height` are those of the stored picture (ISO/IEC 14496-12, 8.3.2: 16.16, the last column 2.30).
    """
    a, b, c, d = turn
    right = width * (a < 0) + height * (c < 0)
    down = width * (b < 0) + height * (d < 0)
    values = (a << 16, b << 16, 0, c << 16, d << 16, 0, right << 16, down << 16, 1 << 30)
    return b"".join(value.to_bytes(4, "big", signed=True) for value in values)


def _colors(color: ColorTags) -> bytes:
    named = ((_PRIMARIES, color.primaries), (_TRANSFERS, color.transfer), (_MATRICES, color.matrix))
    codes = b"".join(table.get(name or "", _UNSAID).to_bytes(2, "big") for table, name in named)
    return _box("colr", b"nclx", codes, b"\x80" if color.full_range else b"\0")


def fragment(number: int, samples: Sequence[Sample]) -> bytes:
    """Return the `number`th fragment (from 1), which holds `samples` one after the other."""
    rows = [_words(s.duration, len(s.data), _SYNC if s.key else _OTHER, s.offset) for s in samples]
    length = 0
    # The second time round the size is known, which the run of samples has to tell.
    for _ in range(2):
        run = _full("trun", 0, _DURATIONS_SIZES_FLAGS_OFFSETS, _words(len(samples), length + 8), *rows)
        start = _full("tfdt", 1, 0, samples[0].time.to_bytes(8, "big"))
        track = _box("traf", _full("tfhd", 0, _BASE_IS_MOOF, _TRACK), start, run)
        head = _box("moof", _full("mfhd", 0, 0, _words(number)), track)
        length = len(head)
    return head + _box("mdat", *(sample.data for sample in samples))
