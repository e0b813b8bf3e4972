import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures import cases, clips
from fixtures.checker import chapters, checker, hashes, measure, times
from preflight.errors import FileChangedError, InputError, ToolError
from preflight.fixing import apply, plan
from preflight.model.job import Fixed, Segment
from preflight.model.limits import Limits
from preflight.model.plan import Plan
from preflight.probe import probe
from preflight.restore import container, finish, join, video_concat
from preflight.tools import ffmpeg, packets

FFMPEG = ffmpeg.find()
LIMITS = Limits(max_seconds=Fraction(5))
CLEAN = ("-vf", "negate", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")


def whole(path: Path) -> Fixed:
    media = measure(path)
    return Fixed(
        source=media, plan=Plan(source=media), segments=(Segment(media=media, end=float(media.duration or 0)),)
    )


def split(clip: Path, into: Path) -> Fixed:
    return apply(plan(checker(LIMITS)(clip)), into, recheck=checker(LIMITS), ffmpeg=FFMPEG)


def cleaned(fixed: Fixed, folder: Path, *options: str) -> list[Path]:
    """What a service sends back: every segment encoded anew."""
    folder.mkdir()
    made = []
    for segment in fixed.segments:
        path = folder / segment.media.path.name
        clips.run("-i", segment.media.path, *CLEAN, *options, path)
        made.append(path)
    return made


def payload(path: Path, stream: str) -> list[tuple[int, str]]:
    """Sizes and checksums of a stream's packets: its bits."""
    argv = [FFMPEG, "-v", "error", "-i", path, "-map", stream, "-c", "copy", "-f", "framecrc", "-"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    words = [line.split(",") for line in lines if not line.startswith("#")]
    return [(int(word[4]), word[5].strip()) for word in words]


def test_sound_is_the_source_s_bit_by_bit(small_mp4: Path, tmp_path: Path) -> None:
    fixed = whole(small_mp4)
    made = finish(cleaned(fixed, tmp_path / "c"), fixed, tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    assert payload(made, "0:a:0") == payload(small_mp4, "0:a:0")
    assert times(made) == pytest.approx(times(small_mp4), abs=0.001)
    assert hashes(made) != hashes(small_mp4)


def test_sound_can_be_left_out(small_mp4: Path, tmp_path: Path) -> None:
    made = finish([small_mp4], whole(small_mp4), tmp_path / "done.mkv", keep_audio=False, ffmpeg=FFMPEG)
    assert measure(made).audio == ()


def test_tags_subtitles_and_chapters_come_back(tmp_path: Path) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,100 --> 00:00:00,900\nhello\n")
    notes = tmp_path / "notes.txt"
    notes.write_text(";FFMETADATA1\ntitle=A title\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\ntitle=one\n")
    seed = clips.clip(tmp_path / "seed.mkv")
    clip = tmp_path / "a.mkv"
    inputs = ("-i", seed, "-i", words, "-i", notes, "-map", "0", "-map", "1")
    clips.run(
        *inputs, "-map_metadata", "2", "-map_chapters", "2", "-c", "copy", "-metadata:s:a:0", "language=fra", clip
    )
    fixed = whole(clip)
    made = finish(cleaned(fixed, tmp_path / "c", "-sn"), fixed, tmp_path / "b.mkv", keep_audio=True, ffmpeg=FFMPEG)
    result = measure(made)
    assert result.audio[0].language == measure(clip).audio[0].language == "fr"
    assert result.chapters == 1
    assert payload(made, "0:s:0") == payload(clip, "0:s:0")


def _attached(folder: Path) -> Path:
    """A Matroska file with a cover and a font, which are both attachments there."""
    art, font = folder / "cover.jpg", folder / "font.ttf"
    clips.run("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", art)
    font.write_bytes(bytes(range(256)) * 8)
    words = ("-attach", font, "-metadata:s:t:0", "mimetype=font/ttf")
    words += ("-attach", art, "-metadata:s:t:1", "mimetype=image/jpeg")
    clips.run("-i", clips.clip(folder / "seed.mkv"), "-c", "copy", *words, folder / "a.mkv")
    return folder / "a.mkv"


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_cover_comes_back_bit_by_bit(extension: str, small_mp4: Path, tmp_path: Path) -> None:
    makers = {"mp4": lambda: cases.with_cover(small_mp4, tmp_path / "a.mp4", size="64x64")}
    clip = makers.get(extension, lambda: _attached(tmp_path))()
    fixed = whole(clip)
    parts = cleaned(fixed, tmp_path / "c", "-map", "0:V", "-map", "0:a")
    made = finish(parts, fixed, tmp_path / f"done.{extension}", keep_audio=True, ffmpeg=FFMPEG)
    assert payload(made, "0:v:1") == payload(clip, "0:v:1")
    assert [stream.kind for stream in measure(made).streams] == [stream.kind for stream in measure(clip).streams]
    told = subprocess.run([FFMPEG, "-hide_banner", "-i", made], capture_output=True, text=True, check=False).stderr
    assert "(attached pic)" in told
    assert ("font/ttf" in told) == (extension == "mkv")


def test_cover_that_is_no_picture_is_left_out(small_mp4: Path, tmp_path: Path) -> None:
    clip = cases.with_cover(small_mp4, tmp_path / "a.mp4", size="64x64")
    clip.write_bytes(clip.read_bytes().replace(b"\x89PNG\r\n", b"\x89nopng"))
    made = finish([small_mp4], whole(clip), tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    assert hashes(made) == hashes(small_mp4)


def test_split_is_joined_without_gap(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=10, output=["-g", "25"])
    fixed = split(clip, tmp_path / "parts")
    made = finish(cleaned(fixed, tmp_path / "c"), fixed, tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    assert times(made) == pytest.approx(times(clip), abs=0.001)
    assert payload(made, "0:a:0") == payload(clip, "0:a:0")


def test_segments_themselves_join_to_the_source(tmp_path: Path) -> None:
    options = ["-g", "25", "-preset", "veryfast", "-bf", "3"]
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=10, output=options)
    fixed = split(clip, tmp_path / "parts")
    assert fixed.manifest is not None
    made = join(fixed.manifest, [], tmp_path, probe=probe, ffmpeg=FFMPEG)
    assert made == tmp_path / "a-joined.mp4"
    assert hashes(made) == hashes(clip)
    assert times(made) == pytest.approx(times(clip), abs=0.001)


def test_late_first_picture_and_chapters_move_no_seam(tmp_path: Path) -> None:
    options = ["-g", "25", "-preset", "veryfast", "-bf", "3"]
    seed = clips.clip(tmp_path / "seed.mkv", size=(160, 90), seconds=10, output=options)
    late = tmp_path / "late.mkv"
    inputs = ("-itsoffset", "0.2", "-i", seed, "-i", seed, "-map", "0:v", "-map", "1:a")
    clips.run(*inputs, "-c", "copy", late)
    clip = cases.with_chapters(late, tmp_path / "a.mkv", seconds=5, count=2)
    fixed = split(clip, tmp_path / "parts")
    made = finish([s.media.path for s in fixed.segments], fixed, tmp_path / "b.mkv", keep_audio=True, ffmpeg=FFMPEG)
    # Before version 9 ffmpeg counts a Matroska file's times from what the encoder put before the sound.
    late = times(made, "0:a:0")[0] - times(clip, "0:a:0")[0]
    assert [time - late for time in times(made)] == pytest.approx(times(clip), abs=0.002)
    for found, wanted in zip(chapters(made), chapters(clip), strict=True):
        assert [time - late for time in found] == pytest.approx(wanted, abs=0.03)


def test_segments_that_differ_are_encoded_once(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=10, output=["-g", "25"])
    fixed = split(clip, tmp_path / "parts")
    parts = cleaned(fixed, tmp_path / "c")
    clips.run("-i", fixed.segments[1].media.path, "-vf", "scale=320:180", *CLEAN[2:], parts[1])
    made = finish(parts, fixed, tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    # ffmpeg 5 counts a Matroska file's times from what the encoder put before the sound.
    late = times(made, "0:a:0")[0] - times(clip, "0:a:0")[0]
    assert [time - late for time in times(made)] == pytest.approx(times(clip), abs=0.002)
    video = measure(made).video
    assert video is not None
    assert video.display_size == (160, 90)


def test_frame_before_the_start_that_a_container_tells_is_joined(tmp_path: Path) -> None:
    # ffmpeg takes the start of so short a file from its sound, which begins a little after the first frame.
    video, sound = "testsrc2=size=160x90:rate=12:duration=0.25", "sine=duration=0.25:sample_rate=48000"
    short = tmp_path / "a.mkv"
    inputs = ("-f", "lavfi", "-i", video, "-itsoffset", "0.012", "-f", "lavfi", "-i", sound)
    clips.run(*inputs, "-c:v", "libx264", "-bf", "2", "-c:a", "libopus", short)
    other = clips.clip(tmp_path / "b.webm", size=(160, 90), rate="12", audio=False)
    segments = [
        video_concat.CleanedSegment(path=short, start=Fraction(0), end=Fraction(1, 4)),
        video_concat.CleanedSegment(path=other, start=Fraction(1, 4), end=None),
    ]
    assert len(hashes(video_concat.join(segments, tmp_path, ffmpeg=FFMPEG))) == 15


def test_segment_that_ends_with_a_held_frame_is_whole(tmp_path: Path) -> None:
    gap = ["-vf", "select=not(between(n\\,60\\,84))", "-fps_mode", "passthrough", "-force_key_frames", "3.4,6.8"]
    clip = clips.clip(tmp_path / "a.mkv", size=(160, 90), seconds=10, audio=False, output=gap)
    fixed = split(clip, tmp_path / "parts")
    assert fixed.manifest is not None
    assert len(hashes(join(fixed.manifest, [], tmp_path / "b.mkv", probe=measure, ffmpeg=FFMPEG))) == 225


def test_cleaned_segment_cut_short_is_noticed(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=10, output=["-g", "25"])
    fixed = split(clip, tmp_path / "parts")
    parts = cleaned(fixed, tmp_path / "c")
    clips.run("-i", fixed.segments[1].media.path, "-t", "1", *CLEAN, parts[1])
    with pytest.raises(ToolError, match="stands for"):
        finish(parts, fixed, tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    assert not (tmp_path / "done.mp4").exists()


def test_trimmed_video_gets_its_stretch_of_sound(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(160, 90), seconds=6, output=["-g", "25"])
    made = plan(checker()(clip), trim=(Fraction(2), Fraction(4)))
    fixed = apply(made, tmp_path / "parts", recheck=checker(), ffmpeg=FFMPEG)
    done = finish(cleaned(fixed, tmp_path / "c"), fixed, tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    heard = packets.scan(done, ffmpeg=FFMPEG, maps=("0:a:0",))
    assert float(heard.end(0)) == pytest.approx(2.0, abs=0.05)
    assert set(payload(done, "0:a:0")) <= set(payload(clip, "0:a:0"))


def test_sound_comes_back_from_a_file_with_a_wrong_index(tmp_path: Path) -> None:
    good = clips.clip(tmp_path / "good.avi", seconds=3)
    parts = cleaned(whole(good), tmp_path / "c")
    fixed = whole(cases.with_wrong_index(good, tmp_path / "a.avi"))
    made = finish(parts, fixed, tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    assert payload(made, "0:a:0") == payload(good, "0:a:0")


def test_missing_segment_is_an_error(small_mp4: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="segments"):
        finish([], whole(small_mp4), tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)


def test_other_source_is_noticed(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4")
    fixed = whole(clip)
    copy = tmp_path / "c.mp4"
    copy.write_bytes(clip.read_bytes())
    clips.clip(clip, seconds=2)
    with pytest.raises(FileChangedError):
        finish([copy], fixed, tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)


@pytest.mark.parametrize(
    ("extension", "options", "wanted"),
    [("mp4", (), "mp4"), ("mov", (), "mov"), ("mkv", (), "mkv"), ("avi", (), "mp4"), ("webm", (), "mp4")],
)
def test_container_that_holds_all(extension: str, options: tuple[str, ...], wanted: str, tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / f"a.{extension}", output=options)
    assert container([tmp_path / "cleaned.mp4"], whole(clip)) == wanted
