import sys
from pathlib import Path

import pytest

from preflight.errors import DiskFullError
from preflight.tools import ffmpeg


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full, a device that is always full")
@pytest.mark.parametrize("form", ["matroska", "mpegts", "mp4"])
def test_disk_that_fills_under_ffmpeg_is_said(form: str, small_mp4: Path) -> None:
    fragmented = ["-movflags", "empty_moov"] if form == "mp4" else []
    argv = [ffmpeg.find(), "-v", "error", "-nostdin", "-y", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(small_mp4)]
    with pytest.raises(DiskFullError, match="full"):
        ffmpeg.run([*argv, "-c", "copy", *fragmented, "-f", form, "/dev/full"])
