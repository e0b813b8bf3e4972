"""Read the box headers of MP4 and QuickTime: exact durations, layout, and whether the data is all there.

MediaInfo rounds durations to milliseconds and pixel aspect ratios to three digits; these are the file's own integers.
Sources: ISO/IEC 14496-12 and Apple's QuickTime File Format specification.
"""

from __future__ import annotations

from preflight.probe.sandbox.files import read_at
from preflight.probe.sandbox.parameter_sets import avc_sizes, hevc_sizes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

MAX_BOXES = 20_000
"""Highest number of boxes read in one file: a day of one-second fragments has about 170,000."""
MAX_MOOF = 2**20
"""Bytes of one fragment's header that are read; a minute at 60 fps has 60 KiB."""
MAX_LENGTHS = 10_000
"""Samples in fragments whose lengths are compared, of one track: five minutes at 30 fps."""
MAX_MOOV = 64 * 2**20
"""Bytes of movie header that are read; two hours of 60 fps video with sound have about 8 MiB."""

_TOLD_BY_HEADER = frozenset({"avc1", "avc3", "hvc1", "hev1", "av01", "vp09", "mp4a", "Opus", "fLaC", "tx3g", "tmcd"})
"""Sample formats that MediaInfo describes from the sample description alone; a test compares."""

_NEEDED = frozenset((b"moov", b"mdat", b"moof"))
"""Boxes that must be complete. Other data behind the media data may reach beyond the file's end without a loss: cameras
append notes of their own that are no boxes."""
_ENCRYPTED = frozenset((b"encv", b"enca", b"enct", b"drmi", b"drms"))
"""Types of sample entries whose samples are encrypted: ISO/IEC 23001-7, and Apple's FairPlay."""
_CONTAINERS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"dinf"))


def read(fd: int, size: int) -> dict[str, Any]:
    """Return the facts of the MP4 or QuickTime file open as `fd` with `size` bytes."""
    facts: dict[str, Any] = {"brand": None, "missing_bytes": 0, "fragmented": False, "tracks": [], "data": []}
    first: dict[bytes, int] = {}
    fragments: list[bytes] = []
    moov = b""
    top = list(_top(fd, size))
    for kind, start, body, end in top:
        first.setdefault(kind, start)
        if end > size and (kind in _NEEDED or not facts["data"] or _is_torn(moov)):
            facts["missing_bytes"] = max(facts["missing_bytes"], end - size)
        if kind == b"ftyp" and not facts["brand"]:
            facts["brand"] = read_at(fd, 4, body).decode("latin-1")
        elif kind == b"moov" and not moov:
            facts["movie_cut"] = end > size
            moov = read_at(fd, min(end - body, MAX_MOOV), body)
        elif kind == b"mdat":
            facts["data"].append((body, end))
        elif kind == b"moof":
            fragments.append(read_at(fd, min(end - body, MAX_MOOF), body))
    facts["has_movie"] = bool(moov)
    facts["fragmented"] = bool(fragments)
    if b"mdat" in first and b"moov" in first:
        facts["faststart"] = first[b"moov"] < first[b"mdat"]
    facts.update(_movie(moov))
    _add_fragments(fragments, facts)
    if len(top) == MAX_BOXES:
        # The last fragments were not read: where they end is not known.
        for track in facts["tracks"]:
            track.pop("fragments_start", None)
    facts["missing_bytes"] = max([facts["missing_bytes"], *(t.pop("reach", 0) - size for t in facts["tracks"])])
    return facts


def skippable_ranges(facts: dict[str, Any]) -> list[tuple[int, int]]:
    """Return where the file's data lies when nothing in it is needed: the codecs' set-up is all in the header.

    Then MediaInfo need not parse samples, which takes it as long as all the rest in files of a high bit rate.
    """
    described = all(track.get("tag") in _TOLD_BY_HEADER for track in facts["tracks"])
    return facts["data"] if described and facts["tracks"] and not facts["fragmented"] else []


