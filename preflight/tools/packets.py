"""The packets of a file without decoding them: times, sizes, keyframes, read by ffmpeg's framecrc format."""

from __future__ import annotations

import bisect
import math
import operator
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, compress, islice
from pathlib import Path
from typing import NamedTuple, overload

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.model.media import Container
from preflight.tools import containers, process
from preflight.tools import ffmpeg as tool

_NO_TIME = -(2**63)
"""An absent timestamp in libavutil (`AV_NOPTS_VALUE`)."""
_KEY_FLAG = 0x1
"""Bit of a keyframe (`AV_PKT_FLAG_KEY`)."""
_DECODED_BASE = "1:90000"
"""Time base of decoded frames: exact for every common frame rate."""
_UNKNOWN = -1
"""A checksum that was not computed."""
_DISCARD_FLAG = 0x4
"""Bit of a packet that is decoded but not presented (`AV_PKT_FLAG_DISCARD`)."""


class Packet(NamedTuple):
    """One packet of a stream.

    `pts`, `dts` and `duration` are in the stream's time base, `size` is in bytes. `checksum` is the Adler-32 of its
    data that starts from 0, None where it was not computed. `shown` is False for a packet that is only decoded, not
    presented, because an edit list leaves it out.
    """

    stream: int
    dts: int
    pts: int
    duration: int
    size: int
    key: bool
    checksum: int | None = None
    shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The parameters of a stream in a listing. `extradata` is the size and a checksum of the codec's parameter sets."""

    kind: str = ""
    codec: str = ""
    time_base: Fraction = Fraction(1, 1000)
    size: tuple[int, int] | None = None
    sar: Fraction | None = None
    sample_rate: int | None = None
    layout: str = ""
    extradata: str = ""

    @property
    def extradata_size(self) -> int:
        """Bytes of the codec's parameter sets; 0 where they are not told."""
        size = self.extradata.partition(",")[0].strip()
        return int(size) if size.isdigit() else 0


_COLUMNS = ("_dts", "_pts", "_durations", "_sizes", "_checksums", "_flags")


