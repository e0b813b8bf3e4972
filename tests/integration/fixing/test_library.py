"""The library's `fix` does what its options and settings say."""

from pathlib import Path

import pytest

from fixtures import clips
from preflight import api
from preflight.model.limits import Limits
from preflight.settings import Settings


@pytest.mark.parametrize(("encoder", "codec"), [("libx264", "h264"), ("libx265", "hevc")])
def test_encoder_of_the_settings_is_used(encoder: str, codec: str, tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4")
    report = api.check(clip, limits=Limits(max_long_side=160, max_short_side=90))
    settings = Settings(encoder=encoder, preset="ultrafast")
    video = api.fix(report, tmp_path / "out", settings=settings).segments[0].media.video
    assert video is not None
    assert video.codec == codec


def test_safe_brings_an_odd_codec_to_the_common_one(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mkv", output=["-c:v", "libx265", "-x265-params", "log-level=none"])
    media = api.fix(api.check(clip), tmp_path / "out", safe=True).segments[0].media
    assert media.video is not None
    assert (media.container, media.video.codec) == ("mp4", "h264")
