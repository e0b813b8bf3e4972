"""Combine MediaInfo's fields and the header's integers into a `Media`. Pure."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from preflight.model.media import (
    AudioStream,
    ColorTags,
    Container,
    FileIdentity,
    Media,
    Stream,
    StreamKind,
    VideoStream,
)
from preflight.probe import codec_names
from preflight.probe.header_facts import Exact, ExactTrack, simplest_fraction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Track = dict[str, Any]


_DELAYED = frozenset({"mpeg-ts", "mpeg-ps"})
"""Kinds of files for which MediaInfo reports the delay of each stream separately from its duration."""
_MACROBLOCK = 16
"""Pixels along a side of an H.264 macroblock, of which a coded picture is made."""
_DECIMAL = re.compile(r"(\d{1,18})(?:\.(\d{1,18}))?", re.ASCII).fullmatch


def to_media(path: Path, facts: dict[str, Any]) -> Media:
    """Return the `Media` of `path` from the worker's `facts`."""
    tracks = _tracks(facts.get("mediainfo"))
    general = tracks[0] if tracks and tracks[0].get("@type") == "General" else {}
    exact = Exact.of(facts.get("header") or {})
    ordered = sorted(filter(_counts, tracks[1:]), key=_order)
    streams = _without_stills(tuple(_stream(track, position, exact) for position, track in enumerate(ordered)))
    streams += _pictures(general, max((s.index for s in streams), default=-1) + 1)
    return Media(
        path=path,
        identity=FileIdentity(size=facts["size"], mtime_ns=facts["mtime_ns"], inode=facts["inode"]),
        container=container(facts, general),
        brand=exact.brand or general.get("CodecID"),
        streams=streams,
        duration=_duration(exact, general, streams, tracks if facts["kind"] in _DELAYED else []),
        fragmented=exact.fragmented,
        faststart=exact.faststart,
        indexed=exact.indexed,
        external=exact.external,
        chapters=exact.chapters or _chapters(tracks),
        missing_bytes=exact.missing_bytes,
    )


def _duration(exact: Exact, general: Track, streams: tuple[Stream, ...], tracks: list[Track]) -> Fraction | None:
    if exact.indexed is False and exact.brand is None:
        # An AVI whose index is gone or wrong: its frame counts were often never filled in. Packets tell.
        return None
    if exact.brand in {"matroska", "webm"}:
        # A stream's duration is a tag here, which many tools copy unchanged into shorter files.
        return exact.duration
    return max(filter(None, (longest(exact.duration or _seconds(general), streams), _span(tracks))), default=None)


def _span(tracks: list[Track]) -> Fraction | None:
    """Return the seconds from the first to the last moment of picture and sound in MPEG streams, which begin apart."""
    spans = [
        (_number(track.get("Delay")) or Fraction(0), _number(track.get("Duration")) or Fraction(0))
        for track in tracks
        if track.get("@type") in {"Video", "Audio"}
    ]
    return (max(start + length for start, length in spans) - min(start for start, _ in spans)) / 1000 if spans else None


def longest(container: Fraction | None, streams: tuple[Stream, ...]) -> Fraction | None:
    """Return the longest of the container's, the video's and the audio's duration; None when none is known.

    Args:
        container: seconds by the container's header, or None.
        streams: the streams with their own durations.
    """
    known = [s.duration for s in streams if s.kind in {StreamKind.VIDEO, StreamKind.AUDIO} and s.duration]
    return max([*known, *([container] if container else [])], default=None)


def container(facts: dict[str, Any], general: Track) -> Container:
    """Return the container by content: the first bytes' kind, refined by brand and document type.

    Args:
        facts: the worker's facts.
        general: MediaInfo's fields on the whole file.
    """
    kind = facts["kind"]
    if kind == "bmff":
        return codec_names.brand_container((facts.get("header") or {}).get("brand"))
    if kind == "matroska":
        return Container.WEBM if general.get("Format") == "WebM" else Container.MKV
    return Container(kind) if kind in set(Container) else Container.OTHER


def _tracks(told: Any) -> list[Track]:
    return [_moving(track) for track in told if isinstance(track, dict)] if isinstance(told, list) else []


