from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fixtures import values
from preflight.fixing import plan
from preflight.model.limits import Limits
from preflight.model.media import ColorTags, Container, Stream, StreamKind
from preflight.model.plan import Action, Plan, Policy, Treatment
from preflight.model.report import Finding, Report


def test_valid_file_needs_nothing() -> None:
    made = plan(values.report(values.media()))
    assert made.is_empty
    assert made.key == "as-is"


def test_wrong_name_is_a_rename() -> None:
    made = plan(values.report(values.media("clip.mp4", container=Container.MKV)))
    assert made.actions == (Action.RENAME,)
    assert made.container is Container.MKV
    assert made.cost.loss == "nothing"


@pytest.mark.parametrize(
    ("container", "codec", "target"),
    [
        (Container.MPEG_TS, "h264", Container.MP4),
        (Container.FLV, "h264", Container.MP4),
        (Container.OGG, "theora", Container.MKV),
        (Container.ASF, "wmv2", Container.MKV),
    ],
)
def test_wrong_container_is_a_remux(container: Container, codec: str, target: Container) -> None:
    media = values.media("clip.bin", container=container, streams=(values.video(codec=codec), values.audio()))
    made = plan(values.report(media))
    assert made.actions == (Action.REMUX,)
    assert made.container is target
    assert {s.treatment for s in made.streams} == {Treatment.COPY}


def test_gif_has_to_be_encoded() -> None:
    media = values.media("a.gif", container=Container.GIF, streams=(values.video(codec="gif"),))
    made = plan(values.report(media))
    assert made.video is not None
    assert made.container is Container.MP4


def test_large_picture_is_scaled() -> None:
    made = plan(values.report(values.media(streams=(values.video(width=2560, height=1440), values.audio()))))
    assert made.actions == (Action.SCALE,)
    assert made.video is not None
    assert made.video.size == (1920, 1080)
    assert [s.treatment for s in made.streams] == [Treatment.ENCODE, Treatment.COPY]


def test_few_rows_are_cropped() -> None:
    made = plan(values.report(values.media(streams=(values.video(height=1088),))))
    assert made.actions == (Action.CROP,)
    assert made.video is not None
    assert made.video.crop == (1920, 1080)


def test_hdr_and_interlaced_pictures_are_mended_when_encoded() -> None:
    stream = values.video(width=3840, height=2160, interlaced=True, color=ColorTags(transfer="smpte2084"))
    made = plan(values.report(values.media(streams=(stream,))))
    assert made.video is not None
    assert made.video.tone_map
    assert made.video.deinterlace


def test_lossless_policy_encodes_no_picture() -> None:
    report = values.report(values.media(streams=(values.video(width=2560),)))
    assert "lossless" in (plan(report, policy=Policy.LOSSLESS).refusal or "")


def test_trim_from_the_start_copies() -> None:
    made = plan(values.report(values.media(duration=Fraction(400))), trim=(Fraction(0), Fraction(100)))
    assert made.actions == (Action.TRIM,)
    assert made.video is None


def test_trim_outside_is_refused() -> None:
    made = plan(values.report(values.media()), trim=(Fraction(60), Fraction(70)))
    assert "not inside" in (made.refusal or "")


def test_finding_without_a_fix_is_the_refusal() -> None:
    finding = Finding(rule="truncated", message="the data ends early", measured="", limit="", fix=None)
    made = plan(Report(subject=values.media(), limits=Limits(), findings=(finding,)))
    assert made.refusal == "the data ends early"


def test_sound_alone_is_refused() -> None:
    media = values.media("a.mkv", container=Container.MP4, streams=(values.audio(),))
    assert "no video stream" in (plan(values.report(media)).refusal or "")


def _with(*streams: Stream, **changes: Any) -> Plan:
    """The plan for a TS with a common video, common audio and `streams`."""
    numbered = [replace(stream, index=number) for number, stream in enumerate(streams, start=2)]
    media = values.media(
        "a.ts", container=Container.MPEG_TS, streams=(values.video(), values.audio(), *numbered), **changes
    )
    return plan(values.report(media))


def _other(kind: StreamKind, codec: str) -> Stream:
    return Stream(index=2, kind=kind, codec=codec)


