"""`preflight run` with the acceptance test and subtitles, on the local service."""

import json
from pathlib import Path

import pysubs2
import pytest

from fixtures import captions, clips
from tests.end_to_end.cli import preflight

CODED = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.6 s of a moving scene with a caption on frames 5 to 34."""
    folder = tmp_path_factory.mktemp("captioned")
    picture = "mandelbrot=size=480x270:rate=25:start_scale=0.3:end_pts=60"
    clips.run("-f", "lavfi", "-i", picture, "-t", 1.6, *CODED, "-crf", 4, folder / "plain.mkv")
    caption = captions.Caption(start=0.2, end=1.4, text="Never give up")
    return captions.burn(folder / "plain.mkv", folder / "clip.mp4", [caption], size=(480, 270), font_size=26)


def test_run_verifies_and_writes_subtitles(captioned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    wishes = ("--service", "local", "--subtitles", "srt", "--accept", "strict", "--json")
    outcome = preflight("run", captioned, "-o", out, *wishes)
    assert outcome.code == 0, outcome.err
    (result,) = [event for event in outcome.events if event["event"] == "result"]
    assert result["verdict"] in {"accepted", "accepted with remarks"}
    record = json.loads((out / "clip.cleaned.json").read_text("utf-8"))
    assert record["acceptance"]["verdict"] == result["verdict"]
    assert record["acceptance"]["texts"] == 1
    assert record["subtitles"] == [str(out / "clip.cleaned.srt")]
    (event,) = pysubs2.load(str(out / "clip.cleaned.srt")).events
    assert (event.start, event.end, event.plaintext) == (200, 1400, "Never give up")
