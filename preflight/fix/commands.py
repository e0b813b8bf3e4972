"""Turn a plan into ffmpeg command lines. Pure; the only module that knows ffmpeg-python, as a builder of argv."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg as builder

from preflight.media import Container, Media, StreamKind, VideoStream
from preflight.plan import Plan, Treatment, VideoEncode
from preflight.tools.ffmpeg import INPUT_OPTIONS, local

_GLOBAL = ("-hide_banner", "-nostdin", "-v", "error", "-y")
_TIME_BASE = "1:90000"
"""Ticks of an encoded picture: exact for every common frame rate, and known to every version of ffmpeg."""
_TONE_MAP = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0,zscale=t=bt709:m=bt709:r=tv"
"""HDR to SDR BT.709: linear light against 100 nits, highlights rolled off, colours not washed out."""


def convert(plan: Plan, output: Path, *, ffmpeg: str) -> list[str]:
    """Return the argv that carries out a plan of one file: copies, encodes and drops streams as planned."""
    source = plan.source
    if source is None or source.video is None:
        raise ValueError("a plan without a picture can't be carried out")
    timing: dict[str, Any] = {}
    if plan.trim:
        timing = {"ss": _time(plan.trim[0]), "t": _time(plan.trim[1] - plan.trim[0])}
    given = builder.input(local(source.path), **INPUT_OPTIONS, **timing)
    kept = [s for s in plan.streams if s.treatment is not Treatment.DROP]
    options: dict[str, Any] = {"map_metadata": "0", "map_chapters": "0", "max_muxing_queue_size": "4096"}
    for position, stream in enumerate(kept):
        options[f"c:{position}"] = stream.encoder or "copy"
        if stream.index == source.video.index and plan.video:
            options |= _picture_options(plan.video, source.video, position)
        elif stream.treatment is Treatment.ENCODE and plan.audio:
            options |= _sound_options(plan, stream.index, position)
    if plan.container in {Container.MP4, Container.MOV}:
        options["movflags"] = "+faststart"
    chosen = (given[specifier(source, s.index)] for s in kept)
    made = builder.output(*chosen, local(output), **options)
    return [str(word) for word in made.global_args(*_GLOBAL).compile(cmd=ffmpeg)]


_LETTERS = {
    StreamKind.VIDEO: "V",
    StreamKind.AUDIO: "a",
    StreamKind.SUBTITLE: "s",
    StreamKind.DATA: "d",
    StreamKind.ATTACHMENT: "t",
}


def specifier(source: Media, index: int) -> str:
    """Return ffmpeg's name of a stream: its kind and its number among that kind.

    Plain numbers would not do: readers count hidden streams (chapters, time codes) differently.
    """
    stream = next(s for s in source.streams if s.index == index)
    same = [s.index for s in source.streams if s.kind is stream.kind]
    return f"{_LETTERS.get(stream.kind, 'v')}:{same.index(index)}"


def _time(seconds: Any) -> str:
    return f"{float(seconds):.6f}"


def _sound_options(plan: Plan, index: int, position: int) -> dict[str, Any]:
    stream = next((s for s in plan.source.audio if s.index == index), None) if plan.source else None
    if stream is None or plan.audio is None:
        return {}
    return {f"b:{position}": str(plan.audio.rate_per_channel * (stream.channels or 2))}


def _picture_options(encode: VideoEncode, picture: VideoStream, position: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        f"preset:{position}": encode.preset,
        f"crf:{position}": str(encode.crf),
        "vf": ",".join(filters(encode, picture)),
        # The source's own times, however uneven: frames are neither dropped nor repeated.
        "fps_mode": "passthrough",
        "enc_time_base": _TIME_BASE,
    }
    if encode.max_rate:
        options[f"maxrate:{position}"] = str(encode.max_rate)
        options[f"bufsize:{position}"] = str(encode.buffer or encode.max_rate)
    return options


def filters(encode: VideoEncode, picture: VideoStream) -> list[str]:
    """Return the picture's filters in order. ffmpeg has applied the rotation before the first one."""
    chain: list[str] = []
    if encode.deinterlace:
        chain.append("bwdif=mode=send_frame:deint=interlaced")
    if encode.tone_map:
        chain.append(_TONE_MAP)
    if encode.crop:
        chain.append(f"crop={encode.crop[0]}:{encode.crop[1]}")
    width, height = encode.size or encode.crop or picture.display_size
    if encode.size or picture.sar != 1:
        chain.append(f"scale={width - width % 2}:{height - height % 2}:flags=bicubic")
    elif not encode.crop and (width % 2 or height % 2):
        chain.append("crop=trunc(iw/2)*2:trunc(ih/2)*2")
    return [*chain, "setsar=1", "format=yuv420p"]
