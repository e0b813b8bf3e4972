"""Turn plans into ffmpeg command lines. Pure; the only module that knows ffmpeg-python, as a builder of argv."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as builder

from preflight.fixing import promises, video_options
from preflight.model.media import Container, Media, StreamKind
from preflight.model.plan import Plan, Treatment, VideoEncode
from preflight.tools import bounds, containers, packets
from preflight.tools import ffmpeg as tool
from preflight.tools.bounds import OutputRange
from preflight.tools.ffmpeg import INPUT_OPTIONS, QUIET
from preflight.tools.steady_times import Correction

_ASIDE = {byte: 0x100000 + byte for byte in range(0xDC80, 0xDD00)}
"""Bytes of a name that is no UTF-8, which ffmpeg-python can't take, and letters for private use in their place."""
_BACK = {letter: byte for byte, letter in _ASIDE.items()}
_TAGGED = frozenset({Container.MP4, Container.MOV, Container.THREEGP})
"""Containers that name the kind of a codec's packets by a tag, which a copy keeps."""
_WITHOUT_TIMES = frozenset({Container.MPEG_PS, Container.OTHER})
"""Containers in which ffmpeg reckons the times of frames, and of the first ones below 0."""
_PLAIN_LAYOUTS = {1: "pan=mono|c0=c0", 2: "pan=stereo|c0=c0|c1=c1"}
"""Filters by the number of channels that name the layout anew and leave the samples as they are."""
_IN_BAND = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
"""Filters by codec that turn packets into a stream in which parameter sets may stand between frames."""
_NO_STREAM = "9999?"
"""Of an input: nothing, and no error when there is nothing."""
_LIST_OPTIONS = {"f": "concat", "safe": "0", "protocol_whitelist": "file,pipe"}


def convert(plan: Plan, span: OutputRange, *, ffmpeg: str) -> list[str]:
    """Return the argv that makes `span` by decoding and encoding as planned; sound is copied where planned so."""
    source = _source(plan)
    begun = max(Fraction(0), span.start - bounds.EPSILON)
    ended = None if span.end is None else span.end - bounds.EPSILON
    return _compile([_whole(plan, source, span, begun=begun, ended=ended)], ffmpeg)


def remux(
    plan: Plan, output: Path, *, ffmpeg: str, listing: Path | None = None, fault: Correction | None = None
) -> list[str]:
    """Return the argv that writes the source anew from its first packet to its last.

    It also writes the list of the source's kept packets to `listing`, which costs nothing but the lines. `fault` tells
    which frames of a copied video have wrong times, which are corrected in the output and not in the list.
    """
    argv = _compile([_whole(plan, _source(plan), OutputRange(output=output), fault=fault)], ffmpeg)
    if listing is None:
        return argv
    maps = [f"0:{name}" for name in promises.specifiers(plan)]
    return [*argv, *packets.listing_output(maps), tool.local(listing)]


def copy(plan: Plan, spans: Sequence[OutputRange], *, ffmpeg: str, video_scale: int | None = None) -> list[str]:
    """Return one argv that copies all `spans` out of the source, side by side.

    Each piece has the packets of its range and no others: those of the video by decoding time, the rest by their own.
    `video_scale` is given for video that others are joined to: its ticks a second; then nothing else is copied.
    """
    picture_only = video_scale is not None
    source = _source(plan)
    made, inputs = [], 0
    for span in spans:
        given = _input(source, **bounds.seek(span, source.container))
        # A view for the video alone saves what lies around the range; a long range hardly gains by it.
        exact = None if bounds.is_long(span) and not picture_only else bounds.seek_picture(span, source.container)
        shown = given if exact is None else _input(source, **exact)
        options = _copy_options(plan, picture_only=picture_only)
        options |= _timed(plan, bounds.filters(span, picture=exact is None))
        streams = _chosen(plan, shown, given, picture_only=picture_only)
        # Each input's chapters are shifted by as much as its packets; ffmpeg-python numbers inputs as they are used.
        inputs += len({stream.node for stream in streams})
        options["map_chapters"] = str(inputs - 1)
        if picture_only:
            # Chapters would count for its start and length, by which it is put in its place.
            options |= {"video_track_timescale": str(video_scale), "map_chapters": "-1"}
        if picture_only and source.video is not None and source.video.codec in _IN_BAND:
            # What follows a head brings its parameter sets along; ffmpeg puts them before IDR frames only, and an open
            # group of pictures begins with another kind of keyframe.
            filters = [options.get("bsf:v"), _IN_BAND[source.video.codec], "dump_extra=freq=keyframe"]
            options["bsf:v"] = ",".join(filter(None, filters))
        if picture_only and source.video is not None and source.video.codec == "hevc":
            options["tag:v"] = "hev1"
        made.append(builder.output(*streams, _local(span.output), **options))
    return _compile(made, ffmpeg)