def _top(fd: int, size: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield type, start, start of the body and declared end of each box of the file's top level."""
    position = 0
    for _ in range(MAX_BOXES):
        head = read_at(fd, 16, position)
        if len(head) < 8:
            return
        length, kind, body = int.from_bytes(head[:4]), head[4:8], position + 8
        if length == 1 and len(head) == 16:
            length, body = int.from_bytes(head[8:16]), position + 16
        end = size if length == 0 else position + length
        if end < body:
            return
        yield kind, position, body, end
        position = end


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and body of each box in `data`."""
    position = 0
    for _ in range(MAX_BOXES):
        if position + 8 > len(data):
            return
        length, kind, body = int.from_bytes(data[position : position + 4]), data[position + 4 : position + 8], 8
        if length == 1:
            length, body = int.from_bytes(data[position + 8 : position + 16]), 16
        elif length == 0:
            length = len(data) - position
        if length < body:
            return
        yield kind, data[position + body : position + length]
        position += length


def _is_torn(data: bytes) -> bool:
    """Return whether the last box in `data` reaches beyond it: then what follows is no other thing but its rest."""
    position = 0
    while int.from_bytes(data[position : position + 4]) >= 8 and position < len(data):
        position += int.from_bytes(data[position : position + 4])
    return position > len(data)


def _movie(moov: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {"tracks": []}
    for kind, body in _boxes(moov):
        if kind == b"mvhd":
            facts["timescale"], facts["duration"] = _clock(body)
        elif kind == b"mvex":
            facts["fragmented"] = True
            facts["defaults"] = {
                int.from_bytes(b[4:8]): int.from_bytes(b[12:16]) for k, b in _boxes(body) if k == b"trex"
            }
        elif kind == b"trak":
            facts["tracks"].append(_track(body))
        elif kind == b"udta":
            facts["chapters"] = next((b[8] for k, b in _boxes(body) if k == b"chpl" and len(b) > 8), 0)
    return facts


def _clock(body: bytes) -> tuple[int, int | None]:
    """Return ticks a second and duration in ticks of `mvhd` or `mdhd`; all ones means unknown."""
    at, width = (20, 8) if body[:1] == b"\x01" else (12, 4)
    ticks = body[at + 4 : at + 4 + width]
    return int.from_bytes(body[at : at + 4]), None if ticks == b"\xff" * width else int.from_bytes(ticks)


class _Fragments:
    """The samples of one track in all fragments: ticks at which they begin and end, their number and durations."""

    __slots__ = ("end", "lengths", "samples", "start")

    def __init__(self) -> None:
        self.start: int | None = None
        self.end = self.samples = 0
        self.lengths: list[tuple[int, int]] = []

    def add(self, start: int, run: list[tuple[int, int]]) -> int:
        """Add the samples of a run that begins at `start` ticks and return the tick at which it ends."""
        end = start + sum(count * ticks for count, ticks in run)
        if run:
            self.start = start if self.start is None else min(start, self.start)
        self.end = max(end, self.end)
        self.samples += sum(count for count, _ in run)
        self.lengths += run[: MAX_LENGTHS - len(self.lengths)]
        return end


def _add_fragments(fragments: list[bytes], facts: dict[str, Any]) -> None:
    """Add to each track the start, end (in its own ticks), number and rate of the samples in its fragments."""
    defaults: dict[int, int] = facts.pop("defaults", {})
    brought: dict[int, _Fragments] = {}
    for moof in fragments:
        for kind, traf in _boxes(moof):
            if kind == b"traf":
                _traf(traf, defaults, brought)
    for track in facts["tracks"]:
        of_track = brought.get(track.get("id"))
        if of_track is not None and of_track.samples:
            if not track.get("samples"):
                track["fragments_start"] = of_track.start
            track["fragments_end"] = of_track.end
            track["samples"] = track.get("samples", 0) + of_track.samples
            track["pace"] = _pace(of_track.lengths, track.get("timescale", 0))


def _traf(traf: bytes, defaults: dict[int, int], brought: dict[int, _Fragments]) -> None:
    track_id = each = start = 0
    for kind, body in _boxes(traf):
        flags = int.from_bytes(body[1:4])
        if kind == b"tfhd":
            track_id = int.from_bytes(body[4:8])
            at = 8 + 8 * (flags & 1) + 4 * (flags >> 1 & 1)
            each = int.from_bytes(body[at : at + 4]) if flags & 8 else defaults.get(track_id, 0)
            start = brought.setdefault(track_id, _Fragments()).end
        elif kind == b"tfdt":
            start = int.from_bytes(body[4:12] if body[:1] == b"\x01" else body[4:8])
        elif kind == b"trun":
            start = brought.setdefault(track_id, _Fragments()).add(start, _run(body, flags, each))


def _run(body: bytes, flags: int, each: int) -> list[tuple[int, int]]:
    """Return how many samples of a run last how many ticks: `each` unless they say otherwise (flag 0x100)."""
    count = int.from_bytes(body[4:8])
    if not flags & 0x100:
        return [(count, each)]
    first = 8 + 4 * (flags & 1) + 4 * (flags >> 2 & 1)
    step = 4 * sum(flags >> bit & 1 for bit in (8, 9, 10, 11))
    ends = range(first, min(first + count * step, len(body)), step)
    return [(1, int.from_bytes(body[at : at + 4])) for at in ends]


def _pace(lengths: Sequence[tuple[int, int]], timescale: int) -> tuple[int, int] | None:
    """Return the number of samples and their seconds where all samples of fragments last equally long; else None.

    The first may take the place of the sound's priming, and the last has none behind it: neither makes a rate vary.
    """
    inner = lengths[_is_alone(lengths[:1]) : len(lengths) - _is_alone(lengths[-1:])]
    if not inner or max(t for _, t in inner) - min(t for _, t in inner) > 1:
        return None
    return sum(count for count, _ in inner) * timescale, sum(count * ticks for count, ticks in inner)


def _is_alone(entry: Sequence[tuple[int, int]]) -> bool:
    return bool(entry) and entry[0][0] == 1


def _track(trak: bytes) -> dict[str, Any]:
    track: dict[str, Any] = {"edits": []}
    _descend(trak, track, 0)
    return track


def _descend(data: bytes, track: dict[str, Any], depth: int) -> None:
    for kind, body in _boxes(data):
        if kind in _CONTAINERS and depth < 6:
            _descend(body, track, depth + 1)
        elif kind in _READERS:
            _READERS[kind](body, track)


def _tkhd(body: bytes, track: dict[str, Any]) -> None:
    long = body[:1] == b"\x01"
    track["id"] = int.from_bytes(body[20:24] if long else body[12:16])
    ticks = body[28:36] if long else body[20:24]
    track["presented"] = None if ticks == b"\xff" * len(ticks) else int.from_bytes(ticks)
    matrix = body[52:88] if long else body[40:76]
    if len(matrix) == 36:
        track["matrix"] = [int.from_bytes(matrix[n : n + 4], signed=True) for n in (0, 4, 12, 16)]


def _mdhd(body: bytes, track: dict[str, Any]) -> None:
    track["timescale"], track["media"] = _clock(body)


def _hdlr(body: bytes, track: dict[str, Any]) -> None:
    # QuickTime puts a second handler (of the data reference) into minf: the first one is the media's.
    track.setdefault("handler", body[8:12].decode("latin-1"))


def _elst(body: bytes, track: dict[str, Any]) -> None:
    long = body[:1] == b"\x01"
    step = 20 if long else 12
    half = 8 if long else 4
    for n in range(min(int.from_bytes(body[4:8]), 1000, max(0, len(body) - 8) // step)):
        entry = body[8 + n * step : 8 + (n + 1) * step]
        track["edits"].append((int.from_bytes(entry[:half]), int.from_bytes(entry[half : 2 * half], signed=True)))


def _stsd(body: bytes, track: dict[str, Any]) -> None:
    for kind, entry in _boxes(body[8:]):
        track.setdefault("tag", kind.decode("latin-1"))
        track["encrypted"] = track.get("encrypted", False) or kind in _ENCRYPTED
        if track.get("handler") == "vide" and len(entry) > 78:
            for inner, value in _boxes(entry[78:]):
                _describe(inner, value, track)


def _describe(kind: bytes, value: bytes, track: dict[str, Any]) -> None:
    """Add what one box of a visual sample entry states."""
    if kind == b"pasp" and len(value) >= 8:
        track["sar"] = (int.from_bytes(value[:4]), int.from_bytes(value[4:8]))
    elif kind == b"av1C":
        track["av1c"] = value[:4].hex()
    elif kind == b"fiel":
        track["interlaced"] = value[:1] == b"\x02"
    elif kind in {b"avcC", b"hvcC"}:
        sizes = track.setdefault("sizes", [])
        sizes += avc_sizes(value) if kind == b"avcC" else hevc_sizes(value)


def _stsz(body: bytes, track: dict[str, Any]) -> None:
    track["samples"] = int.from_bytes(body[8:12])


def _stco(body: bytes, track: dict[str, Any]) -> None:
    _reach(body, 4, track)


def _co64(body: bytes, track: dict[str, Any]) -> None:
    _reach(body, 8, track)


def _reach(body: bytes, width: int, track: dict[str, Any]) -> None:
    """Note where the last chunk of samples begins: a file may end before its data does, between two boxes."""
    last = 8 + width * (int.from_bytes(body[4:8]) - 1)
    if last >= 8 and not track.get("external"):
        track["reach"] = int.from_bytes(body[last : last + width])


def _dref(body: bytes, track: dict[str, Any]) -> None:
    # Flag 1 means "in this very file"; without it the samples are in another file, which is never opened.
    if any(not entry[3:4] or not entry[3] & 1 for _, entry in _boxes(body[8:])):
        track["external"] = True


_READERS = {
    b"tkhd": _tkhd, b"mdhd": _mdhd, b"hdlr": _hdlr, b"elst": _elst, b"stsd": _stsd, b"stsz": _stsz, b"stz2": _stsz,
    b"dref": _dref, b"stco": _stco, b"co64": _co64,
}  # fmt: skip
