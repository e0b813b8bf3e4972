from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures import values
from preflight.fixing import ffmpeg_commands, plan, video_options
from preflight.model.media import Container, StreamKind
from preflight.tools import bounds, containers
from preflight.tools.bounds import OutputRange
from preflight.tools.ffmpeg import INPUT_OPTIONS

GUARD = ["-format_whitelist", INPUT_OPTIONS["format_whitelist"], "-protocol_whitelist", "file,pipe"]
QUIET = ["-hide_banner", "-nostdin", "-v", "error", "-y"]


def test_remux() -> None:
    media = values.media("in.ts", container=Container.MPEG_TS)
    argv = ffmpeg_commands.remux(plan(values.report(media)), Path("out.mp4"), ffmpeg="ffmpeg")
    assert argv == [
        "ffmpeg", *GUARD, "-i", "file:in.ts", "-map", "0:V:0", "-map", "0:a:0",
        "-bsf:a", bounds.last_duration(), "-bsf:v:0", bounds.last_duration(),
        "-c:0", "copy", "-c:1", "copy", "-copyinkf:0", "-map_chapters", "0",
        "-map_metadata", "0", "-max_muxing_queue_size", "4096", "-movflags", "+faststart", "file:out.mp4", *QUIET,
    ]  # fmt: skip


def test_remux_lists_the_packets_of_its_source() -> None:
    media = values.media("in.ts", container=Container.MPEG_TS)
    argv = ffmpeg_commands.remux(plan(values.report(media)), Path("out.mp4"), ffmpeg="ffmpeg", listing=Path("list"))
    listing = ["-map", "0:V:0", "-map", "0:a:0", "-c", "copy", "-copyinkf", "-f", "framecrc", "file:list"]
    assert argv[-len(listing) :] == listing


@pytest.mark.parametrize(("source", "tag"), [(Container.MPEG_TS, ["hvc1"]), (Container.MP4, [])])
def test_hevc_from_other_containers_is_tagged_for_apple_players(source: Container, tag: list[str]) -> None:
    streams = (values.video(codec="hevc"), values.audio())
    media = values.media("in", streams=streams, container=source)
    made = replace(plan(values.report(media)), container=Container.MP4)
    argv = ffmpeg_commands.remux(made, Path("out.mp4"), ffmpeg="ffmpeg")
    assert [argv[place + 1] for place, word in enumerate(argv) if word == "-tag:0"] == tag


def test_scale() -> None:
    streams = (values.video(width=2560, height=1440), values.audio(codec="pcm_s16le"))
    made = plan(values.report(values.media("in.avi", streams=streams, container=Container.AVI)))
    assert made.video is not None
    made = replace(made, video=replace(made.video, max_rate=4_000_000, buffer=8_000_000))
    argv = ffmpeg_commands.convert(made, OutputRange(output=Path("out.mp4")), ffmpeg="ffmpeg")
    assert argv == [
        "ffmpeg", "-fflags", "+genpts", *GUARD, "-i", "file:in.avi", "-map", "0:V:0", "-map", "0:a:0",
        "-b:1", "160000", "-bsf:a", bounds.last_duration(), "-bsf:v:0", bounds.last_duration(), "-bufsize:0", "8000000",
        "-c:0", "libx264", "-c:1", "aac", "-crf:0", "20",
        "-enc_time_base:0", "1:90000", "-filter:0", "scale=1920:1080:flags=bicubic,setsar=1,format=yuv420p",
        "-filter:1", "pan=stereo|c0=c0|c1=c1", "-flush_packets", "1", "-fps_mode:0", "passthrough",
        "-map_chapters", "0", "-map_metadata", "0",
        "-max_muxing_queue_size", "4096", "-maxrate:0", "4000000", "-movflags", "+faststart",
        "-preset:0", "veryfast", "-profile:0", "high", "-video_track_timescale", "90000",
        "file:out.mp4", *QUIET,
    ]  # fmt: skip


def test_copies_of_stretches_that_only_filters_can_bound() -> None:
    made = plan(values.report(values.media("in.mkv", duration=Fraction(700), container=Container.MKV)))
    spans = [
        OutputRange(output=Path("1.mkv"), end=Fraction(350), dts_end=Fraction(34992, 100)),
        OutputRange(output=Path("2.mkv"), start=Fraction(350), dts_start=Fraction(34992, 100)),
    ]
    argv = ffmpeg_commands.copy(made, spans, ffmpeg="ffmpeg")
    filters = [argv[place + 1] for place, word in enumerate(argv) if word == "-bsf:v"]
    assert filters == [
        "noise=amount=0:drop=gte(dts*tb\\,349.919000)",
        "noise=amount=0:drop=lt((dts+round(350.000000/tb))*tb\\,349.919000)",
    ]
    assert argv.count("-i") == 2


def test_copies_of_stretches() -> None:
    made = plan(values.report(values.media("in.mp4", duration=Fraction(700))))
    spans = [
        OutputRange(output=Path("1.mp4"), end=Fraction(35), dts_end=Fraction(3492, 100)),
        OutputRange(output=Path("2.mp4"), start=Fraction(35), dts_start=Fraction(3492, 100)),
    ]
    codecs = ["-c:0", "copy", "-c:1", "copy", "-copyinkf:0", "-map_chapters"]
    common = ["-map_metadata", "0", "-max_muxing_queue_size", "4096", "-movflags", "+faststart"]
    lasts = bounds.last_duration()
    ends = "noise=amount=0:drop=gte(pts*tb\\,34.999999)"
    starts = "noise=amount=0:drop=lt((pts+round(35.000000/tb))*tb\\,34.999999)"
    assert ffmpeg_commands.copy(made, spans, ffmpeg="ffmpeg") == [
        "ffmpeg", *GUARD, "-t", "34.919000", "-i", "file:in.mp4", *GUARD, "-t", "36.000000", "-i", "file:in.mp4",
        *GUARD[:2], "-itsoffset", "0.001000", *GUARD[2:], "-ss", "35.001000", "-i", "file:in.mp4",
        *GUARD[:2], "-itsoffset", "-1.000000", *GUARD[2:], "-ss", "34.000000", "-i", "file:in.mp4",
        "-map", "0:V:0", "-map", "1:a:0", "-bsf:a", f"{ends},{lasts}", "-bsf:s", ends, *codecs, "1", *common,
        "-t", "35.000000", "file:1.mp4",
        "-map", "2:V:0", "-map", "3:a:0", "-bsf:a", f"{starts},{lasts}", "-bsf:s", starts, *codecs, "3",
        *common, "file:2.mp4",
        *QUIET,
    ]  # fmt: skip


def test_streams_are_named_by_kind() -> None:
    cover = values.audio(index=0, kind=StreamKind.COVER, codec="mjpeg")
    media = values.media(streams=(cover, values.video(index=1), values.audio(index=2), values.audio(index=3)))
    assert [containers.specifier(media, number) for number in (1, 2, 3)] == ["V:0", "a:0", "a:1"]


def test_filters_in_order() -> None:
    media = values.media(streams=(values.video(width=1440, height=1080, sar=Fraction(4, 3)),))
    assert media.video is not None
    encode = plan(values.report(values.media(streams=(values.video(width=2560, interlaced=True),)))).video
    assert encode is not None
    chain = video_options.filters(replace(encode, size=None), media.video)
    assert chain == ["bwdif=mode=send_frame:deint=interlaced", "scale=1920:1080:flags=bicubic", "setsar=1",
                     "format=yuv420p"]  # fmt: skip
