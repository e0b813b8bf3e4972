"""Prove that a file holds what it was made to hold: every packet or frame of each kept stream, at its time.

A copied stream is compared packet by packet: count, order, sizes, checksums and times. An encoded one is compared by
the times of its frames (video) or by where it begins and ends (audio). The comparison goes both ways: nothing may be
missing and nothing may be extra. What can't be proved is an error.
"""

from __future__ import annotations

import math
import operator
import statistics
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.model.media import Container, StreamKind
from preflight.tools import appearance, mp4_tables, packets
from preflight.tools.appearance import Appearance
from preflight.tools.mp4_tables import Tables
from preflight.tools.packets import Head, Listing, PacketTable

TICK = Fraction(1, 1_000_000)
"""Seconds by which packets of audio may begin before a bound that they belong to."""
Matrix = tuple[int, int, int, int]
_TICKS = Fraction(9, 10)
"""Ticks of the made file by which a time may differ, rounded: in AVI a whole one is a frame."""
_ROUNDING = Fraction(1, 500)
"""Seconds that a time may always differ by: Matroska and FLV count in milliseconds."""
_MIN_SKEW = Fraction(1, 50)
"""Seconds that two streams may shift against each other at high frame rates; else one frame."""
_AUDIO_EDGE = Fraction(1, 8)
"""Seconds that encoded audio may begin or end elsewhere: two AAC frames at 16 kHz, the lowest common rate."""
_HELD = Fraction(1, 20)
"""Seconds that the end of the last frame may lie elsewhere."""
_CHECKED_BYTES = 32 << 20
"""Bytes of a file's packets whose checksums are computed: all of a short file, an even sample of a long one."""
_FRAMING = 64
"""Bytes, and as a share one in 64, by which a packet may change when start codes become lengths.

Parameter sets, which may leave the packets for the header or stay in them, come on top.
"""
_EMPTY_LINE = 2
"""Bytes of a subtitle sample in MP4 without text: the length of the text, which is 0."""
_DECODED_BASE = Fraction(1, 90_000)
"""Seconds in which the times of decoded frames are compared."""
_MAPS = {StreamKind.VIDEO: "V", StreamKind.AUDIO: "a", StreamKind.SUBTITLE: "s", StreamKind.DATA: "d"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStream:
    """What a file was made to hold of one stream of its source.

    `expected` are the source's packets in decoding order and `head` their parameters. `copied` is False for an encoded
    stream. `reframed`: the container delimits packets in another way (start codes become lengths, ADTS headers go), so
    that sizes change a little. `uncompressed` audio may be divided into other packets. `until` is the time in seconds
    at which the stream was ended early. `matrix` is the display matrix to keep. `decoded` gives the times in seconds
    of the frames that decoding the source shows, for sources whose packets are not frames one by one.
    """

    name: str
    kind: StreamKind
    head: Head
    expected: PacketTable
    copied: bool
    reframed: bool = False
    uncompressed: bool = False
    until: Fraction | None = None
    matrix: Matrix | None = None
    decoded: Callable[[], list[Fraction]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _MadeStream:
    """The same stream in the file that was made; `offsets` and exact ends only where sample tables tell them."""

    head: Head
    packets: PacketTable
    offsets: Sequence[int] | None = None
    exact_end: bool = False
    matrix: Matrix | None = None


def prove(
    path: Path,
    kept: Sequence[KeptStream],
    *,
    container: Container,
    ffmpeg: str,
    displayed: Callable[[Appearance], str | None] | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Raise ToolError unless the file at `path` holds the streams `kept`, in their order within each kind, as promised.

    `displayed` returns how the display of the video differs from what was promised. Raises CancelledError.
    """
    if displayed is not None:
        _compare_display(path, displayed, container=container, ffmpeg=ffmpeg, cancel=cancel)
    made = _made(path, kept, container=container, ffmpeg=ffmpeg, cancel=cancel)
    offsets = []
    for promised, found in zip(kept, made, strict=True):
        stream = _ended(promised, found)
        if stream.kind is StreamKind.SUBTITLE and container in {Container.MP4, Container.MOV}:
            _compare_lines(stream, found)
            continue
        if stream.copied and stream.uncompressed:
            offset = _compare_samples(stream, found)
        elif stream.copied:
            offset = _compare_packets(stream, found, path)
        elif stream.kind is StreamKind.VIDEO:
            offset = _compare_frames(stream, found)
        else:
            offset = _compare_extent(stream, found)
        if offset is not None:
            offsets.append((stream, offset, found.head.time_base))
        if stream.matrix is not None and found.matrix is not None and stream.matrix != found.matrix:
            raise _failure(f"{stream.name} is turned or mirrored otherwise")
        if stream.matrix is not None and found.matrix is None and _mirrors(stream.matrix):
            raise _failure(f"{stream.name} is not mirrored any more")
    _compare_offsets(offsets)


def _mirrors(matrix: Matrix) -> bool:
    a, b, c, d = matrix
    return a * d < b * c


def _compare_display(
    path: Path,
    displayed: Callable[[Appearance], str | None],
    *,
    container: Container,
    ffmpeg: str,
    cancel: Cancel | None,
) -> None:
    """Raise ToolError when the video at `path` is displayed otherwise than promised."""
    (shown,) = appearance.read([(path, container)], ffmpeg=ffmpeg, cancel=cancel)
    if shown is None:
        raise _failure("it has no video")
    what = displayed(shown)
    if what is not None:
        raise _failure(f"the video {what}")


def _failure(what: str) -> ToolError:
    return ToolError(
        f"The file that was made is not what was planned: {what}.",
        hint="Nothing was kept. `preflight check --deep` shows whether the source is damaged.",
    )


def _made(
    path: Path, kept: Sequence[KeptStream], *, container: Container, ffmpeg: str, cancel: Cancel | None
) -> list[_MadeStream]:
    """Return the streams of the file in the order of `kept`, from its sample tables where it has any."""
    tables = mp4_tables.read(path) if container in {Container.MP4, Container.MOV} else None
    if tables is not None:
        numbers = _numbers(kept, Counter(head.kind for head in tables.listing.heads.values()))
        return [_of_tables(tables, stream, number) for stream, number in zip(kept, numbers, strict=True)]
    maps = [f"0:{_MAPS[stream.kind]}:{number}" for stream, number in zip(kept, _numbers(kept, None), strict=True)]
    listing = packets.scan(path, ffmpeg=ffmpeg, maps=maps, container=container, cancel=cancel)
    matrix = display_matrix(path, container)
    return [
        _MadeStream(head=listing.heads.get(number, Head()), packets=listing.of(number), matrix=matrix)
        for number in range(len(kept))
    ]


def _numbers(kept: Sequence[KeptStream], there: Counter[str] | None) -> list[int | None]:
    """Return the number of each stream among those of its kind, of which `there` are so many in the file.

    None for a stream without packets that the file leaves out, as MP4 does: sound may end long before a segment begins.
    """
    wanted = Counter(stream.kind for stream in kept)
    counts: Counter[StreamKind] = Counter()
    numbers: list[int | None] = []
    for stream in kept:
        if there is not None and there[stream.kind] < wanted[stream.kind] and not stream.expected:
            numbers.append(None)
            continue
        numbers.append(counts[stream.kind])
        counts[stream.kind] += 1
    return numbers


def _of_tables(tables: Tables, stream: KeptStream, number: int | None) -> _MadeStream:
    if number is None:
        return _MadeStream(head=stream.head, packets=PacketTable(0))
    tracks = [track for track, head in tables.listing.heads.items() if head.kind == stream.kind]
    if number >= len(tracks):
        raise _failure(f"{stream.name} is missing")
    track = tracks[number]
    return _MadeStream(
        head=tables.listing.heads[track],
        packets=tables.listing.of(track),
        offsets=tables.offsets[track]() if stream.copied and not stream.reframed else None,
        exact_end=True,
        matrix=tables.matrices[track],
    )


def _ended(stream: KeptStream, made: _MadeStream) -> KeptStream:
    """Return the promise without the packets behind `until`, which lies between two packets."""
    if stream.until is None:
        return stream
    count, base = len(made.packets), stream.head.time_base
    if stream.copied and count < len(stream.expected):
        following = stream.expected.times[count] * base
        if following < stream.until - _AUDIO_EDGE:
            raise _failure(f"{stream.name} ends at {float(following):.3f} s in place of {float(stream.until):.3f} s")
        return replace(stream, expected=stream.expected.part(0, count))
    last = math.ceil(stream.until / base)
    return replace(stream, expected=stream.expected.chosen(map(last.__gt__, stream.expected.times)))


def _require_count(stream: KeptStream, made: int, expected: int, unit: str) -> None:
    if made < expected:
        raise _failure(f"{expected - made} of {expected} {unit} of {stream.name} are missing")
    if made > expected:
        raise _failure(f"{stream.name} has {made - expected} {unit} more than the {expected} planned")


def _compare_packets(stream: KeptStream, made: _MadeStream, path: Path) -> Fraction | None:
    """Compare a copied stream packet by packet and return how much later it is than in the source, in seconds."""
    if stream.kind is StreamKind.AUDIO:
        # The muxer of AVI fills what precedes late sound with empty packets.
        stream = replace(stream, expected=stream.expected.with_data())
        made = replace(made, packets=made.packets.with_data()) if made.offsets is None else made
    expected = stream.expected
    _require_count(stream, len(made.packets), len(expected), "packets")
    if not expected:
        return None
    _compare_sizes(stream, made)
    hidden = made.packets.hidden() - expected.hidden()
    if stream.kind is StreamKind.VIDEO and hidden > 0:
        raise _failure(f"an edit list hides {hidden} frames of {stream.name}")
    if stream.kind is StreamKind.VIDEO and hidden < 0:
        raise _failure(f"{-hidden} frames of {stream.name} are shown that an edit list of the source hides")
    if made.offsets is not None and not stream.reframed:
        _compare_data(stream, made.packets, made.offsets, path)
    decoded = expected.decoding_times
    disordered = any(map(operator.ge, decoded, islice(decoded, 1, None)))
    return _compare_times(
        stream,
        stream.head.time_base,
        expected.times,
        made.head.time_base,
        made.packets.times,
        slack=_frame(expected, stream.head) if disordered else Fraction(0),
    )


def _compare_sizes(stream: KeptStream, found: _MadeStream) -> None:
    """Compare sizes, and checksums where both sides have them."""
    differs: Iterable[bool]
    made = found.packets
    if stream.reframed:
        pairs = zip(stream.expected.sizes, made.sizes, strict=True)
        framing = _FRAMING + max(stream.head.extradata_size, found.head.extradata_size)
        differs = (abs(want - have) > framing + max(want, have) // _FRAMING for want, have in pairs)
    else:
        checked = zip(stream.expected.checksums, made.checksums, strict=True)
        wrong = (-1 not in pair and pair[0] != pair[1] for pair in checked)
        differs = map(operator.or_, map(operator.ne, stream.expected.sizes, made.sizes), wrong)
    number = next((number for number, different in enumerate(differs) if different), None)
    if number is not None:
        raise _failure(f"packet {number} of {stream.name} has other data")


def _compare_data(stream: KeptStream, made: PacketTable, offsets: Sequence[int], path: Path) -> None:
    """Compare the checksums of an even sample of packets with the bytes in the file."""
    step = max(1, sum(made.sizes) // _CHECKED_BYTES)
    checksums = stream.expected.checksums
    with path.open("rb") as file:
        for number in range(0, len(made), step):
            if checksums[number] < 0:
                continue
            file.seek(offsets[number])
            if zlib.adler32(file.read(made.sizes[number]), 0) != checksums[number]:
                raise _failure(f"packet {number} of {stream.name} has other data")


def _compare_times(
    stream: KeptStream,
    base: Fraction,
    times: Sequence[int],
    made_base: Fraction,
    made_times: Sequence[int],
    *,
    slack: Fraction = Fraction(0),
) -> Fraction:
    """Compare the times of equal packets or frames and return the constant that they differ by, in seconds.

    `times` are in units of `base`, `made_times` of `made_base`; both are brought to one finer unit, in integers.
    """
    unit = math.lcm(base.denominator, made_base.denominator)
    step, made_step = int(base * unit), int(made_base * unit)
    shifts = [have * made_step - want * step for want, have in zip(times, made_times, strict=True)]
    offset = statistics.median_low(shifts)
    limit = (max(_ROUNDING, _TICKS * made_base) + slack) * unit
    if max(shifts) - offset > limit or offset - min(shifts) > limit:
        number = max(range(len(shifts)), key=lambda n: abs(shifts[n] - offset))
        moved, at = float(Fraction(shifts[number] - offset, unit)), float(times[number] * base)
        raise _failure(f"{stream.name} has the packet of {at:.3f} s shifted by {moved:.3f} s")
    return Fraction(offset, unit)


def _compare_samples(stream: KeptStream, made: _MadeStream) -> Fraction | None:
    """Compare uncompressed audio, whose packets have no borders of their own, by its bytes and its begin."""
    expected, have = sum(stream.expected.sizes), sum(made.packets.sizes)
    edge = 2 * max(max(stream.expected.sizes, default=0), max(made.packets.sizes, default=0))
    if abs(have - expected) > edge:
        raise _failure(f"{stream.name} has {have:,} bytes of samples in place of {expected:,}")
    return _compare_extent(stream, made)


def _compare_frames(stream: KeptStream, made: _MadeStream) -> Fraction | None:
    """Compare the frames of an encoded stream by their times and return how much later they are, in seconds."""
    base = stream.head.time_base
    expected = stream.expected.shown_times()
    have = made.packets.shown_times()
    if len(have) != len(expected) and stream.decoded is not None:
        # Hidden frames, packed ones and fields make packets that are no frames, or hold two.
        base = _DECODED_BASE
        expected = sorted(round(time / base) for time in stream.decoded())
    _require_count(stream, len(have), len(expected), "frames")
    if not have:
        return None
    offset = _compare_times(stream, base, expected, made.head.time_base, have)
    if abs(expected[-1] * base - max(stream.expected.times, default=0) * stream.head.time_base) <= _ROUNDING:
        # Where the last packet of the source is no frame, nothing tells how long the last frame is shown.
        _compare_end(stream, made, offset)
    return offset


def _compare_end(stream: KeptStream, made: _MadeStream, offset: Fraction) -> None:
    """Raise ToolError when the last frame is not shown for as long as in the source, where both tell."""
    if not stream.expected or not made.packets:
        return
    last, made_last = (listed[listed.times.index(max(listed.times))] for listed in (stream.expected, made.packets))
    if not last.duration or not made.exact_end:
        return
    wanted = (last.pts + last.duration) * stream.head.time_base + offset
    ended = (made_last.pts + made_last.duration) * made.head.time_base
    if abs(ended - wanted) > max(_HELD, _frame(stream.expected, stream.head)):
        raise _failure(f"{stream.name} ends at {float(ended):.3f} s in place of {float(wanted):.3f} s")


def _compare_extent(stream: KeptStream, made: _MadeStream) -> Fraction | None:
    """Compare where encoded audio begins and ends and return how much later it is, in seconds."""
    if not stream.expected:
        return None
    if not made.packets:
        raise _failure(f"{stream.name} is empty")
    first, last = _extent(stream.expected, stream.head)
    made_first, made_last = _extent(made.packets, made.head)
    length, made_length = last - first, made_last - made_first
    if abs(made_length - length) > 2 * _AUDIO_EDGE:
        raise _failure(f"{stream.name} lasts {float(made_length):.3f} s in place of {float(length):.3f} s")
    # The encoder's delay is no shift of the sound: an edit list or the codec's delay takes it away.
    return None if abs(made_first - first) <= _AUDIO_EDGE else made_first - first


def _extent(listed: PacketTable, head: Head) -> tuple[Fraction, Fraction]:
    """Return where the packets that are heard begin and end, in seconds."""
    heard = listed.shown() or listed
    return min(heard.times) * head.time_base, heard.end() * head.time_base


def _compare_lines(stream: KeptStream, made: _MadeStream) -> None:
    """Compare the number of lines of subtitles in MP4, which has an empty sample in each gap and at the end."""
    lines = sum(size > _EMPTY_LINE for size in made.packets.sizes)
    empty = _EMPTY_LINE if stream.copied else 0
    _require_count(stream, lines, sum(size > empty for size in stream.expected.sizes), "lines")


def _frame(expected: PacketTable, head: Head) -> Fraction:
    """Return the usual time between two frames, in seconds."""
    gaps = [b - a for a, b in pairwise(sorted(expected.times)) if b > a]
    return statistics.median_low(gaps) * head.time_base if gaps else Fraction(0)


def _compare_offsets(offsets: Sequence[tuple[KeptStream, Fraction, Fraction]]) -> None:
    """Raise ToolError when two streams are shifted against each other; each has its offset and its new time base."""
    if not offsets:
        return
    video = next((stream for stream, _, _ in offsets if stream.kind is StreamKind.VIDEO), None)
    limit = max(_MIN_SKEW, _frame(video.expected, video.head) if video is not None else _MIN_SKEW)
    first, reference, _ = offsets[0]
    for stream, offset, base in offsets[1:]:
        # Sound in AVI begins with a whole packet, so it can't be nearer than one.
        if abs(offset - reference) > max(limit, base):
            raise _failure(
                f"{stream.name} is {float(offset - reference):+.3f} s away from {first.name}, compared with the source"
            )


def reference(
    path: Path,
    container: Container,
    specifiers: Sequence[str],
    *,
    ffmpeg: str,
    cancel: Cancel | None = None,
) -> Listing:
    """Return the packets of the streams that `specifiers` (`V:0`, `a:1`) name, numbered in that order.

    The sample tables of an MP4 are read where its edit lists hide nothing but the priming of sound; ffmpeg lists the
    packets of every other file. Raises ToolError, CancelledError.
    """
    listing = from_tables(path, container, specifiers)
    if listing is not None:
        return listing
    maps = [f"0:{name}" for name in specifiers]
    return packets.scan(path, ffmpeg=ffmpeg, maps=maps, container=container, cancel=cancel)


def from_tables(path: Path, container: Container, specifiers: Sequence[str]) -> Listing | None:
    """Return the same by the file's own sample tables, None where it has none or where its edits are left to ffmpeg."""
    tables = mp4_tables.read(path) if container in {Container.MP4, Container.MOV, Container.THREEGP} else None
    return None if tables is None else _chosen(tables.listing, specifiers)


def _chosen(listing: Listing, specifiers: Sequence[str]) -> Listing | None:
    """Return the named streams of a listing by sample tables, None where ffmpeg may see others.

    Times count from the first moment that is shown or heard, as ffmpeg's do.
    """
    begin = _begin(listing)
    kinds = {"V": "video", "v": "video", "a": "audio", "s": "subtitle"}
    heads: dict[int, Head] = {}
    chosen: dict[int, PacketTable] = {}
    for position, name in enumerate(specifiers):
        letter, _, number = name.partition(":")
        tracks = [track for track, head in listing.heads.items() if head.kind == kinds.get(letter)]
        if int(number) >= len(tracks):
            return None
        listed = listing.of(tracks[int(number)])
        if listed.hidden() > (_PRIMING_PACKETS if letter == "a" else 0) or listed.has_empty():
            return None
        head = heads[position] = listing.heads[tracks[int(number)]]
        chosen[position] = listed.numbered(position).delayed(-round(begin / head.time_base))
    return Listing(heads=heads, tables=chosen)


def _begin(listing: Listing) -> Fraction:
    """Return when the first packet of video or audio is shown or heard, in seconds; 0 where that is earlier."""
    shown = [
        min(table.times) * head.time_base
        for number, head in listing.heads.items()
        if head.kind in {"video", "audio"} and (table := listing.of(number).shown())
    ]
    return max(Fraction(0), min(shown, default=Fraction(0)))


_PRIMING_PACKETS = 3
"""Packets of audio that an edit list hides where an encoder put its delay."""


def display_matrix(path: Path, container: Container, number: int = 0) -> Matrix | None:
    """Return the display matrix of video track `number` of an MP4 or QuickTime file; None for other files."""
    if container not in {Container.MP4, Container.MOV, Container.THREEGP}:
        return None
    matrices = mp4_tables.video_matrices(path)
    return matrices[number] if number < len(matrices) else None


def packets_between(
    listed: PacketTable, base: Fraction, *, start: Fraction, end: Fraction | None, margin: Fraction = TICK
) -> PacketTable:
    """Return the packets that are shown from `start` up to `end`, in seconds, each bound put earlier by `margin`."""
    if start:
        first = math.ceil((start - margin) / base)
        listed = listed.chosen(map(first.__le__, listed.times))
    if end is not None:
        last = math.ceil((end - margin) / base)
        listed = listed.chosen(map(last.__gt__, listed.times))
    return listed
