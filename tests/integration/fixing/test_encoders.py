"""Every software encoder that can be chosen really encodes, and keeps the limit; what is not there is told."""

from pathlib import Path

import pytest

from fixtures import clips
from fixtures.checker import checker, hashes
from preflight.errors import ToolMissingError
from preflight.fixing import apply, plan
from preflight.model.limits import Limits
from preflight.model.plan import Policy
from preflight.tools import ffmpeg

FFMPEG = ffmpeg.find()
CODECS = {"libx264": "h264", "libx265": "hevc", "libsvtav1": "av1"}
SMALL = Limits(max_long_side=160, max_short_side=90)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.clip(tmp_path_factory.mktemp("clips") / "a.mp4", seconds=3, output=["-crf", "3"])


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "medium", "slower"])
@pytest.mark.parametrize("encoder", ffmpeg.SOFTWARE)
def test_picture_is_scaled(encoder: str, preset: str, clip: Path, tmp_path: Path) -> None:
    made = plan(checker(SMALL)(clip), encoder=encoder, preset=preset)
    media = apply(made, tmp_path, recheck=checker(SMALL), ffmpeg=FFMPEG).segments[0].media
    assert media.video is not None
    assert (media.video.codec, media.video.display_size) == (CODECS[encoder], (160, 90))
    assert len(hashes(media.path)) == 75


@pytest.mark.parametrize("encoder", ffmpeg.SOFTWARE)
def test_limit_is_kept(encoder: str, clip: Path, tmp_path: Path) -> None:
    limits = Limits(max_bytes=clip.stat().st_size // 4)
    made = plan(checker(limits)(clip), policy=Policy.ONE_FILE, encoder=encoder, preset="ultrafast")
    media = apply(made, tmp_path, recheck=checker(limits), ffmpeg=FFMPEG).segments[0].media
    assert media.size <= limits.max_bytes
    assert len(hashes(media.path)) == 75


@pytest.mark.parametrize("encoder", ["libnothing", "aac"])
def test_encoder_that_does_not_work_is_named_with_others_to_choose(encoder: str, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match=encoder) as caught:
        apply(plan(checker(SMALL)(clip), encoder=encoder), tmp_path / "out", recheck=checker(SMALL), ffmpeg=FFMPEG)
    assert "libx264" in (caught.value.hint or "")
    assert list((tmp_path / "out").iterdir()) == []