def head(plan: Plan, span: OutputRange, *, ffmpeg: str, scale: int) -> list[str]:
    """Return the argv that encodes the video of `span` in `scale` ticks a second; copied packets can follow it."""
    source = _source(plan)
    if span.end is None:
        raise ValueError("a head has an end")
    begun = max(Fraction(0), span.start - bounds.EPSILON)
    length = span.end - span.start
    given = _input(source, **bounds.seek_frame(begun, begun + length))
    options = video_options.head_options(source, scale) | {"map_chapters": "-1"}
    options["vf"] = f"{_between(length)},{options['vf']}"
    options["bsf:v"] = bounds.last_duration()
    made = builder.output(given["V:0"], _local(span.output), **options)
    return _compile([made], ffmpeg)


def assemble(plan: Plan, listing: Path, span: OutputRange, *, late: Fraction, ffmpeg: str) -> list[str]:
    """Return the argv that joins the video in the concat list `listing` and adds the other streams of the range.

    The first frame of the list is shown `late` seconds behind the start of the range.
    """
    source = _source(plan)
    delay = {"itsoffset": bounds.time(late)} if late else {}
    # The list's demuxer opens its files itself, which are all our own.
    shown = builder.input(_local(listing), **_LIST_OPTIONS, **delay)
    given = _input(source, **bounds.seek(span, source.container))
    options = _copy_options(plan) | _timed(plan, bounds.filters(span, picture=False))
    if source.video is not None and source.video.codec == "hevc":
        # hvc1 promises that all parameter sets are in the header; here each part brings its own.
        options["tag:v"] = "hev1"
    names = [containers.specifier(source, stream.index) for stream in promises.kept_streams(plan)]
    options |= {"map_metadata": "1", "map_chapters": "1"}
    options |= {f"map_metadata:s:{position}": f"1:s:{name}" for position, name in enumerate(names)}
    # Tags and chapters come from the source even where no stream does; an input that gives none would be left out.
    rest = [given[name] for name in names[1:]] or [given[_NO_STREAM]]
    return _compile([builder.output(shown["v:0"], *rest, _local(span.output), **options)], ffmpeg)


def _between(end: Fraction | None) -> str:
    # `-t` counts from the first picture behind the seek: one that comes late would let the first of the next in.
    return "trim=start=0" if end is None else f"trim=start=0:end={bounds.time(end)}"


def _local(path: Path) -> str:
    return tool.local(path).translate(_ASIDE)


def _input(source: Media, **timing: Any) -> Any:
    return builder.input(_local(source.path), **INPUT_OPTIONS, **containers.reading_options(source.container), **timing)


def _source(plan: Plan) -> Media:
    if plan.source is None or plan.source.video is None:
        raise ValueError("a plan without a picture can't be carried out")
    return plan.source


def _picture_index(source: Media) -> int:
    return source.video.index if source.video else -1


def _compile(made: list[Any], ffmpeg: str) -> list[str]:
    joined = builder.merge_outputs(*made) if len(made) > 1 else made[0]
    return [str(word).translate(_BACK) for word in joined.global_args(*QUIET).compile(cmd=ffmpeg)]


def _chosen(plan: Plan, shown: Any, given: Any, *, picture_only: bool) -> list[Any]:
    """Return the picture of the input `shown` and, unless it alone is wanted, the other kept streams of `given`."""
    first, *rest = [containers.specifier(_source(plan), stream.index) for stream in promises.kept_streams(plan)]
    return [shown[first], *([] if picture_only else [given[name] for name in rest])]


