"""What --trim keeps: every picture of the stretch and no other, copied where it can be, with its own sound."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from fixtures import cases, clips, odd_media
from fixtures.checker import chapters, checker, hashes, measure, times
from preflight.errors import InputError
from preflight.fixing import apply, plan
from preflight.model.limits import Limits
from preflight.model.plan import Policy
from preflight.tools import ffmpeg, packets

FFMPEG = ffmpeg.find()
LIMITS = Limits(max_seconds=Fraction(5))
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params")
REORDERED = ("-g", "50", "-preset", "veryfast", "-bf", "3")


def trimmed(clip: Path, start: str, end: str, policy: Policy = Policy.BALANCED, limits: Limits = LIMITS) -> Path:
    made = plan(checker(limits)(clip), trim=(Fraction(start), Fraction(end)), policy=policy)
    assert made.video is None
    fixed = apply(made, clip.parent / "out", recheck=checker(limits), ffmpeg=FFMPEG)
    assert len(fixed.segments) == 1
    return fixed.segments[0].media.path


def sound_end(path: Path) -> float:
    return float(packets.scan(path, ffmpeg=FFMPEG, maps=("0:a:0",)).end(0))


@pytest.mark.parametrize("extension", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize(("start", "end"), [("0", "2.2"), ("1", "4.36"), ("1.32", "2.8"), ("2.4", "2.56")])
def test_reordered_pictures_are_kept_exactly(extension: str, start: str, end: str, tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / f"a.{extension}", size=(160, 90), seconds=6, output=REORDERED)
    result = trimmed(clip, start, end)
    wanted = [time - float(start) for time in times(clip) if float(start) <= time < float(end) - 0.001]
    shown = times(result)
    # ffmpeg counts a Matroska file's times from the sound behind what its header has players skip.
    origin = shown[0] if extension == "mkv" else 0.0
    assert [time - origin for time in shown] == pytest.approx(wanted, abs=0.0021)
    assert sound_end(result) == pytest.approx(float(end) - float(start), abs=0.08)


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_first_picture_that_comes_late_stays_late(extension: str, tmp_path: Path) -> None:
    seed = clips.clip(tmp_path / f"seed.{extension}", size=(160, 90), seconds=4, output=REORDERED)
    clip = tmp_path / f"a.{extension}"
    clips.run("-itsoffset", "0.2", "-i", seed, "-i", seed, "-map", "0:v", "-map", "1:a", "-c", "copy", clip)
    result = trimmed(clip, "0", "2.87")
    shown = times(result)
    assert len(shown) == len([time for time in times(clip) if time < 2.87])
    assert shown[0] - times(result, "0:a:0")[0] == pytest.approx(times(clip)[0] - times(clip, "0:a:0")[0], abs=0.003)
    assert [b - a for a, b in pairwise(shown)] == pytest.approx([0.04] * (len(shown) - 1), abs=0.0021)


def test_only_pictures_at_the_edges_are_encoded(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=6, output=REORDERED)
    result = trimmed(clip, "1", "4.36")
    # Keyframes are at 2 and 4 s; no more than three pictures hang together behind the last copied one.
    assert hashes(result)[25:81] == hashes(clip)[50:106]


def test_hevc_is_kept_exactly(tmp_path: Path) -> None:
    params = "keyint=50:min-keyint=50:bframes=3:b-adapt=0:open-gop=0:log-level=none:scenecut=0"
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=6, output=[*X265, params])
    result = trimmed(clip, "1", "4.36")
    assert len(hashes(result)) == 84
    assert hashes(result)[25:81] == hashes(clip)[50:106]


@pytest.mark.parametrize("extension", ["mp4", "mkv", "webm", "avi"])
@pytest.mark.parametrize(("start", "end"), [("0", "5"), ("1.71", "6.71")])
def test_stretch_as_long_as_the_limit_passes(extension: str, start: str, end: str, tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / f"a.{extension}", size=(160, 90), seconds=7, output=["-g", "25"])
    result = trimmed(clip, start, end, Policy.ONE_FILE)
    assert measure(result).duration == pytest.approx(Fraction(5), abs=0.1)


def test_chapters_are_those_of_the_stretch(tmp_path: Path) -> None:
    seed = clips.clip(tmp_path / "seed.mp4", size=(160, 90), seconds=6, output=REORDERED)
    clip = cases.with_chapters(seed, tmp_path / "a.mp4", seconds=2, count=3)
    assert chapters(trimmed(clip, "1", "4.36")) == [(0, 1), (1, 3), (3, 3.36)]


def test_lossless_keeps_whole_groups(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=6, output=REORDERED)
    result = trimmed(clip, "1", "4.36", Policy.LOSSLESS)
    shown = hashes(result)
    assert shown == hashes(clip)[: len(shown)]
    assert 106 <= len(shown) <= 109


def test_one_file_does_not_split_what_is_too_large(tmp_path: Path) -> None:
    # The stretch that is kept takes nearly all of the bytes, so that it is larger than its share of the time.
    calm = clips.clip(tmp_path / "calm.mp4", size=(320, 180), seconds=3, output=["-g", "25", "-crf", "51"])
    wild = clips.clip(tmp_path / "wild.mp4", size=(320, 180), seconds=3, output=["-g", "25", "-crf", "5"])
    (tmp_path / "list").write_text(f"file '{calm}'\nfile '{wild}'\n")
    clip = tmp_path / "a.mp4"
    clips.run("-f", "concat", "-safe", "0", "-i", tmp_path / "list", "-c", "copy", clip)
    limits = Limits(max_bytes=clip.stat().st_size * 7 // 10)
    made = plan(checker(limits)(clip), trim=(Fraction(3), Fraction(6)), policy=Policy.ONE_FILE)
    with pytest.raises(InputError, match="Keep less"):
        apply(made, tmp_path / "out", recheck=checker(limits), ffmpeg=FFMPEG)


def test_silent_clip_is_cut_between_keyframes(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=6, audio=False, output=REORDERED)
    result = trimmed(clip, "1", "4.36")
    assert hashes(result)[25:81] == hashes(clip)[50:106]
    assert measure(result).audio == ()


@pytest.mark.parametrize("scaled", [False, True])
def test_stretch_that_begins_between_two_pictures_has_none_twice(scaled: bool, tmp_path: Path) -> None:
    size = (2048, 64) if scaled else (160, 90)
    clip = clips.clip(tmp_path / "a.mp4", size=size, seconds=4, output=["-g", "25"])
    made = plan(checker(LIMITS)(clip), trim=(Fraction("0.51"), Fraction("2.01")))
    assert (made.video is not None) == scaled
    (segment,) = apply(made, tmp_path / "out", recheck=checker(LIMITS), ffmpeg=FFMPEG).segments
    # From 0.52 to 2.00 s.
    assert len(hashes(segment.media.path)) == 38


def test_every_frame_of_open_groups_is_decoded(tmp_path: Path) -> None:
    options = ["-g", "5", "-bf", "2", "-x264-params", "open-gop=1"]
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=2, rate="50", output=options)
    assert len(hashes(trimmed(clip, "0.13", "1.3"))) == 58


def test_mirrored_video_is_encoded_upright(tmp_path: Path) -> None:
    seed = clips.clip(tmp_path / "seed.mp4", size=(160, 90), seconds=4, output=["-g", "100"])
    result = measure(trimmed(odd_media.with_matrix(seed, tmp_path / "a.mp4", (-1, 0, 0, 1)), "1", "3"))
    assert result.video is not None
    assert not result.video.mirrored
    assert len(hashes(result.path)) == 50


def test_frames_of_a_gif_keep_their_times(tmp_path: Path) -> None:
    clip = tmp_path / "a.gif"
    clips.run("-f", "lavfi", "-i", "testsrc2=size=160x96:rate=10:duration=2", clip)
    made = plan(checker(LIMITS)(clip), trim=(Fraction("0.8"), Fraction("1.84")))
    (segment,) = apply(made, tmp_path / "out", recheck=checker(LIMITS), ffmpeg=FFMPEG).segments
    assert times(segment.media.path) == pytest.approx([number / 10 for number in range(11)], abs=0.002)