def test_stream_that_the_target_cannot_hold_is_dropped_and_named() -> None:
    made = _with(_other(StreamKind.DATA, "klv"))
    assert made.streams[2].treatment is Treatment.DROP
    assert made.streams[2].note == "mp4 can't hold klv"
    assert made.cost.loss == "a data stream (klv)"


def test_time_code_is_no_loss_where_the_muxer_writes_it() -> None:
    media = values.media(streams=(values.video(width=2560), values.audio(), _other(StreamKind.DATA, "tmcd")))
    made = plan(values.report(media))
    assert made.streams[2].loss == ""
    assert "a data stream (tmcd)" in plan(values.report(media), trim=(Fraction(1), Fraction(9))).cost.loss


def test_audio_that_nobody_can_decode_leaves_the_rest_as_it_is() -> None:
    made = _with(values.audio(codec="apac"))
    assert made.container is Container.MP4
    assert [stream.treatment for stream in made.streams] == [Treatment.COPY, Treatment.COPY, Treatment.DROP]
    assert made.cost.loss == "an audio stream (apac)"


@pytest.mark.parametrize(("rate", "container"), [(16_000, Container.MP4), (11_025, Container.MKV)])
def test_mp3_of_a_low_rate_is_not_copied_to_mp4(rate: int, container: Container) -> None:
    assert _with(values.audio(codec="mp3", sample_rate=rate)).container is container


def test_audio_with_more_channels_than_the_encoder_takes_is_not_encoded() -> None:
    media = values.media(
        streams=(values.video(), values.audio(codec="pcm_s16le", channels=16)), container=Container.MOV
    )
    assert plan(values.report(replace(media, path=Path("a.mov"))), safe=True).is_empty


@pytest.mark.parametrize(("codec", "loss"), [("subrip", "nothing"), ("ass", "the styling of subtitles")])
def test_text_subtitles_become_plain_text(codec: str, loss: str) -> None:
    made = _with(_other(StreamKind.SUBTITLE, codec))
    assert made.streams[2].encoder == "mov_text"
    assert made.cost.loss == loss


def test_subtitles_that_outlast_the_video_are_ended_not_the_sound() -> None:
    lines = replace(_other(StreamKind.SUBTITLE, "subrip"), duration=Fraction(600))
    streams = (values.video(duration=Fraction(18)), values.audio(duration=Fraction(18)), lines)
    media = values.media("a.mkv", container=Container.MKV, streams=streams, duration=Fraction(601))
    made = plan(values.report(media))
    assert made.actions == (Action.DROP,)
    assert made.audio_end == 18
    assert "subtitles" in made.cost.loss


def test_cover_stays_in_a_whole_file_and_is_named_when_it_goes() -> None:
    cover = _other(StreamKind.COVER, "png")
    assert _with(cover).streams[2].treatment is Treatment.COPY
    assert "cover picture" in _with(cover, duration=Fraction(700)).cost.loss


def test_key_ignores_how_well() -> None:
    report = values.report(values.media(streams=(values.video(width=2560),)))
    assert plan(report, preset="medium").key == plan(report).key
    assert plan(report).key != plan(values.report(values.media(streams=(values.video(width=2000),)))).key


@pytest.mark.parametrize("policy", list(Policy))
def test_large_file_of_unknown_length_is_refused(policy: Policy) -> None:
    made = plan(values.report(values.media(size=300_000_000, duration=None)), policy=policy)
    assert "duration" in (made.refusal or "")


def test_split_by_size_spares_the_sound_behind_the_picture() -> None:
    streams = (values.video(duration=Fraction(300)), values.audio(duration=Fraction(370)))
    media = values.media(size=300_000_000, duration=Fraction(370), streams=streams)
    made = plan(values.report(media))
    assert made.actions == (Action.SPLIT,)
    assert made.audio_end is None


def test_sound_behind_the_picture_is_not_counted_as_saved() -> None:
    streams = (values.video(duration=Fraction(300)), values.audio(duration=Fraction(720)))
    media = values.media(size=210_000_000, duration=Fraction(720), streams=streams)
    assert Action.SHRINK in plan(values.report(media), policy=Policy.ONE_FILE).actions
