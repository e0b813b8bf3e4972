"""How a picture is filtered and encoded, as ffmpeg's options. Pure."""

from __future__ import annotations

from typing import Any

from preflight.model.media import ColorTags, Container, Media, VideoStream
from preflight.model.plan import VideoEncode
from preflight.tools import appearance
from preflight.tools.bounds import EPSILON
from preflight.tools.ffmpeg import SOFTWARE

TIME_BASE = "1:90000"
"""Ticks of an encoded picture: exact for every common frame rate, and known to every version of ffmpeg."""
MATROSKA_TIME_BASE = "1:1000"
"""Ticks of Matroska, which counts in milliseconds."""
TIME_SCALE = "90000"
"""The same for the container."""
AT_ZERO = f"setpts=max(0\\,round(PTS-{float(EPSILON)}/TB))"
"""Filter for an input that was opened `EPSILON` before its start: the picture on show then, come up before, is at 0."""
_HEAD_CRF = "10"
"""Quality of the few pictures that a cut between keyframes has to encode: no difference to be seen."""
HEAD_ENCODERS = {"h264": "libx264", "hevc": "libx265"}
"""Encoders whose pictures can be followed by copied packets of the same codec."""
_SVT_PRESETS = {
    "ultrafast": "12", "superfast": "11", "veryfast": "10", "faster": "9", "fast": "8", "medium": "6", "slow": "5",
    "slower": "4", "veryslow": "3", "placebo": "2",
}  # fmt: skip
"""SVT-AV1's numbers for x264's words, at about the same speed."""


def options(encode: VideoEncode, source: Media, target: Container) -> dict[str, Any]:
    """Return the options that encode the video, which is the first stream of an output of the kind `target`.

    The encoder counts in the container's own time base: bit stream filters of ffmpeg 5 know the encoder's only.
    """
    stream = _picture(source)
    time_base = MATROSKA_TIME_BASE if target in {Container.MKV, Container.WEBM} else TIME_BASE
    chosen: dict[str, Any] = {
        **_quality(encode),
        "filter:0": ",".join(filters(encode, stream)),
        # The source's own times, however uneven: frames are neither dropped nor repeated.
        "fps_mode:0": "passthrough",
        "enc_time_base:0": time_base,
        **({"video_track_timescale": TIME_SCALE} if time_base == TIME_BASE else {}),
        **color_options(_result_color(encode, stream)),
    }
    if encode.encoder == "libx264":
        chosen["profile:0"] = "high"
    if encode.encoder == "libx265":
        chosen["tag:0"] = "hvc1"
    return chosen


def _quality(encode: VideoEncode) -> dict[str, str]:
    """Return preset, quality and cap in the encoder's own words."""
    if encode.encoder in SOFTWARE:
        preset = _SVT_PRESETS.get(encode.preset, encode.preset) if encode.encoder == "libsvtav1" else encode.preset
        chosen = {"preset:0": preset}
        chosen |= {"b:0": str(encode.average)} if encode.average else {"crf:0": str(encode.crf)}
    else:
        # A hardware encoder has no CRF; the cap is its bit rate.
        chosen = {"b:0": str(encode.max_rate or 8_000_000)}
    if encode.max_rate:
        # What is told of the bytes written shall not lag behind the pictures.
        chosen["flush_packets"] = "1"
        chosen["maxrate:0"] = str(encode.max_rate)
        chosen["bufsize:0"] = str(encode.buffer or encode.max_rate)
    return chosen


def head_options(source: Media, scale: int) -> dict[str, Any]:
    """Return the options that encode a head or a tail: like the source, as near to it as can be seen.

    Times are in `scale` ticks a second, as in the source: ffmpeg joins equal time bases only.

    Pictures are reordered as deep as x264 and x265 do: Matroska has no decoding times, and readers reckon them by the
    depth that the first pictures announce.
    """
    stream = _picture(source)
    # A head's parameter sets are the file's; those of a tail have to come with its pictures.
    own_sets = {"x265-params": "repeat-headers=1:log-level=none"} if stream.codec == "hevc" else {}
    return {
        **own_sets,
        "c:v": HEAD_ENCODERS[stream.codec],
        "preset": "veryfast",
        "crf": _HEAD_CRF,
        "pix_fmt": "yuv420p10le" if stream.bit_depth == 10 else "yuv420p",
        "vf": ",".join(filter(None, [appearance.color_filter(stream.color), AT_ZERO])),
        "video_track_timescale": str(scale),
        "fps_mode": "passthrough",
        "enc_time_base": f"1:{scale}",
        **color_options(stream.color),
    }


def can_have_head(source: Media) -> bool:
    """Return True when pictures encoded here can stand before copied ones of this source."""
    stream = source.video
    return (
        stream is not None
        and stream.codec in HEAD_ENCODERS
        and stream.chroma in {None, "4:2:0"}
        and stream.bit_depth in {None, 8, 10}
        and not stream.interlaced
        and not (stream.rotation or stream.mirrored)
    )


def color_options(color: ColorTags) -> dict[str, str]:
    """Return the options that carry color tags on; what the source is silent about stays unsaid."""
    said = {
        "color_primaries:v": color.primaries,
        "color_trc:v": color.transfer,
        "colorspace:v": color.matrix,
        "color_range:v": None if color.full_range is None else "pc" if color.full_range else "tv",
    }
    return {name: value for name, value in said.items() if value is not None}


def _result_color(encode: VideoEncode, stream: VideoStream) -> ColorTags:
    if encode.tone_map:
        return ColorTags(primaries="bt709", transfer="bt709", matrix="bt709", full_range=False)
    return stream.color


def _picture(source: Media) -> VideoStream:
    if source.video is None:
        raise ValueError("a source without a picture can't be encoded")
    return source.video


def filters(encode: VideoEncode, stream: VideoStream) -> list[str]:
    """Return the picture's filters in order. ffmpeg has applied the rotation before the first one."""
    chain = [*filter(None, [appearance.color_filter(stream.color)])]
    if encode.deinterlace:
        chain.append("bwdif=mode=send_frame:deint=interlaced")
    if encode.tone_map:
        chain.append(appearance.TONE_MAP)
    if encode.crop:
        chain.append(f"crop={encode.crop[0]}:{encode.crop[1]}")
    width, height = encode.size or encode.crop or stream.display_size
    if encode.size or stream.sar != 1:
        chain.append(f"scale={width - width % 2}:{height - height % 2}:flags=bicubic")
    elif not encode.crop and (width % 2 or height % 2):
        chain.append("crop=trunc(iw/2)*2:trunc(ih/2)*2")
    return [*chain, "setsar=1", "format=yuv420p"]
