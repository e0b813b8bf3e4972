from pathlib import Path

import pytest

from fixtures.checker import measure
from preflight.errors import InputError
from preflight.job import Fixed, Segment
from preflight.plan import Plan
from preflight.restore import finish
from preflight.tools import ffmpeg

FFMPEG = ffmpeg.find()


def _fixed(path: Path) -> Fixed:
    media = measure(path)
    return Fixed(source=media, plan=Plan(source=media), segments=(Segment(media=media),))


def test_one_segment_arrives_whole(small_mp4: Path, tmp_path: Path) -> None:
    made = finish([small_mp4], _fixed(small_mp4), tmp_path / "out" / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
    assert measure(made).duration == measure(small_mp4).duration
    assert [p.name for p in made.parent.iterdir()] == ["done.mp4"]


def test_sound_can_be_left_out(small_mp4: Path, tmp_path: Path) -> None:
    made = finish([small_mp4], _fixed(small_mp4), tmp_path / "done.mkv", keep_audio=False, ffmpeg=FFMPEG)
    assert measure(made).audio == ()


def test_missing_segment_is_an_error(small_mp4: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="segments"):
        finish([], _fixed(small_mp4), tmp_path / "done.mp4", keep_audio=True, ffmpeg=FFMPEG)
