"""Read the element headers of Matroska and WebM: exact duration, display size, rotation, and whether all data is there.

MediaInfo does not tell a Matroska rotation at all, and rounds pixel aspect ratios. Source: RFC 8794, RFC 9559.
"""

from __future__ import annotations

import struct

from preflight.probe.sandbox import blocks
from preflight.probe.sandbox.elements import MAX_ELEMENTS, UNKNOWN, children, head, is_whole
from preflight.probe.sandbox.files import read_at
from preflight.probe.sandbox.parameter_sets import avc_sizes, hevc_sizes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_BODY = 2**20
"""Bytes of one header element that are read: all but attachments are far smaller."""

_HIGHEST = {0x42F7: 1, 0x42F2: 4, 0x42F3: 8, 0x4285: 3}
"""Highest EBMLReadVersion, EBMLMaxIDLength, EBMLMaxSizeLength and DocTypeReadVersion that ffmpeg 5.1 to 9.0 open."""
_BESIDE = frozenset({1, 8, 9, 11})
"""Stereo modes with both eyes side by side, or column by column, in one frame."""
_ABOVE = frozenset({2, 3, 6, 7})
"""Stereo modes with both eyes above each other, or row by row, in one frame."""

_SEGMENT, _INFO, _TRACKS, _CUES, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1F43B675


def read(fd: int, size: int) -> dict[str, Any]:
    """Return the facts of the Matroska or WebM file open as `fd` with `size` bytes."""
    facts: dict[str, Any] = {"missing_bytes": 0, "tracks": [], "indexed": False, "brand": None, "duration": None}
    clusters: list[tuple[int, int]] = []
    position = 0
    for _ in range(MAX_ELEMENTS):
        element = head(read_at(fd, 12, position))
        if element is None or position >= size:
            break
        kind, width, length = element
        start, end = position + width, position + width + length
        if kind == _CLUSTER:
            clusters.append((start, size if length == UNKNOWN else end))
        if length == UNKNOWN and kind != _SEGMENT:
            # A cluster of a live recording has no stated end, and only clusters follow it.
            break
        if length != UNKNOWN and end > size:
            facts["missing_bytes"] = max(facts["missing_bytes"], end - size)
        if kind == 0x1A45DFA3:
            header = read_at(fd, min(length, 4096), start)
            facts["brand"] = _doctype(header)
            facts["unopenable"] = not _is_known(header)
        elif kind in _READERS:
            _READERS[kind](read_at(fd, min(length, MAX_BODY), start), facts)
        facts["indexed"] = facts["indexed"] or kind == _CUES
        position = start if kind == _SEGMENT else end
    for track in facts["tracks"]:
        if "interlaced" in track:
            _look_at_blocks(fd, clusters, track)
    return facts


def _look_at_blocks(fd: int, clusters: list[tuple[int, int]], track: dict[str, Any]) -> None:
    """Add to a video track what the times and the presence of its blocks tell."""
    track["uneven"] = blocks.has_uneven_times(fd, clusters, track["id"])
    if blocks.is_empty(fd, clusters, track["id"]):
        track["samples"] = 0


def _is_known(header: bytes) -> bool:
    """Return whether decoders read a file with this header: whole elements, and versions and widths that exist."""
    values = {kind: int.from_bytes(body) for kind, body in children(header)}
    return is_whole(header) and all(values.get(kind, 0) <= highest for kind, highest in _HIGHEST.items())


def _doctype(data: bytes) -> str | None:
    return next((body.rstrip(b"\0").decode("latin-1") for kind, body in children(data) if kind == 0x4282), None)


def _float(body: bytes) -> float:
    value = struct.unpack({4: ">f", 8: ">d"}[len(body)], body)[0] if len(body) in {4, 8} else 0.0
    return value if abs(value) < float("inf") else 0.0


def _info(data: bytes, facts: dict[str, Any]) -> None:
    found = dict(children(data))
    scale = int.from_bytes(found.get(0x2AD7B1, b"")) or 1_000_000
    top, bottom = _float(found.get(0x4489, b"")).as_integer_ratio()
    if top > 0:
        facts["duration"] = (top * scale, bottom * 10**9)


def _tracks(data: bytes, facts: dict[str, Any]) -> None:
    facts["tracks"] = [_track(dict(children(body))) for kind, body in children(data) if kind == 0xAE]


def _track(entry: dict[int, bytes]) -> dict[str, Any]:
    track: dict[str, Any] = {"id": int.from_bytes(entry.get(0xD7, b""))}
    tag = entry.get(0x86, b"").decode("latin-1")
    track["tag"] = tag
    nanoseconds = int.from_bytes(entry.get(0x23E383, b""))
    if nanoseconds:
        track["rate"] = (10**9, nanoseconds)
    if tag == "V_AV1":
        track["av1c"] = entry.get(0x63A2, b"")[:4].hex()
    elif tag == "V_MPEG4/ISO/AVC":
        track["sizes"] = avc_sizes(entry.get(0x63A2, b""))
    elif tag == "V_MPEGH/ISO/HEVC":
        track["sizes"] = hevc_sizes(entry.get(0x63A2, b""))
    track["encrypted"] = any(kind == 0x5035 for coding in _codings(entry) for kind, _ in children(coding))
    if 0xE0 in entry:
        _picture(dict(children(entry[0xE0])), track)
    return track


def _codings(entry: dict[int, bytes]) -> list[bytes]:
    """Return the bodies of the track's ContentEncoding elements."""
    return [body for kind, body in children(entry.get(0x6D80, b"")) if kind == 0x6240]


def _picture(video: dict[int, bytes], track: dict[str, Any]) -> None:
    def number(kind: int) -> int:
        return int.from_bytes(video.get(kind, b""))

    width = number(0xB0) - number(0x54CC) - number(0x54DD)
    height = number(0xBA) - number(0x54AA) - number(0x54BB)
    across, down = number(0x54B0), number(0x54BA)
    # The display size of stereo pictures that share a frame is that of one eye (RFC 9559, 5.1.4.1.28.3).
    across *= 2 if number(0x53B8) in _BESIDE else 1
    down *= 2 if number(0x53B8) in _ABOVE else 1
    # Unit 0 is pixels, 1 and 2 are lengths, 3 is a ratio: all but 4 (unknown) mean the same shape.
    if across > 0 and down > 0 and width > 0 and height > 0 and number(0x54B2) < 4:
        track["sar"] = (across * height, down * width)
    track["interlaced"] = number(0x9A) == 1
    projection = dict(children(video.get(0x7670, b"")))
    track["rotation"] = round(_float(projection.get(0x7675, b""))) % 360
    track["mirrored"] = abs(round(_float(projection.get(0x7673, b"")))) == 180


_READERS = {_INFO: _info, _TRACKS: _tracks}