class PacketTable(Sequence[Packet]):
    """The packets of one stream in decoding order, in 41 bytes each: a file of hours has millions."""

    __slots__ = ("_checksums", "_disordered", "_dts", "_durations", "_flags", "_pts", "_sizes", "stream")

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self._dts, self._pts, self._durations = array("q"), array("q"), array("q")
        self._sizes, self._checksums = array("Q"), array("q")
        self._flags = array("B")
        self._disordered: bool | None = None

    def append(self, packet: Packet) -> None:
        """Add one packet behind the others."""
        self._dts.append(packet.dts)
        self._pts.append(packet.pts)
        self._durations.append(packet.duration)
        self._sizes.append(packet.size)
        self._checksums.append(_UNKNOWN if packet.checksum is None else packet.checksum)
        self._flags.append(packet.key | packet.shown << 1)

    @classmethod
    def of_columns(
        cls,
        stream: int,
        *,
        dts: Iterable[int],
        pts: Iterable[int],
        durations: Iterable[int],
        sizes: Iterable[int],
        flags: Iterable[int],
    ) -> PacketTable:
        """Return the table of equally long columns; `flags` are 1 for a keyframe plus 2 for a shown packet."""
        table = cls(stream)
        table._dts, table._pts, table._durations = array("q", dts), array("q", pts), array("q", durations)
        table._sizes, table._flags = array("Q", sizes), array("B", flags)
        table._checksums = array("q", [_UNKNOWN]) * len(table._dts)
        return table

    def numbered(self, stream: int) -> PacketTable:
        """Return the same packets as those of stream number `stream`."""
        table = PacketTable(stream)
        for name in _COLUMNS:
            setattr(table, name, getattr(self, name))
        return table

    @overload
    def __getitem__(self, index: int) -> Packet: ...
    @overload
    def __getitem__(self, index: slice) -> list[Packet]: ...
    def __getitem__(self, index: int | slice) -> Packet | list[Packet]:
        """Return one packet, or a list of some."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        checksum, flags = self._checksums[index], self._flags[index]
        return Packet(
            self.stream,
            self._dts[index],
            self._pts[index],
            self._durations[index],
            self._sizes[index],
            bool(flags & 1),
            None if checksum == _UNKNOWN else checksum,
            bool(flags & 2),
        )

    def __len__(self) -> int:
        """Return how many packets there are."""
        return len(self._dts)

    @property
    def times(self) -> array[int]:
        """The presentation times, in decoding order."""
        return self._pts

    @property
    def decoding_times(self) -> array[int]:
        """The decoding times."""
        return self._dts

    @property
    def sizes(self) -> array[int]:
        """The sizes in bytes."""
        return self._sizes

    @property
    def checksums(self) -> array[int]:
        """The checksums, -1 where one was not computed."""
        return self._checksums

    def ends(self) -> Iterator[int]:
        """Yield when each packet ends."""
        return map(operator.add, self._pts, self._durations)

    def shown_times(self) -> list[int]:
        """Return the presentation times of the packets that are shown, in their order."""
        return sorted(compress(self._pts, map((2).__and__, self._flags)))

    def shown(self) -> PacketTable:
        """Return the packets that are shown."""
        return self.chosen(map((2).__and__, self._flags))

    def hidden(self) -> int:
        """Return how many packets are decoded but not shown."""
        return sum(1 for flags in self._flags if not flags & 2)

    def has_empty(self) -> bool:
        """Return True when a packet has no data."""
        return 0 in self._sizes

    def chosen(self, selectors: Iterable[object]) -> PacketTable:
        """Return the packets whose selector is true."""
        kept = list(selectors)
        table = PacketTable(self.stream)
        for name in _COLUMNS:
            column = getattr(self, name)
            setattr(table, name, array(column.typecode, compress(column, kept)))
        return table

    def part(self, start: int, end: int) -> PacketTable:
        """Return the packets with numbers from `start` up to `end`."""
        table = PacketTable(self.stream)
        for name in _COLUMNS:
            setattr(table, name, getattr(self, name)[start:end])
        return table

    def shifted(self, ticks: int) -> PacketTable:
        """Return the same packets, shown later by some ticks."""
        table = self.numbered(self.stream)
        setattr(table, "_pts", array("q", map(ticks.__add__, self._pts)))  # noqa: B010
        return table

    def delayed(self, ticks: int) -> PacketTable:
        """Return the same packets, decoded and shown later by some ticks."""
        return self.retimed(map(ticks.__add__, self._dts), map(ticks.__add__, self._pts)) if ticks else self

    def retimed(self, dts: Iterable[int], pts: Iterable[int]) -> PacketTable:
        """Return the same packets at other decoding and presentation times."""
        table = PacketTable.of_columns(
            self.stream, dts=dts, pts=pts, durations=self._durations, sizes=self._sizes, flags=self._flags
        )
        setattr(table, "_checksums", self._checksums)  # noqa: B010
        return table

    def with_data(self) -> PacketTable:
        """Return the packets that are not empty."""
        return self.chosen(self._sizes) if self.has_empty() else self

    def decoded_between(self, first: Fraction | None, last: Fraction | None) -> PacketTable:
        """Return the packets whose decoding times lie in a range (None: no bound), or all where these step back."""
        start = 0 if first is None else bisect.bisect_left(self._dts, math.floor(first))
        end = len(self) if last is None else bisect.bisect_right(self._dts, math.ceil(last))
        return self if self._steps_back() else self.part(start, end)

    def _steps_back(self) -> bool:
        if self._disordered is None:
            self._disordered = any(map(operator.gt, self._dts, islice(self._dts, 1, None)))
        return self._disordered

    def end(self) -> int:
        """Return when the last packet ends, in the stream's time base; 0 without packets."""
        return max(self.ends(), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The streams of a listing by their number in it, and the packets of each in decoding order."""

    heads: dict[int, Head]
    tables: dict[int, PacketTable]

    @property
    def packets(self) -> tuple[Packet, ...]:
        """All packets, stream by stream."""
        return tuple(chain.from_iterable(self.tables.values()))

    def of(self, stream: int) -> PacketTable:
        """Return the packets of one stream."""
        return self.tables.get(stream) or PacketTable(stream)

    def end(self, stream: int) -> Fraction:
        """Return when the last packet of `stream` ends, in seconds; 0 without packets."""
        return self.of(stream).end() * self.heads[stream].time_base


def listing_output(maps: Sequence[str]) -> list[str]:
    """Return ffmpeg's options of an output that lists the packets of the streams that `maps` choose.

    Packets before the first keyframe are listed too, which ffmpeg drops from copies unless told otherwise.
    """
    return [*(word for name in maps for word in ("-map", name)), "-c", "copy", "-copyinkf", "-f", "framecrc"]


def scan(
    path: Path,
    *,
    ffmpeg: str,
    maps: Sequence[str] = ("0:v:0",),
    seek: Fraction | None = None,
    length: Fraction | None = None,
    container: Container = Container.MP4,
    own_times: bool = False,
    cancel: Cancel | None = None,
) -> Listing:
    """Return the packets of the streams that `maps` choose (ffmpeg's `-map`), times from the file's start.

    `seek` and `length` (seconds) limit the listing to a range, whose times then count from `seek`. `container` is the
    file's kind. With `own_times` times are those in the file. Raises ToolError, CancelledError.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error", *_reading(container)]
    argv += ["-copyts"] if own_times else []
    argv += ["-ss", f"{float(seek):.6f}"] if seek is not None else []
    argv += ["-t", f"{float(length):.6f}"] if length is not None else []
    return _listed([*argv, "-i", tool.local(path), *listing_output(maps), "-"], cancel)


def _reading(container: Container) -> list[str]:
    options = containers.reading_options(container).items()
    return [*tool.INPUT_GUARD, *(word for name, value in options for word in (f"-{name}", value))]


def read_windows(
    path: Path,
    starts: Sequence[Fraction],
    length: Fraction,
    *,
    ffmpeg: str,
    container: Container = Container.MP4,
    cancel: Cancel | None = None,
) -> Listing:
    """Return the video packets in several ranges of `length` seconds, read by one process.

    Stream n of the listing is the range from `starts[n]`, from which its times count; it begins with the keyframe
    before. Raises ToolError, CancelledError.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error"]
    for start in starts:
        argv += [*_reading(container), "-ss", f"{float(start):.6f}", "-t", f"{float(length):.6f}"]
        argv += ["-i", tool.local(path)]
    return _listed([*argv, *listing_output([f"{number}:V:0" for number in range(len(starts))]), "-"], cancel)


def decoded_times(
    path: Path,
    *,
    ffmpeg: str,
    seek: Fraction | None = None,
    length: Fraction | None = None,
    cancel: Cancel | None = None,
) -> list[Fraction]:
    """Return when each frame of the video is shown, in seconds from the file's start, by decoding all of it.

    `seek` and `length` (seconds) limit it to a range, whose times then count from `seek`. Raises ToolError,
    CancelledError.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error", *tool.INPUT_GUARD]
    argv += ["-ss", f"{float(seek):.6f}"] if seek else []
    argv += ["-t", f"{float(length):.6f}"] if length is not None else []
    # The frames themselves are not looked at, and small ones are listed faster.
    # By default their times are rounded to those of a constant frame rate.
    exact = ["-vf", "scale=16:16", "-fps_mode", "passthrough", "-enc_time_base", _DECODED_BASE]
    listing = _listed([*argv, "-i", tool.local(path), "-map", "0:V:0", *exact, "-f", "framecrc", "-"], cancel)
    return [packet.pts * listing.heads[0].time_base for packet in listing.of(0)]


def _listed(argv: Sequence[str], cancel: Cancel | None) -> Listing:
    done = process.run(argv, cancel=cancel)
    if done.status:
        raise tool.failure(done.stderr_tail, status=done.status)
    return parse(done.stdout.decode("ascii", "replace").splitlines())


def parse_file(path: Path) -> Listing:
    """Return the listing that an output of `listing_output` wrote to a file. Raises ToolError, OSError."""
    with path.open(encoding="ascii", errors="replace") as lines:
        return parse(lines)


def parse(lines: Iterable[str]) -> Listing:
    """Return the listing in the text of a framecrc file. Raises ToolError for anything else."""
    facts: dict[int, dict[str, str]] = {}
    tables: dict[int, PacketTable] = {}
    try:
        for line in lines:
            if line.startswith("#"):
                _note(line, facts)
            elif line.strip():
                packet = _packet(line)
                if packet.stream not in tables:
                    tables[packet.stream] = PacketTable(packet.stream)
                tables[packet.stream].append(packet)
    except (ValueError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise ToolError(f"ffmpeg's packet list can't be read: {error}.") from error
    heads = {number: _head(fact) for number, fact in facts.items()}
    return Listing(heads=heads, tables={number: table for number, table in sorted(tables.items()) if number in heads})


def _note(line: str, facts: dict[int, dict[str, str]]) -> None:
    name, _, value = line[1:].partition(":")
    word, _, number = name.strip().partition(" ")
    if number.isdigit():
        facts.setdefault(int(number), {})[word] = value.strip()


def _head(fact: dict[str, str]) -> Head:
    wide, _, high = fact.get("dimensions", "").partition("x")
    above, _, below = fact.get("sar", "0/1").partition("/")
    rate = fact.get("sample_rate", "")
    return Head(
        kind=fact.get("media_type", ""),
        codec=fact.get("codec_id", ""),
        time_base=Fraction(fact.get("tb", "1/1000")),
        size=(int(wide), int(high)) if wide and high else None,
        sar=Fraction(int(above), int(below)) if int(above) and int(below) else None,
        sample_rate=int(rate) if rate.isdigit() else None,
        layout=fact.get("channel_layout_name", ""),
        extradata=fact.get("extradata", ""),
    )


def _packet(line: str) -> Packet:
    words = line.split(",", 7)
    dts, pts = int(words[1]), int(words[2])
    # Flags are written only when they differ from "keyframe, nothing else".
    flags = int(words[6][3:], 16) if len(words) > 6 and words[6].startswith(" F=") else _KEY_FLAG
    if pts == _NO_TIME:
        pts = 0 if dts == _NO_TIME else dts
    return Packet(
        int(words[0]),
        pts if dts == _NO_TIME else dts,
        pts,
        int(words[3]),
        int(words[4]),
        bool(flags & _KEY_FLAG),
        int(words[5], 16),
        not flags & _DISCARD_FLAG,
    )