def _moving(track: Track) -> Track:
    # A GIF moves, although MediaInfo files it under pictures.
    return {**track, "@type": "Video"} if (track.get("@type"), track.get("Format")) == ("Image", "GIF") else track


def _counts(track: Track) -> bool:
    return track.get("@type") in {"Video", "Audio", "Text", "Other", "Image"}


def _order(track: Track) -> tuple[int, ...]:
    """MediaInfo groups tracks by kind; `StreamOrder` (`2`, or `0-2` in a program) is their order in the file."""
    numbers = re.findall(r"\d+", str(track.get("StreamOrder", "")))
    return tuple(map(int, numbers)) if numbers else (10**6,)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(text: Any) -> Fraction | None:
    """Return the exact value of MediaInfo's decimal text; None for what is no positive number."""
    match = _DECIMAL(str(text).strip())
    if match is None:
        return None
    whole, decimals = match[1], match[2] or ""
    # From integers a fraction is made in a quarter of the time that its own reading of decimals takes.
    return Fraction(int(whole + decimals), 10 ** len(decimals)) or None


def _whole(text: Any) -> int | None:
    """Return the whole part of MediaInfo's decimal text; None for what is no number of 1 or more."""
    match = _DECIMAL(str(text).strip())
    return None if match is None else int(match[1]) or None


def _seconds(track: Track) -> Fraction | None:
    """Return the duration, which MediaInfo reports in milliseconds."""
    milliseconds = _number(track.get("Duration"))
    return milliseconds / 1000 if milliseconds else None


def _stream(track: Track, position: int, exact: Exact) -> Stream:
    index, header = exact.find(str(track.get("ID")), position)
    common: dict[str, Any] = {
        "index": index,
        "kind": _kind(track, header),
        "codec": codec_names.codec_name(track),
        "duration": header.duration or _seconds(track),
        "bit_rate": _whole(track.get("BitRate")),
        "language": _text(track.get("Language")),
        "title": _text(track.get("Title")),
    }
    if header.encrypted or track.get("Encryption"):
        common["encrypted"] = True
    if common["kind"] is StreamKind.VIDEO:
        return _video(track, header, common)
    if common["kind"] is StreamKind.AUDIO:
        return AudioStream(
            **common, channels=_whole(track.get("Channels")), sample_rate=_whole(track.get("SamplingRate"))
        )
    return Stream(**common)


def _kind(track: Track, header: ExactTrack) -> StreamKind:
    kinds = {
        "Video": StreamKind.VIDEO,
        "Image": StreamKind.COVER,
        "Audio": StreamKind.AUDIO,
        "Text": StreamKind.SUBTITLE,
    }
    kind = kinds.get(track["@type"], StreamKind.DATA)
    # MediaInfo goes by the samples' format alone; a player shows only what is said to be video.
    return StreamKind.DATA if kind is StreamKind.VIDEO and header.handler not in {"", "vide"} else kind


def _video(track: Track, header: ExactTrack, common: dict[str, Any]) -> VideoStream:
    rotation = header.rotation if header.rotation is not None else round(_number(track.get("Rotation")) or 0)
    rate, count, varies = _timing(track, header)
    depth, chroma = codec_names.pixel_format(track)
    stated = _whole(track.get("Width")) or 0, _whole(track.get("Height")) or 0
    width, height = decoded_size(stated, header.sizes, codec=common["codec"])
    return VideoStream(
        **common,
        width=width,
        height=height,
        sizes=header.sizes if len(header.sizes) > 1 else (),
        mirrored=header.mirrored,
        sar=header.sar or simplest_fraction(str(track.get("PixelAspectRatio", "1.000"))),
        rotation=rotation % 360,
        frame_rate=rate,
        frame_count=0 if header.samples == 0 else count,
        variable_frame_rate=varies,
        interlaced=header.interlaced or codec_names.is_interlaced(track),
        bit_depth=header.bit_depth or depth,
        chroma=header.chroma or chroma,
        color=ColorTags(
            primaries=codec_names.PRIMARIES.get(str(track.get("colour_primaries"))),
            transfer=codec_names.TRANSFERS.get(str(track.get("transfer_characteristics"))),
            matrix=codec_names.MATRICES.get(str(track.get("matrix_coefficients"))),
            full_range={"Full": True, "Limited": False}.get(str(track.get("colour_range"))),
        ),
    )


