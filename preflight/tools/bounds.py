"""A stretch of a source, and how ffmpeg is told its bounds to the packet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from preflight.model.media import Container

EPSILON = Fraction(1, 1000)
"""Seconds, less than a frame lasts, by which a bound is put before a picture so that no rounding moves it."""
_TICK = Fraction(1, 1_000_000)
"""The same for sound, whose packets may begin at the bound itself."""
_PREROLL = Fraction(10)
"""Seconds read around a stretch where a file has one index for all streams: sound may lie seconds from its picture."""
_PREROLL_EACH = Fraction(1)
"""The same where a file has an index for each stream."""
_PREROLL_FRAME = Fraction(2)
"""Seconds decoded before the first frame that is wanted: more than a frame is decoded before it is shown."""
_LONG = Fraction(60)
"""Seconds at or above which a range is long: two groups of pictures are usually less than a sixth of it."""
_INDEXES_EACH_STREAM = frozenset({Container.MP4, Container.MOV})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRange:
    """A stretch of the source, `start` to `end` in seconds (None: to its end), and the file it goes to.

    `dts_start` and `dts_end` are the decoding times of the first packet of a copied picture and of the first that does
    not belong to it any more. Without `dts_start` a copy begins with the first keyframe at `start`, and pictures that
    are shown before it are left out. `held` is when the last frame is shown, counted from `start`, and for how long,
    where that is longer than frames usually last: old encoders don't carry it on.
    """

    output: Path
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    dts_start: Fraction | None = None
    dts_end: Fraction | None = None
    sound_end: Fraction | None = None
    held: tuple[Fraction, Fraction] | None = None


def time(seconds: Fraction) -> str:
    """Return seconds as ffmpeg's options take them, never below 0."""
    return f"{float(max(seconds, Fraction(0))):.6f}"


def seek(span: OutputRange, container: Container) -> dict[str, str]:
    """Return the input options that make the packets of `span` count from 0, with some before and behind it.

    Seeking alone is not exact: it lands on keyframes, and a packet that reaches over the bound comes along.
    """
    room = _PREROLL_EACH if container in _INDEXES_EACH_STREAM else _PREROLL
    before = min(span.start, room)
    options = {}
    if span.start > before:
        options["ss"] = time(span.start - before)
    if before:
        options["itsoffset"] = f"-{time(before)}"
    if span.end is not None:
        options["t"] = time(span.end - span.start + before + room)
    return options


def seek_frame(begun: Fraction, ended: Fraction | None) -> dict[str, str]:
    """Return the input options that make decoded frames from `begun` up to `ended` (seconds) count from 0.

    Those before have times below 0, some behind come along, and both have to be filtered out: seeks go by decoding
    times in files without an edit list, so that one to the very frame may land on the keyframe behind it.
    """
    before = min(begun, _PREROLL_FRAME)
    options = {}
    if begun > before:
        options["ss"] = time(begun - before)
    if before:
        options["itsoffset"] = f"-{time(before)}"
    if ended is not None:
        # Reading ends by decoding times, of which some are later than the frames that are wanted.
        options["t"] = time(ended - begun + before + _PREROLL_EACH)
    return options


def is_long(span: OutputRange) -> bool:
    """Return True for a range so long that the seconds read around it don't count."""
    return span.end is not None and span.end - span.start >= _LONG


def seek_picture(span: OutputRange, container: Container) -> dict[str, str] | None:
    """Return the input options that make a copied picture's packets those of `span`, or None where none are exact.

    Where each stream has an index, seeking lands on the keyframe that was chosen, and the first packet at the end by
    its decoding time ends the stream. Filters do the same anywhere, but read every byte of what they let through.
    """
    if container not in _INDEXES_EACH_STREAM or (span.start and span.dts_start is None):
        return None
    options: dict[str, str] = {}
    if span.start:
        options |= {"ss": time(span.start + EPSILON), "itsoffset": time(EPSILON)}
    if span.dts_end is not None:
        options["t"] = time(span.dts_end - span.start - EPSILON)
    return options


