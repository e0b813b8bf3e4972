from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from fixtures import values
from preflight.fix import commands, plan
from preflight.media import Container, StreamKind
from preflight.tools.ffmpeg import INPUT_OPTIONS

GUARD = ["-format_whitelist", INPUT_OPTIONS["format_whitelist"], "-protocol_whitelist", "file,pipe"]
QUIET = ["-hide_banner", "-nostdin", "-v", "error", "-y"]


def test_remux() -> None:
    media = values.media("in.ts", container=Container.MPEG_TS)
    argv = commands.convert(plan(values.report(media)), Path("out.mp4"), ffmpeg="ffmpeg")
    assert argv == [
        "ffmpeg", *GUARD, "-i", "file:in.ts", "-map", "0:V:0", "-map", "0:a:0",
        "-c:0", "copy", "-c:1", "copy", "-map_chapters", "0", "-map_metadata", "0", "-max_muxing_queue_size", "4096",
        "-movflags", "+faststart", "file:out.mp4", *QUIET,
    ]  # fmt: skip


def test_scale() -> None:
    media = values.media("in.mp4", streams=(values.video(width=2560, height=1440), values.audio(codec="pcm_s16le")))
    made = plan(values.report(media))
    assert made.video is not None
    made = replace(made, video=replace(made.video, max_rate=4_000_000, buffer=8_000_000))
    argv = commands.convert(made, Path("out.mp4"), ffmpeg="ffmpeg")
    assert argv == [
        "ffmpeg", *GUARD, "-i", "file:in.mp4", "-map", "0:V:0", "-map", "0:a:0",
        "-b:1", "160000", "-bufsize:0", "8000000", "-c:0", "libx264", "-c:1", "aac", "-crf:0", "20",
        "-enc_time_base", "1:90000", "-fps_mode", "passthrough",
        "-map_chapters", "0", "-map_metadata", "0", "-max_muxing_queue_size", "4096", "-maxrate:0", "4000000",
        "-movflags", "+faststart", "-preset:0", "veryfast",
        "-vf", "scale=1920:1080:flags=bicubic,setsar=1,format=yuv420p", "file:out.mp4", *QUIET,
    ]  # fmt: skip


def test_trim_seeks_and_limits() -> None:
    made = plan(values.report(values.media()), trim=(Fraction(0), Fraction(5, 2)))
    argv = commands.convert(made, Path("out.mp4"), ffmpeg="ffmpeg")
    assert argv[argv.index("-ss") + 1] == "0.000000"
    assert argv[argv.index("-t") + 1] == "2.500000"


def test_streams_are_named_by_kind() -> None:
    cover = values.audio(index=0, kind=StreamKind.COVER, codec="mjpeg")
    media = values.media(streams=(cover, values.video(index=1), values.audio(index=2), values.audio(index=3)))
    assert [commands.specifier(media, number) for number in (1, 2, 3)] == ["V:0", "a:0", "a:1"]


def test_filters_in_order() -> None:
    media = values.media(streams=(values.video(width=1440, height=1080, sar=Fraction(4, 3)),))
    assert media.video is not None
    encode = plan(values.report(values.media(streams=(values.video(width=2560, interlaced=True),)))).video
    assert encode is not None
    chain = commands.filters(replace(encode, size=None), media.video)
    assert chain == ["bwdif=mode=send_frame:deint=interlaced", "scale=1920:1080:flags=bicubic", "setsar=1",
                     "format=yuv420p"]  # fmt: skip
