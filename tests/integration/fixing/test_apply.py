import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures import clips, random_media
from fixtures.checker import checker, hashes, times
from preflight.errors import CancelledError, FileChangedError, InputError, ToolError, ToolMissingError
from preflight.events import Progress
from preflight.fixing import apply, plan
from preflight.model.limits import DEFAULT_LIMITS, Limits
from preflight.model.plan import Policy
from preflight.model.report import Report
from preflight.tools import ffmpeg, mp4_tables

FFMPEG = ffmpeg.find()


def report(path: Path, limits: Limits = DEFAULT_LIMITS) -> Report:
    return checker(limits)(path)


def test_empty_plan_is_the_source(small_mp4: Path, tmp_path: Path) -> None:
    fixed = apply(plan(report(small_mp4)), tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG)
    assert [s.media.path for s in fixed.segments] == [small_mp4]
    assert not (tmp_path / "out").exists()


def test_remux_from_transport_stream(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.ts", output=["-c:a", "aac"])
    made = plan(report(clip))
    fixed = apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG)
    result = fixed.segments[0].media
    assert result.path == tmp_path / "out" / "a-fixed.mp4"
    assert hashes(result.path) == hashes(clip)
    assert [p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")] == ["a-fixed.mp4"]


def test_wrong_name_gets_a_copy_with_the_right_one(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mkv").rename(tmp_path / "a.mp4")
    before = clip.stat()
    made = plan(report(clip))
    fixed = apply(made, tmp_path, recheck=checker(), ffmpeg=FFMPEG)
    assert fixed.segments[0].media.path.name == "a-fixed.mkv"
    assert fixed.segments[0].media.path.read_bytes() == clip.read_bytes()
    assert (clip.stat().st_mtime_ns, clip.stat().st_size) == (before.st_mtime_ns, before.st_size)


def test_scale_keeps_every_frame(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(2048, 1152))
    heard: list[Progress] = []
    made = plan(report(clip), preset="ultrafast")
    fixed = apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG, listener=heard.append)
    video = fixed.segments[0].media.video
    assert video is not None
    assert (video.width, video.height, video.frame_count) == (1920, 1080, 25)
    assert heard[-1].done == pytest.approx(1.0, abs=0.05)


def test_shrink_keeps_the_limit(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(640, 360), seconds=4, output=["-crf", "1", "-g", "10"])
    limits = Limits(max_bytes=clip.stat().st_size // 3)
    made = plan(report(clip, limits), policy=Policy.ONE_FILE)
    fixed = apply(made, tmp_path / "out", recheck=checker(limits), ffmpeg=FFMPEG)
    assert fixed.segments[0].media.size <= limits.max_bytes


def test_what_calm_scenes_leave_goes_to_hard_ones_in_one_try(tmp_path: Path) -> None:
    wild = "noise=alls=30:allf=t:enable='gt(t,8)'"
    clip = clips.clip(tmp_path / "a.mp4", seconds=16, output=["-crf", "8", "-vf", wild])
    limits = Limits(max_bytes=clip.stat().st_size // 4)
    heard: list[Progress] = []
    made = plan(report(clip, limits), policy=Policy.ONE_FILE)
    fixed = apply(made, tmp_path / "out", recheck=checker(limits), ffmpeg=FFMPEG, listener=heard.append)
    assert limits.max_bytes * 93 // 100 <= fixed.segments[0].media.size <= limits.max_bytes
    assert {progress.note for progress in heard} == {""}


@pytest.mark.parametrize(("share", "averaged"), [(0.5, True), (3, False)])
def test_average_rate_is_aimed_at_where_the_limit_decides(share: float, averaged: bool, tmp_path: Path) -> None:
    source = clips.clip(tmp_path / "a.mp4", size=(1280, 720), seconds=32, output=["-crf", "8", "-preset", "ultrafast"])
    usual = clips.clip(
        tmp_path / "usual.mp4", size=(1280, 720), seconds=32, output=["-crf", "20", "-preset", "veryfast"]
    )
    limits = Limits(max_bytes=min(int(usual.stat().st_size * share), source.stat().st_size - 1))
    made = plan(report(source, limits), policy=Policy.ONE_FILE)
    media = apply(made, tmp_path / "out", recheck=checker(limits), ffmpeg=FFMPEG).segments[0].media
    assert media.size <= limits.max_bytes
    # x264 writes its settings into the stream.
    assert (b"rc=abr" in media.path.read_bytes()) == averaged
    assert media.size >= 0.93 * limits.max_bytes or not averaged


def test_trim_keeps_the_stretch(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", seconds=4)
    made = plan(report(clip), trim=(Fraction(1), Fraction(3)), preset="ultrafast")
    fixed = apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG)
    video = fixed.segments[0].media.video
    assert video is not None
    assert video.frame_count == 50
    assert fixed.segments[0].start == 1.0


def test_names_that_look_like_options_and_patterns(tmp_path: Path) -> None:
    for name in ("-x.ts", "a:b.ts", "%03d.ts", "sp ace\nline.ts", "x" * 250 + ".ts"):
        clip = clips.clip(tmp_path / "seed.ts", output=["-c:a", "aac"]).rename(tmp_path / name)
        made = plan(report(clip))
        fixed = apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG)
        assert fixed.segments[0].media.path.exists()


def test_taken_name_is_left_alone(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.ts", output=["-c:a", "aac"])
    other = tmp_path / "a-fixed.mp4"
    other.write_bytes(b"somebody else's")
    made = plan(report(clip))
    fixed = apply(made, tmp_path, recheck=checker(), ffmpeg=FFMPEG)
    assert fixed.segments[0].media.path.name == "a-fixed-2.mp4"
    assert other.read_bytes() == b"somebody else's"


def test_refusal_is_an_error(small_mp4: Path, tmp_path: Path) -> None:
    made = replace(plan(report(small_mp4)), refusal="it can't")
    with pytest.raises(InputError, match="it can't"):
        apply(made, tmp_path, recheck=checker(), ffmpeg=FFMPEG)


def test_changed_source_is_noticed(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.ts", output=["-c:a", "aac"])
    made = plan(report(clip))
    with clip.open("ab") as file:
        file.write(b"more")
    with pytest.raises(FileChangedError):
        apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG)


def test_missing_encoder_is_named(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(2048, 1152))
    made = plan(report(clip), encoder="libnothing")
    with pytest.raises(ToolMissingError, match="libnothing"):
        apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG)


def test_result_that_does_not_pass_is_not_kept(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.ts", output=["-c:a", "aac"])
    made = plan(report(clip))
    with pytest.raises(ToolError, match="does not pass"):
        apply(made, tmp_path / "out", recheck=checker(Limits(max_seconds=Fraction(1, 10))), ffmpeg=FFMPEG)
    assert list((tmp_path / "out").iterdir()) == []


def test_cancel_leaves_nothing(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(2048, 1152), seconds=4)
    stop = threading.Event()
    made = plan(report(clip), preset="veryslow")
    with pytest.raises(CancelledError):
        apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG, listener=lambda _: stop.set(), cancel=stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_encoded_sound_moves_no_frame_of_an_avi(tmp_path: Path) -> None:
    # The gap behind the first frame shows a shift by one frame.
    gap = ["-vf", "select=not(between(n\\,1\\,3))", "-fps_mode", "passthrough"]
    clip = clips.clip(tmp_path / "a.avi", size=(160, 90), output=["-c:v", "mjpeg", *gap, "-c:a", "pcm_s16le"])
    limits = Limits(max_bytes=clip.stat().st_size * 95 // 100)
    made = plan(report(clip, limits))
    assert made.video is None
    (segment,) = apply(made, tmp_path / "out", recheck=report, ffmpeg=FFMPEG).segments
    assert times(segment.media.path) == times(clip)


def test_last_packet_of_sound_is_heard(tmp_path: Path) -> None:
    # ffmpeg 5 reads no duration of that of this clip, ALAC in an MP4 whose edit list begins late, and does not list one
    # that lasts for nothing.
    clip = random_media.make(random_media.recipe(379), tmp_path / "clip")
    limits = Limits(max_long_side=80, max_short_side=80)
    made = plan(report(clip, limits))
    (segment,) = apply(made, tmp_path / "out", recheck=lambda path: report(path, limits), ffmpeg=FFMPEG).segments
    tables = mp4_tables.read(segment.media.path)
    assert tables is not None
    (sound,) = [number for number, head in tables.listing.heads.items() if head.kind == "audio"]
    assert tables.listing.of(sound)[-1].duration > 0
