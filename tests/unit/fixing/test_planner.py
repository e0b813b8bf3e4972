from fractions import Fraction

import pytest

from fixtures import values
from preflight.fixing import plan
from preflight.model.limits import Limits
from preflight.model.media import ColorTags, Container, StreamKind
from preflight.model.plan import Action, Policy, Treatment
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


def test_stream_that_the_target_cannot_hold_is_dropped() -> None:
    data = values.audio(index=2, kind=StreamKind.DATA, codec="tmcd")
    media = values.media(streams=(values.video(width=2560), values.audio(), data))
    made = plan(values.report(media))
    assert made.streams[2].treatment is Treatment.DROP
    assert "tmcd" in made.streams[2].note


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
