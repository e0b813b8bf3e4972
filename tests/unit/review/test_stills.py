from pathlib import Path

import cv2
import numpy as np
import pytest

from fixtures import clips
from preflight.review import stills
from preflight.tools import ffmpeg


@pytest.fixture(scope="module")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 1280x720 video with stripes one pixel wide, which no smaller picture can show, darker from frame to frame."""
    path = tmp_path_factory.mktemp("stills") / "striped.mp4"
    stripes = "geq=lum='if(mod(X,2),235-20*N,16)':cb=128:cr=128"
    graph = f"color=size=1280x720:rate=10:duration=0.8,format=yuv444p,{stripes}"
    clips.run("-f", "lavfi", "-i", graph, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", path)
    return path


def _decoded(content: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return picture


def test_a_crop_has_the_pixels_of_the_file(striped: Path) -> None:
    picture = _decoded(stills.crop(striped, 0.0, (0.25, 0.5, 0.35, 0.6), ffmpeg=ffmpeg.find()))
    assert picture.shape == (72, 128)
    assert np.abs(np.diff(picture.astype(int), axis=1)).min() > 200


@pytest.mark.parametrize("frame", [0, 3, 7])
def test_a_crop_is_of_the_frame_that_is_shown(striped: Path, frame: int) -> None:
    """Half a frame before its time is asked for, as the desk does it."""
    picture = _decoded(stills.crop(striped, (frame - 0.5) / 10, (0.25, 0.5, 0.35, 0.6), ffmpeg=ffmpeg.find()))
    assert int(picture.max()) == pytest.approx((235 - 20 * frame - 16) * 255 / 219, abs=3)
