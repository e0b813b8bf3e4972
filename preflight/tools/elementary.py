"""A picture's packets as a bare H.264 or HEVC stream in a file: where each lies, and where a decoder can begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, count, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.tools import ffmpeg, fmp4, gop_plan, h264, hevc, packets, process
from preflight.tools.fmp4 import Sample
from preflight.tools.packets import Packet

CODECS = frozenset({"h264", "hevc"})
"""Codecs, as ffmpeg names them, whose packets can be told apart here."""
_IN_A_FRAGMENT = 128
"""Packets in one fragment of MP4."""

Sets = dict[tuple[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementaryStream:
    """The packets of a picture in decoding order, as Annex B in the file `path`, each at its place there.

    `entries` are the packets that begin a closed GOP; times are in units of `time_base`, in seconds.
    """

    path: Path
    codec: str
    time_base: Fraction
    packets: tuple[Packet, ...]
    places: tuple[int, ...]
    entries: frozenset[int]
    sets: Sets

    def read(self, file: BinaryIO, number: int) -> bytes:
        """Return a packet's bytes from the opened file."""
        file.seek(self.places[number])
        return file.read(self.packets[number].size)

    def write_part(self, ranges: Iterable[range], part: Path) -> None:
        """Write the packets of `ranges` to the file `part`, each range with all parameter sets in front."""
        with self.path.open("rb") as file, part.open("wb") as chosen:
            for numbers in ranges:
                chosen.writelines(b"\0\0\0\1" + unit for _, unit in sorted(self.sets.items()))
                chosen.writelines(self.read(file, number) for number in numbers)


class TimedPacket(NamedTuple):
    """A packet of a stream, and when its picture is shown."""

    stream: ElementaryStream
    number: int
    time: int


def unpack(
    path: Path, at: Path, program: str, *, codec: str = "h264", from_start: bool = False, cancel: Cancel | None = None
) -> ElementaryStream:
    """Return the first picture of `path`, taken apart into the file `at`; times count `from_start` of the file or not.

    Raises ToolError, also where the parameter sets change on the way.
    """
    listing = at.with_suffix(".txt")
    argv = [program, "-y", "-v", "error", "-nostdin", *([] if from_start else ["-copyts"])]
    argv += [*ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(path)]
    for form, output in (("data", at), ("framecrc", listing)):
        argv += ["-map", "0:V:0", "-c", "copy", "-copyinkf", "-bsf", f"{codec}_mp4toannexb", "-f", form]
        argv += [ffmpeg.local(output)]
    done = process.run(argv, cancel=cancel)
    if done.status:
        raise ffmpeg.failure(done.stderr_tail)
    listed = packets.parse(listing.read_text("ascii").splitlines())
    found = listed.packets
    entries: list[int] = []
    sets: Sets = {}
    reader = hevc if codec == "hevc" else h264
    with at.open("rb") as file:
        for number, packet in enumerate(found):
            data = file.read(packet.size)
            if any(sets.setdefault(name, unit) != unit for name, unit in reader.parameter_sets(data).items()):
                raise ToolError("its parameter sets change on the way")
            if packet.key and reader.is_clean_entry(data):
                entries.append(number)
    return ElementaryStream(
        path=at,
        codec=codec,
        time_base=listed.heads[0].time_base,
        packets=found,
        places=tuple(accumulate((packet.size for packet in found), initial=0)),
        entries=gop_plan.closed_gop_starts(entries, [packet.pts for packet in found]),
        sets=sets,
    )


def fragments(
    rows: Iterable[tuple[TimedPacket, int, int]], *, early: int, scale: int, with_sets: bool = False
) -> Iterator[bytes]:
    """Yield packets, given with their decoding time and the next one's, in fragments of MP4.

    Args:
        rows: packet, its decoding time, the next packet's decoding time, in ticks.
        early: ticks by which all is put later, so that no time is negative.
        scale: numerator of the time base.
        with_sets: HEVC packets keep their parameter sets.
    """
    rows = iter(rows)
    with ExitStack() as stack:
        files: dict[Path, BinaryIO] = {}
        for number in count(1):
            samples = []
            for (stream, packet, shown), now, end in islice(rows, _IN_A_FRAGMENT):
                if stream.path not in files:
                    files[stream.path] = stack.enter_context(stream.path.open("rb"))
                data = stream.read(files[stream.path], packet)
                data = (
                    hevc.length_prefixed(data, with_sets=with_sets)
                    if stream.codec == "hevc"
                    else h264.length_prefixed(data)
                )
                start, lasts, offset = (scale * value for value in (now + early, end - now, shown - now))
                samples.append(Sample(data, start, lasts, offset, packet in stream.entries))
            if not samples:
                return
            yield fmp4.fragment(number, samples)
