"""The packets of a file without decoding them: times, sizes, keyframes, read by ffmpeg's framecrc format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.model.media import Container
from preflight.tools import containers, process
from preflight.tools import ffmpeg as tool

_NO_TIME = -(2**63)
"""An absent timestamp in libavutil (`AV_NOPTS_VALUE`)."""
_KEY_FLAG = 0x1
"""Bit of a keyframe (`AV_PKT_FLAG_KEY`)."""
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
    """The parameters of a stream in a listing. `extradata` is a checksum of the codec's parameter sets."""

    kind: str = ""
    codec: str = ""
    time_base: Fraction = Fraction(1, 1000)
    size: tuple[int, int] | None = None
    sar: Fraction | None = None
    sample_rate: int | None = None
    layout: str = ""
    extradata: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The streams of a listing by their number in it, and their packets in decoding order."""

    heads: dict[int, Head]
    packets: tuple[Packet, ...]

    def of(self, stream: int) -> list[Packet]:
        """Return the packets of one stream."""
        return [packet for packet in self.packets if packet.stream == stream]

    def end(self, stream: int) -> Fraction:
        """Return when the last packet of `stream` ends, in seconds; 0 without packets."""
        last = max((p.pts + p.duration for p in self.packets if p.stream == stream), default=0)
        return last * self.heads[stream].time_base


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
    cancel: Cancel | None = None,
) -> Listing:
    """Return the packets of the streams that `maps` choose (ffmpeg's `-map`), times from the file's start.

    `seek` and `length` (seconds) limit the listing to a range, whose times then count from `seek`. `container` is the
    file's kind. Raises ToolError, CancelledError.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error", *_reading(container)]
    argv += ["-ss", f"{float(seek):.6f}"] if seek is not None else []
    argv += ["-t", f"{float(length):.6f}"] if length is not None else []
    return _listed([*argv, "-i", tool.local(path), *listing_output(maps), "-"], cancel)


def _reading(container: Container) -> list[str]:
    options = containers.reading_options(container).items()
    return [*tool.INPUT_GUARD, *(word for name, value in options for word in (f"-{name}", value))]


def windows(
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


def decoded_times(path: Path, *, ffmpeg: str, cancel: Cancel | None = None) -> list[Fraction]:
    """Return when each frame of the video is shown, in seconds from the file's start, by decoding all of it.

    Raises ToolError, CancelledError.
    """
    argv = [
        ffmpeg,
        "-hide_banner",
        "-nostdin",
        "-v",
        "error",
        *tool.INPUT_GUARD,
        "-i",
        tool.local(path),
        "-map",
        "0:V:0",
    ]
    # The frames themselves are not looked at, and small ones are listed faster.
    listing = _listed([*argv, "-vf", "scale=16:16", "-fps_mode", "passthrough", "-f", "framecrc", "-"], cancel)
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
    packets: list[Packet] = []
    try:
        for line in lines:
            if line.startswith("#"):
                _note(line, facts)
            elif line.strip():
                packets.append(_packet(line))
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise ToolError(f"ffmpeg's packet list can't be read: {error}.") from error
    heads = {number: _head(fact) for number, fact in facts.items()}
    return Listing(heads=heads, packets=tuple(p for p in packets if p.stream in heads))


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