def decoded_size(stated: tuple[int, int], sizes: tuple[tuple[int, int], ...], *, codec: str) -> tuple[int, int]:
    """Return the size that a decoder shows: that of the sequence headers where they contradict the container.

    Of several it is the largest. Decoders of H.264 take the container's size where it is the larger one within the same
    macroblocks: that is how some writers state what the stream does not crop.

    Args:
        stated: width and height by the container.
        sizes: width and height by each sequence header.
        codec: the name of the codec.
    """
    if not sizes or stated in sizes:
        return stated
    largest = max(sizes, key=lambda size: size[0] * size[1])
    pairs = tuple(zip(stated, largest, strict=True))
    if codec == "h264" and all(a >= b and -(-a // _MACROBLOCK) == -(-b // _MACROBLOCK) for a, b in pairs):
        return stated
    return largest


def _timing(track: Track, header: ExactTrack) -> tuple[Fraction | None, int | None, bool]:
    """Return frame rate, frame count and whether the rate varies.

    Where the header states a rate that MediaInfo's contradicts, the latter comes from stale statistics tags.
    """
    rate, count = frame_rate(track), _whole(track.get("FrameCount"))
    varies = track.get("FrameRate_Mode") == "VFR"
    if varies and header.pace:
        # To MediaInfo a longer first sample in a fragment makes a rate that varies.
        return near_ntsc(header.pace), count, False
    stated = None if header.rate is None else near_ntsc(header.rate)
    if stated and (rate is None or not Fraction(1, 2) < rate / stated < 2):
        return stated, None, bool(header.uneven)
    if header.uneven is not None:
        # In Matroska MediaInfo has nothing but tags to go by.
        return rate, count, header.uneven
    # AVI has one rate by its nature.
    return rate, count, varies and count is not None and stated is None


def _without_stills(streams: tuple[Stream, ...]) -> tuple[Stream, ...]:
    """Mark as covers the pictures that a muxer stored as a video of one frame beside the real streams."""
    others = [
        s for s in streams if s.kind in {StreamKind.VIDEO, StreamKind.AUDIO} and s.codec not in codec_names.STILLS
    ]
    if not others:
        return streams
    return tuple(
        Stream(index=s.index, kind=StreamKind.COVER, codec=s.codec)
        if isinstance(s, VideoStream) and s.codec in codec_names.STILLS and (s.frame_count or 1) <= 1
        else s
        for s in streams
    )


def frame_rate(track: Track) -> Fraction | None:
    """Return frames a second: MediaInfo's own fraction, else its decimals, read as an NTSC rate where they are one."""
    top, bottom = _number(track.get("FrameRate_Num")), _number(track.get("FrameRate_Den"))
    if top and bottom:
        return top / bottom
    rate = _number(track.get("FrameRate"))
    if rate is None:
        return None
    return near_ntsc(rate)


def near_ntsc(rate: Fraction) -> Fraction:
    """Return the whole or NTSC rate (n * 1000 / 1001) that `rate` is a rounding of, or `rate` itself."""
    whole = Fraction(round(rate))
    ntsc = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    return next((exact for exact in (whole, ntsc) if exact and abs(exact - rate) < Fraction(1, 1000)), rate)


def _pictures(general: Track, first: int) -> tuple[Stream, ...]:
    """Return the cover pictures, which MediaInfo reports as names of the whole file and not as tracks."""
    if not general.get("Cover"):
        return ()
    count = len(str(general.get("Cover")).split(" / "))
    return tuple(Stream(index=first + n, kind=StreamKind.COVER, codec="image") for n in range(count))


def _chapters(tracks: list[Track]) -> int:
    menus = [track for track in tracks if track.get("@type") == "Menu"]
    return sum((_whole(m.get("Chapters_Pos_End")) or 0) - (_whole(m.get("Chapters_Pos_Begin")) or 0) for m in menus)
