"""The packets of a file without decoding them: times, sizes, keyframes, read by ffmpeg's framecrc format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.tools import ffmpeg as tool
from preflight.tools import process

_NO_TIME = -(2**63)
"""How libavutil writes an absent timestamp (`AV_NOPTS_VALUE`)."""
_KEY_FLAG = 0x1


class Packet(NamedTuple):
    """One packet; `pts`, `dts` and `duration` in the stream's time base, `size` in bytes."""

    stream: int
    dts: int
    pts: int
    duration: int
    size: int
    key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a muxer is told of a stream before its packets. `extradata` is a checksum of the codec's setup."""

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


def scan(
    path: Path,
    *,
    ffmpeg: str,
    maps: Sequence[str] = ("0:v:0",),
    seek: Fraction | None = None,
    length: Fraction | None = None,
    cancel: Cancel | None = None,
) -> Listing:
    """Return the packets of the streams that `maps` choose (ffmpeg's `-map`), times from the file's start.

    `seek` and `length` (seconds) limit the listing to a stretch, whose times then count from `seek`. Raises ToolError.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error", *tool.INPUT_GUARD]
    argv += ["-ss", f"{float(seek):.6f}"] if seek is not None else []
    argv += ["-t", f"{float(length):.6f}"] if length is not None else []
    argv += ["-i", tool.local(path), *(word for name in maps for word in ("-map", name))]
    done = process.run([*argv, "-c", "copy", "-f", "framecrc", "-"], cancel=cancel)
    if done.status:
        raise tool.failure(done.stderr_tail)
    return parse(done.stdout.decode("ascii", "replace").splitlines())


def windows(
    path: Path, starts: Sequence[Fraction], length: Fraction, *, ffmpeg: str, cancel: Cancel | None = None
) -> Listing:
    """Return the picture's packets in several stretches of `length` seconds, read by one process.

    Stream n of the listing is the stretch from `starts[n]`, from which its times count; it begins with the keyframe
    before. Raises ToolError.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error"]
    for start in starts:
        argv += [*tool.INPUT_GUARD, "-ss", f"{float(start):.6f}", "-t", f"{float(length):.6f}", "-i", tool.local(path)]
    argv += [word for number in range(len(starts)) for word in ("-map", f"{number}:V:0")]
    done = process.run([*argv, "-c", "copy", "-f", "framecrc", "-"], cancel=cancel)
    if done.status:
        raise tool.failure(done.stderr_tail)
    return parse(done.stdout.decode("ascii", "replace").splitlines())


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
    except (ValueError, ZeroDivisionError) as error:
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
    stream, dts, pts, duration, size = (int(word) for word in words[:5])
    # Flags are written only when they differ from "keyframe, nothing else".
    flags = next(
        (int(word.strip().partition("x")[2], 16) for word in words[6:7] if word.strip().startswith("F=")), _KEY_FLAG
    )
    times = [time for time in (pts, dts) if time != _NO_TIME]
    return Packet(
        stream=stream,
        dts=dts if dts != _NO_TIME else (times or [0])[0],
        pts=(times or [0])[0],
        duration=duration,
        size=size,
        key=bool(flags & _KEY_FLAG),
    )
