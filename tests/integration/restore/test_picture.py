from pathlib import Path

import pytest
from PIL import Image

from fixtures import clips
from preflight.errors import ToolError
from preflight.restore.before_after import BAR, DIVIDER, FrameChoice, draw
from preflight.tools import ffmpeg


def test_a_row_a_text_with_both_frames_at_one_size(tmp_path: Path) -> None:
    before = clips.clip(tmp_path / "a.mp4", size=(640, 360), audio=False)
    after = clips.clip(tmp_path / "b.mp4", size=(320, 180), audio=False)
    made = draw(
        before,
        after,
        tmp_path / "picture.jpg",
        ffmpeg=ffmpeg.find(),
        moments=[FrameChoice(time=0.2, words="one"), FrameChoice(time=0.6, words="\u5b57")],
    )
    with Image.open(made) as picture:
        assert picture.size == (2 * 640 + DIVIDER, 2 * (360 + BAR))
    assert made.stat().st_size < 300_000


@pytest.mark.parametrize("seconds", [0.4, 2.0])
def test_transport_streams_show_the_frame_behind_the_last_keyframe(tmp_path: Path, seconds: float) -> None:
    clip = clips.clip(tmp_path / "a.ts", seconds=seconds, audio=False, output=("-g", "999"))
    last = FrameChoice(time=seconds - 0.05)
    made = draw(clip, clip, tmp_path / "picture.jpg", ffmpeg=ffmpeg.find(), moments=[last])
    with Image.open(made) as picture:
        assert picture.height == 360 + BAR


def test_a_trimmed_result_is_compared_with_its_part_of_the_source(tmp_path: Path) -> None:
    before = clips.clip(tmp_path / "a.mp4", seconds=2, audio=False)
    after = tmp_path / "b.mp4"
    clips.run("-ss", "1", "-i", before, "-c:v", "libx264", "-crf", "10", after)
    made = draw(before, after, tmp_path / "p.jpg", ffmpeg=ffmpeg.find(), moments=[FrameChoice(time=0.5)], offset=1.0)
    with Image.open(made) as picture:
        width = (picture.width - DIVIDER) // 2
        left, right = (picture.crop((x, BAR, x + width, picture.height)) for x in (0, width + DIVIDER))
        apart = sum(abs(a - b) for a, b in zip(left.tobytes(), right.tobytes(), strict=True)) / len(left.tobytes())
    assert apart < 6


def test_a_video_without_frames_is_an_error(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", audio=False)
    broken = tmp_path / "b.mp4"
    broken.write_bytes(b"nothing")
    with pytest.raises(ToolError):
        draw(clip, broken, tmp_path / "p.jpg", ffmpeg=ffmpeg.find(), moments=[FrameChoice(time=0.5)])


def test_short_video_that_is_read_once_shows_the_same_frames(tmp_path: Path) -> None:
    before = clips.clip(tmp_path / "a.mp4", size=(320, 180), seconds=2, audio=False)
    after = tmp_path / "b.mp4"
    box = "drawbox=x=40:y=40:w=120:h=60:t=fill:enable='gte(t,0.9)'"
    clips.run("-i", before, "-vf", box, "-c:v", "libx264", "-crf", "10", after)
    twice, once = (
        draw(before, after, tmp_path / f"{name}.jpg", ffmpeg=ffmpeg.find(), seconds=seconds)
        for name, seconds in (("twice", None), ("once", 2.0))
    )
    assert once.read_bytes() == twice.read_bytes()