def _copy_options(plan: Plan, *, picture_only: bool = False) -> dict[str, Any]:
    """Return the options of an output whose picture is copied."""
    options: dict[str, Any] = {"map_metadata": "0", "map_chapters": "0", "max_muxing_queue_size": "4096"}
    kept = promises.kept_streams(plan)[:1] if picture_only else promises.kept_streams(plan)
    for position, stream in enumerate(kept):
        is_picture = stream.index == _picture_index(_source(plan))
        options[f"c:{position}"] = "copy" if is_picture else stream.encoder or "copy"
        if is_picture:
            # ffmpeg drops what comes before the first keyframe from a copy unless it is told to keep it.
            options[f"copyinkf:{position}"] = None
        if stream.treatment is Treatment.ENCODE and not is_picture:
            options |= _sound_options(plan, stream.index, position)
    if plan.container in {Container.MP4, Container.MOV}:
        options["movflags"] = "+faststart"
        source = _source(plan)
        if any(stream.codec in containers.EXPERIMENTAL for stream in source.audio):
            options["strict"] = "-2"
        if source.video is not None and source.video.codec == "hevc" and source.container not in _TAGGED:
            # Apple's players refuse the tag that ffmpeg chooses by itself.
            options["tag:0"] = "hvc1"
    return options


def _timed(plan: Plan, filters: dict[str, str]) -> dict[str, str]:
    """Return the options of `bounds.filters` for the container of `plan`."""
    return bounds.with_sound_durations(filters) if plan.container in _TAGGED else filters


def _whole(
    plan: Plan,
    source: Media,
    span: OutputRange,
    *,
    begun: Fraction = Fraction(0),
    ended: Fraction | None = None,
    fault: Correction | None = None,
) -> Any:
    """Return the output for `span`, whose time 0 is `begun` and whose frames end before `ended`, in seconds."""
    timing = bounds.seek_frame(begun, ended)
    given = _input(source, **timing)
    heard = given
    if plan.audio_end is not None:
        heard = _input(source, **timing, t=bounds.time(plan.audio_end))
    kept = promises.kept_streams(plan)
    timed = {s.index for s in source.streams if s.kind in {StreamKind.AUDIO, StreamKind.SUBTITLE}}
    chosen = [(heard if s.index in timed else given)[containers.specifier(source, s.index)] for s in kept]
    # A seek brings copied sound along from the keyframe before.
    options = _copy_options(plan) | _timed(plan, bounds.filters(span, picture=False, zero=begun))
    if plan.audio_end is not None:
        options["bsf:s"] = ",".join(filter(None, [options.get("bsf:s"), bounds.end_lines(plan.audio_end)]))
    if source.container in _WITHOUT_TIMES and not timing:
        # A frame before time 0 would be hidden by an edit list of MP4.
        options["avoid_negative_ts"] = "make_zero"
    elif plan.container is Container.AVI:
        # What an encoder puts before the sound would move the frames, whose times are whole numbers of frames.
        options["avoid_negative_ts"] = "disabled"
    if plan.video is not None:
        # The picture is the first of the kept streams.
        options.pop("copyinkf:0")
        options.pop("tag:0", None)
        options |= _encode_options(plan.video, plan, span)
        if begun:
            options["filter:0"] = f"{video_options.AT_ZERO},{options['filter:0']}"
        if timing:
            options["filter:0"] = f"{_between(None if ended is None else ended - begun)},{options['filter:0']}"
    elif fault is not None or (plan.container in _TAGGED and source.container not in _TAGGED):
        options["bsf:v:0"] = bounds.last_duration(*(fault.expressions() if fault is not None else ()))
    return builder.output(*chosen, _local(span.output), **options)


def _encode_options(encode: VideoEncode, plan: Plan, span: OutputRange) -> dict[str, Any]:
    """Return the options that encode the video of `span`, the first stream of the output."""
    options = {"c:0": encode.encoder, **video_options.options(encode, _source(plan), plan.container)}
    if span.held is not None:
        options["bsf:v:0"] = bounds.hold_filter(span.held)
        # As a keyframe it is the last in decoding order too, the only one whose duration MP4 tells freely.
        options["force_key_frames:0"] = bounds.time(span.held[0] - bounds.EPSILON)
    elif plan.container in _TAGGED:
        # Frames that ffmpeg 7 encodes have no durations.
        options["bsf:v:0"] = bounds.last_duration()
    return options


def _sound_options(plan: Plan, index: int, position: int) -> dict[str, Any]:
    stream = next((s for s in _source(plan).audio if s.index == index), None)
    if stream is None or plan.audio is None:
        return {}
    options = {f"b:{position}": str(plan.audio.rate_per_channel * (stream.channels or 2))}
    if stream.channels in _PLAIN_LAYOUTS:
        # One channel may be called "front left", which the encoder refuses; it takes the first as the only one.
        options[f"filter:{position}"] = _PLAIN_LAYOUTS[stream.channels]
    return options
