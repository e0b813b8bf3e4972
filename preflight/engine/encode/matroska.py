"""Raw pictures with exact times, as the smallest Matroska stream that ffmpeg reads from a pipe.

A rawvideo pipe has no times and would force a constant frame rate. Element numbers are those of RFC 9559.
"""

from __future__ import annotations

from fractions import Fraction

_EBML, _SEGMENT, _INFO, _TRACKS, _TRACK = "1A45DFA3", "18538067", "1549A966", "1654AE6B", "AE"
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_NANOSECONDS = 10**9


def _size(count: int) -> bytes:
    length = next(n for n in range(1, 9) if count < (1 << (7 * n)) - 1)
    return (count | 1 << (7 * length)).to_bytes(length, "big")


def _element(number: str, content: bytes) -> bytes:
    return bytes.fromhex(number) + _size(len(content)) + content


def _whole(number: str, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def header(width: int, height: int, frame_seconds: Fraction) -> bytes:
    """Return what comes before the first picture of a `width` x `height` 4:2:0 stream, times in nanoseconds."""
    kind = _whole("4286", 1) + _whole("42F7", 1) + _whole("42F2", 4) + _whole("42F3", 8)
    kind += _element("4282", b"matroska") + _whole("4287", 4) + _whole("4285", 2)
    info = _whole("2AD7B1", 1) + _element("4D80", b"preflight") + _element("5741", b"preflight")
    shape = _whole("B0", width) + _whole("BA", height) + _element("2EB524", b"I420")
    track = _whole("D7", 1) + _whole("73C5", 1) + _whole("83", 1) + _whole("9C", 0) + _element("86", b"V_UNCOMPRESSED")
    track += _whole("23E383", round(frame_seconds * _NANOSECONDS)) + _element("E0", shape)
    return (
        _element(_EBML, kind)
        + bytes.fromhex(_SEGMENT)
        + _UNKNOWN_SIZE
        + _element(_INFO, info)
        + _element(_TRACKS, _element(_TRACK, track))
    )


def picture_head(time: Fraction, duration: Fraction, size: int) -> bytes:
    """Return what comes before a picture of `size` bytes.

    Args:
        time: when it is shown, in seconds; not negative.
        duration: how long it is shown, in seconds.
        size: bytes of the picture.
    """
    head = b"\x81\x00\x00\x00"
    stamp = _whole("E7", round(time * _NANOSECONDS))
    length = _whole("9B", max(0, round(duration * _NANOSECONDS)))
    block = bytes.fromhex("A1") + _size(len(head) + size) + head
    group = bytes.fromhex("A0") + _size(len(length) + len(block) + size) + length + block
    return bytes.fromhex("1F43B675") + _size(len(stamp) + len(group) + size) + stamp + group
