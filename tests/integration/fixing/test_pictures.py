"""Encoded pictures are right: turned once, square, untorn, not washed out, and at their own times."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import clips
from fixtures.checker import checker, hashes, measure, times
from preflight.fixing import apply, plan
from preflight.model.limits import Limits
from preflight.model.media import VideoStream
from preflight.model.plan import Plan
from preflight.tools import ffmpeg

FFMPEG = ffmpeg.find()
SMALL = Limits(max_long_side=160, max_short_side=90)


def scaled(clip: Path, into: Path, limits: Limits = SMALL) -> Path:
    made: Plan = plan(checker(limits)(clip), preset="ultrafast")
    assert made.video is not None, made
    return apply(made, into, recheck=checker(limits), ffmpeg=FFMPEG).segments[0].media.path


def picture(path: Path) -> VideoStream:
    video = measure(path).video
    assert video is not None
    return video


def gray(path: Path) -> list[int]:
    """Mean brightness of each quarter of the first picture as shown: top left, top right, bottom left, bottom right."""
    argv = [FFMPEG, "-v", "error", "-i", path, "-frames:v", "1", "-vf", "scale=2:2:flags=area,format=gray"]
    return list(subprocess.run([*argv, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout)


def corner(path: Path, *options: str, size: str = "320x180") -> Path:
    """A clip whose top left quarter is white and the rest dark."""
    source = f"color=black:size={size}:rate=25:duration=0.4,drawbox=0:0:iw/2:ih/2:white:fill"
    clips.run("-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", *options, path)
    return path


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied_once(degrees: int, tmp_path: Path) -> None:
    flat = corner(tmp_path / "flat.mp4")
    clip = tmp_path / "a.mp4"
    clips.run("-display_rotation", str(degrees), "-i", flat, "-c", "copy", clip)
    shown = gray(clip)
    result = scaled(clip, tmp_path / "out")
    assert picture(result).rotation == 0
    assert gray(result) == pytest.approx(shown, abs=12)
    wanted = (90, 160) if degrees % 180 else (160, 90)
    assert picture(result).display_size == wanted


def test_sample_aspect_becomes_square(tmp_path: Path) -> None:
    clip = corner(tmp_path / "a.mp4", "-vf", "setsar=4/3", size="240x180")
    result = picture(scaled(clip, tmp_path / "out"))
    assert (result.width, result.height, result.sar) == (160, 90, 1)


def test_odd_sides_become_even(tmp_path: Path) -> None:
    clips.run("-f", "lavfi", "-i", "testsrc2=size=321x181:duration=0.4", "-c:v", "libx264", "-pix_fmt", "yuv444p",
              tmp_path / "a.mkv")  # fmt: skip
    result = picture(scaled(tmp_path / "a.mkv", tmp_path / "out"))
    assert (result.width % 2, result.height % 2) == (0, 0)


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    uneven = "select='not(mod(n,3))+not(mod(n,7))'"
    clip = clips.clip(tmp_path / "a.mp4", size=(320, 180), seconds=2, output=["-vf", uneven, "-fps_mode", "vfr"])
    result = scaled(clip, tmp_path / "out")
    assert len(times(result)) < 30
    assert times(result) == pytest.approx(times(clip), abs=0.001)


def test_sound_keeps_its_place(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mkv", size=(320, 180), seconds=1)
    late = tmp_path / "late.mkv"
    clips.run("-i", clip, "-itsoffset", "0.4", "-i", clip, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    result = scaled(late, tmp_path / "out")
    for stream in ("0:V:0", "0:a:0"):
        assert times(result, stream) == pytest.approx(times(late, stream), abs=0.002)


def test_hdr_is_mapped_to_sdr(tmp_path: Path) -> None:
    # A gray of 203 nits, the reference white of PQ video, and one of a tenth of its light.
    tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv"
    source = (
        f"color=black:size=320x180:duration=0.2,format=yuv420p10le,geq=lum='if(lt(X,160),573,415)':cb=512:cr=512,{tags}"
    )
    params = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=none"
    encoder = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params)
    clips.run("-f", "lavfi", "-i", source, *encoder, tmp_path / "a.mp4")
    assert picture(tmp_path / "a.mp4").color.is_hdr
    result = scaled(tmp_path / "a.mp4", tmp_path / "out")
    shown = picture(result)
    assert (shown.color.transfer, shown.color.primaries, shown.bit_depth) == ("bt709", "bt709", 8)
    bright, dark = gray(result)[:2]
    # White stays near white, and a tenth of the light is clearly darker: not washed out.
    assert bright > 180
    assert dark < 125


def test_color_tags_are_carried(tmp_path: Path) -> None:
    tags = [
        "-color_primaries",
        "smpte170m",
        "-color_trc",
        "smpte170m",
        "-colorspace",
        "smpte170m",
        "-color_range",
        "tv",
    ]
    clip = clips.clip(tmp_path / "a.mp4", size=(320, 180), output=tags)
    result = picture(scaled(clip, tmp_path / "out"))
    assert replace(result.color, full_range=None) == replace(picture(clip).color, full_range=None)
    assert result.color.matrix == "smpte170m"


def test_interlaced_pictures_are_deinterlaced(tmp_path: Path) -> None:
    options = ["-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ildct+ilme", "-x264-params", "tff=1"]
    clip = clips.clip(tmp_path / "a.mp4", size=(320, 180), rate="50", output=[*options, "-preset", "veryfast"])
    assert picture(clip).interlaced
    result = scaled(clip, tmp_path / "out")
    assert not picture(result).interlaced
    assert len(hashes(result)) == len(hashes(clip))


def test_ten_bit_picture_stays_what_it_is_when_copied(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mkv", output=["-pix_fmt", "yuv420p10le"]).rename(tmp_path / "a.mp4")
    made = plan(checker()(clip))
    fixed = apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG)
    assert hashes(fixed.segments[0].media.path) == hashes(clip)


def test_chapters_language_disposition_and_date_are_kept(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text(";FFMETADATA1\ncreation_time=2020-02-03T04:05:06Z\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\n")
    seed = clips.clip(tmp_path / "seed.mp4", size=(320, 180))
    clip = tmp_path / "a.mp4"
    clips.run("-i", seed, "-i", notes, "-map", "0", "-map", "0:a", "-map_metadata", "1", "-map_chapters", "1",
              "-c", "copy", "-metadata:s:a:0", "language=fra", "-disposition:a:0", "0",
              "-disposition:a:1", "default+comment", clip)  # fmt: skip
    result = scaled(clip, tmp_path / "out")
    assert measure(result).chapters == 1
    assert measure(result).audio[0].language == measure(clip).audio[0].language == "fr"
    told = subprocess.run([FFMPEG, "-hide_banner", "-i", result], capture_output=True, text=True, check=False).stderr
    assert "2020-02-03T04:05:06" in told
    assert [("(default)" in line, "(comment)" in line) for line in told.splitlines() if "Audio:" in line] == [
        (False, False),
        (True, True),
    ]