def filters(span: OutputRange, *, picture: bool, zero: Fraction | None = None) -> dict[str, str]:
    """Return the output options that drop what `seek` lets in beside the segment, packets and chapters.

    Times count from `zero` (seconds of the source), or from the start of `span`.
    """
    zero = span.start if zero is None else zero
    shown, ended = _since("pts", zero), _since("(pts+d)", zero)
    rest = []
    if span.start:
        rest.append(f"lt({shown},{_number(span.start - _TICK)})")
    if span.sound_end is not None:
        rest.append(f"gt({ended},{_number(span.sound_end + _TICK)})")
    elif span.end is not None:
        rest.append(f"gte({shown},{_number(span.end - _TICK)})")
    chosen = {"bsf:a": _drop(rest), "bsf:s": _drop(rest)} if rest else {}
    if span.end is not None:
        # Chapters know no other end. All wanted packets are earlier.
        chosen["t"] = time(span.end - zero)
    conditions = _picture(span, zero) if picture else []
    return chosen | ({"bsf:v": _drop(conditions)} if conditions else {})


def _since(time: str, zero: Fraction) -> str:
    """Return a packet's time in seconds of the source: ffmpeg took `zero` away in whole ticks of the stream."""
    return f"({time}+round({_number(zero)}/tb))*tb" if zero else f"{time}*tb"


def _picture(span: OutputRange, zero: Fraction) -> list[str]:
    conditions = []
    decoded = _since("dts", zero)
    if span.start and span.dts_start is not None:
        conditions.append(f"lt({decoded},{_number(span.dts_start - EPSILON)})")
    elif span.start:
        conditions.append(f"lt({_since('pts', zero)},{_number(span.start - EPSILON)})")
    if span.dts_end is not None:
        conditions.append(f"gte({decoded},{_number(span.dts_end - EPSILON)})")
    return conditions


def _number(seconds: Fraction) -> str:
    return f"{float(seconds):.6f}"


def _drop(conditions: list[str]) -> str:
    # A bare comma would end the bit stream filter.
    return "noise=amount=0:drop=" + "+".join(conditions).replace(",", "\\,")


def hold_filter(last: tuple[Fraction, Fraction]) -> str:
    """Return the bit stream filter that sets the duration of the packet shown at `last[0]` to `last[1]` seconds."""
    shown, duration = last
    condition = f"gte(PTS*TB,{_number(shown - EPSILON)})"
    return _set_duration(f"if({condition},{_number(duration)}/TB,DURATION)")


def last_duration(pts: str = "PTS", dts: str = "DTS") -> str:
    """Return the bit stream filter that gives packets without a duration the distance in decoding time.

    `pts` and `dts` are the times that packets get, in the filter's language.

    Transport streams tell no durations, and MP4 would not show a last frame that lasts for nothing.
    """
    behind = "if(eq(PREV_INDTS,NOPTS),0,DTS-PREV_INDTS)"
    return _set_duration(f"if(gt(DURATION,0),DURATION,if(eq(NEXT_DTS,NOPTS),{behind},NEXT_DTS-DTS))", pts, dts)


def with_sound_durations(filters: dict[str, str]) -> dict[str, str]:
    """Return output options as `filters` does, by which packets of sound without a duration get one.

    MP4 would not play a last packet that lasts for nothing; ffmpeg 5 reads such ones from MP4 itself.
    """
    return filters | {"bsf:a": ",".join(filter(None, [filters.get("bsf:a"), last_duration()]))}


def end_lines(end: Fraction) -> str:
    """Return the bit stream filter that ends lines of subtitles at `end` seconds: one may begin before and last on."""
    return _set_duration(f"min(DURATION,max(1,floor({_number(end)}/TB)-PTS))")


def _set_duration(expression: str, pts: str = "PTS", dts: str = "DTS") -> str:
    # Left alone, the filter shows every packet at its decoding time. A bare comma would end it.
    return f"setts=pts={pts}:dts={dts}:duration={expression}".replace(",", "\\,")
