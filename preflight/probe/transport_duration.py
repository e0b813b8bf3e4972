"""Measure by reading packets with ffmpeg what a header does not tell. Nothing is decoded, nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from preflight.errors import PreflightError
from preflight.model.media import Container
from preflight.tools import ffmpeg, process

TIMEOUT = 120.0
"""Seconds for one file: a disk of 100 MB/s gives 12 GB in them, sixty times what the service takes."""

NO_TIME = -(2**63)
"""ffmpeg's number for a time that is not known (AV_NOPTS_VALUE)."""

DEMUXERS = {
    Container.MP4: "mov", Container.MOV: "mov", Container.THREEGP: "mov", Container.WEBM: "matroska",
    Container.MKV: "matroska", Container.AVI: "avi", Container.ASF: "asf", Container.FLV: "flv", Container.GIF: "gif",
    Container.MPEG_PS: "mpeg", Container.MPEG_TS: "mpegts", Container.OGG: "ogg",
}  # fmt: skip
"""ffmpeg's demuxer for each container: named, so that ffmpeg does not choose one that opens other files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far the packets reach: seconds from the first presented moment to the end of the last."""

    duration: Fraction
    packets: int


def measure(path: Path, container: Container, *, timeout: float = TIMEOUT) -> Fraction | None:
    """Return the exact duration in seconds by the packets of video and sound.

    0 where ffmpeg read the file to its end and found none; None when they can't be read.

    Args:
        path: the file.
        container: its container.
        timeout: seconds after which the read is given up.
    """
    demuxer = DEMUXERS.get(container)
    if demuxer is None:
        return None
    try:
        done = process.run(command(path, demuxer), timeout=timeout)
    except PreflightError:
        return None
    listing = done.stdout.decode("ascii", "replace").splitlines()
    extent = parse(listing)
    if extent is not None:
        return extent.duration
    return Fraction(0) if done.status == 0 and listing and all(line.startswith("#") for line in listing) else None


def command(path: Path, demuxer: str) -> list[str]:
    """Return the argv that prints a line for each packet of video and sound.

    Args:
        path: the file.
        demuxer: ffmpeg's name for its container.
    """
    # A wrong AVI index sends ffmpeg past the end; unable to seek to it, ffmpeg takes packet after packet.
    blind = ["-seekable", "0"] if demuxer == "avi" else []
    source = [*ffmpeg.INPUT_GUARD, *blind, "-f", demuxer, "-i", ffmpeg.local(path)]
    # A cover picture is a video stream to ffmpeg, with one packet at 0, which does no harm here.
    streams = ["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-copyts", "-f", "framecrc", "pipe:1"]
    return [ffmpeg.find(), "-v", "error", "-nostdin", *source, *streams]


def parse(lines: Iterable[str]) -> Extent | None:
    """Return the extent of a `framecrc` listing, exact in each stream's own time base; None without packets."""
    bases: dict[str, Fraction] = {}
    ends: dict[str, Fraction] = {}
    first = last = None
    count = 0
    for line in lines:
        base = re.fullmatch(r"#tb (\d+): (\d+)/([1-9]\d*)", line)
        if base:
            bases[base[1]] = Fraction(int(base[2]), int(base[3]))
            continue
        fields = [field.strip() for field in line.split(",")]
        if len(fields) < 5 or fields[0] not in bases or not all(re.fullmatch(r"-?\d+", f) for f in fields[1:4]):
            continue
        count += 1
        number, base_time = fields[0], bases[fields[0]]
        if int(fields[2]) == NO_TIME:
            # ffmpeg knows no time of a last frame of MPEG-1: it follows the one before.
            start = ends.get(number, int(fields[1]) * base_time)
        else:
            start = int(fields[2]) * base_time
        end = start + int(fields[3]) * base_time
        ends[number] = max(end, ends.get(number, end))
        first = start if first is None else min(first, start)
        last = end if last is None else max(last, end)
    return None if first is None or last is None or last <= first else Extent(duration=last - first, packets=count)
