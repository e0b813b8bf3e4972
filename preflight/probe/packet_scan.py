"""The deep read: every packet of a file through ffmpeg, at the disk's speed, and on request every picture decoded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction

from preflight.errors import CancelledError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.media import Media
from preflight.model.scan import ScanResult
from preflight.probe import codec_names
from preflight.probe.transport_duration import DEMUXERS
from preflight.tools import ffmpeg, process

BLACK_SECONDS = 1
"""Shortest black stretch that counts, in seconds."""
FROZEN_SECONDS = 2
"""Shortest stretch without a change that counts, in seconds."""


class Depth(StrEnum):
    """How much of a file is read: its packets only, or its pictures and sound too."""

    PACKETS = "packets"
    DECODE = "decode"


# Messages of ffmpeg's demuxers for data that ends before the index or the element does.
_CUT = re.compile(r"partial file|ended prematurely|Truncat|truncat|EOF before|end of file", re.IGNORECASE)
_DISORDER = re.compile(r"non[- ]monoton", re.IGNORECASE)
_RESIZED = re.compile(r"video parameters changed to .*?, (\d+)x(\d+)")
_PREFIX = re.compile(r"(\[[^\]]*@ 0x[0-9a-f]+\] )+|\[[^\]]*\] ")


def read(
    media: Media, *, depth: Depth = Depth.PACKETS, listener: Listener = ignore, cancel: Cancel | None = None
) -> ScanResult | None:
    """Return what reading all packets of `media` shows; None where its container has no demuxer in the table.

    Nothing is written and no other file is opened. Raises ToolMissingError without ffmpeg, CancelledError.

    Args:
        media: the file's facts.
        depth: copy the packets, or decode them.
        listener: hears the seconds that were read.
        cancel: ends the read when it is set.
    """
    demuxer = DEMUXERS.get(media.container)
    if demuxer is None:
        return None
    total = None if media.duration is None else float(media.duration)
    printed: list[str] = []
    reached = Fraction(0)
    with process.start(command(media, demuxer, depth), stdout=process.PIPE) as running:
        for raw in running.stdout:
            line = raw.decode("ascii", "replace").strip()
            seconds = ffmpeg.parse_progress(line)
            if seconds is None:
                printed += [line] if line.startswith("lavfi.") else []
            else:
                reached = max(reached, Fraction(round(seconds * 10**6), 10**6))
                listener(Progress(stage=Stage.CHECK, done=seconds, total=total, unit="s"))
            if cancel and cancel.is_set():
                raise CancelledError("Stopped on request.")
        status = running.wait()
        log = running.stderr_tail.splitlines()
    return interpret(log, printed, reached=reached, depth=depth, failed=status != 0)


def command(media: Media, demuxer: str, depth: Depth) -> list[str]:
    """Return the argv. Packets are copied to nowhere; decoding also looks for black and frozen stretches.

    Args:
        media: the file's facts.
        demuxer: ffmpeg's name for its container.
        depth: copy the packets, or decode them.
    """
    progress = [
        "-v",
        "level+info" if depth is Depth.DECODE else "level+warning",
        "-nostdin",
        "-hide_banner",
        "-nostats",
        "-progress",
        "pipe:1",
    ]
    source = [*ffmpeg.INPUT_GUARD, "-f", demuxer, "-i", ffmpeg.local(media.path)]
    streams = ["-map", "0:a?"] if media.video is None else ["-map", f"0:{media.video.index}", "-map", "0:a?"]
    if depth is Depth.PACKETS:
        return [ffmpeg.find(), *progress, *source, *streams, "-c", "copy", "-f", "null", "-"]
    # Small pictures tell black and frozen as well as large ones, and cost a tenth.
    look = f"scale=320:-2:flags=fast_bilinear,blackdetect=d={BLACK_SECONDS},freezedetect=d={FROZEN_SECONDS}"
    unknown = [n for n, sound in enumerate(media.audio) if not codec_names.is_decodable(sound.codec)]
    streams += [word for number in unknown for word in (f"-c:a:{number}", "copy")]
    return [ffmpeg.find(), *progress, *source, *streams, "-vf", f"{look},metadata=print:file=-", "-f", "null", "-"]


def interpret(
    log: Iterable[str], printed: Iterable[str], *, reached: Fraction, depth: Depth, failed: bool
) -> ScanResult:
    """Return the `ScanResult` that ffmpeg's last words in `log` and the filters' lines in `printed` stand for. Pure.

    Args:
        log: lines of standard error.
        printed: lines of the filters, on standard output.
        reached: seconds up to which packets came.
        depth: how the file was read.
        failed: ffmpeg's exit code was not 0.
    """
    said = [line for line in log if "[error]" in line or "[fatal]" in line or "corrupt" in line]
    words = _kinds(_PREFIX.sub("", line).strip() for line in said)
    cut = next((word for word in words if _CUT.search(word)), None)
    damage = tuple(word for word in words if word != cut and not _DISORDER.search(word))
    return ScanResult(
        decoded=depth is Depth.DECODE,
        reached=reached or None,
        cut=cut,
        damage=damage or (("ffmpeg could not read it to its end",) if failed and cut is None else ()),
        sizes=_sizes(log),
        disorder=sum(1 for line in said if _DISORDER.search(line)),
        black=_stretches(printed, "black", reached),
        frozen=_stretches(printed, "freezedetect.freeze", reached),
    )


def _sizes(log: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Return the sizes of the picture to which the log says that it changes, each once (ffmpeg 6.1 or newer)."""
    found = (match for line in log if (match := _RESIZED.search(line)))
    return tuple(dict.fromkeys((int(match[1]), int(match[2])) for match in found))


def _kinds(lines: Iterable[str]) -> list[str]:
    """Return the first line of each kind: lines that differ in numbers only are of one kind."""
    first: dict[str, str] = {}
    for line in lines:
        first.setdefault(re.sub(r"-?\d+", "#", line), line)
    return list(first.values())


def _stretches(printed: Iterable[str], kind: str, end: Fraction) -> Fraction:
    """Return the seconds between `kind`_start and `kind`_end lines; one that is still open lasts to `end`."""
    total, start = Fraction(0), None
    for line in printed:
        match = re.fullmatch(rf"lavfi\.{re.escape(kind)}_(start|end)=(\d+(?:\.\d+)?)", line)
        if match and match[1] == "start":
            start = Fraction(match[2])
        elif match and start is not None:
            total, start = total + Fraction(match[2]) - start, None
    return total if start is None else total + max(Fraction(0), end - start)
