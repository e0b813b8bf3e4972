"""`preflight text` and `clean --subtitles` as a person uses them."""

import json
from pathlib import Path

import pysubs2
import pytest

from fixtures import captions, clips
from fixtures.captions import Caption
from tests.end_to_end.cli import preflight

ROOT = str(Path(__file__).parents[3])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 s with a bilingual caption on frames 10 to 39."""
    folder = tmp_path_factory.mktemp("text")
    clips.run("-f", "lavfi", "-i", clips.gradients(480, 270, 2), "-c:v", "libx264", "-qp", "0", folder / "plain.mkv")
    texts = (
        Caption(start=0.4, end=1.6, text="今天天气真好", effect="\\an8\\pos(240,200)"),
        Caption(start=0.4, end=1.6, text="Lovely weather", effect="\\an8\\pos(240,230)"),
    )
    return captions.burn(folder / "plain.mkv", folder / "clip.mp4", texts, size=(480, 270), font_size=24)


def test_text_is_written_with_exact_frames(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.srt", tmp_path / "a.json"
    outcome = preflight("text", clip, "-o", out[0], "-o", out[1], PYTHONPATH=ROOT)
    assert outcome.code == 0, outcome.err
    (event,) = pysubs2.load(str(out[0])).events
    assert (event.start, event.end, event.plaintext) == (400, 1600, "今天天气真好\nLovely weather")
    (cue,) = json.loads(out[1].read_text("utf-8"))["cues"]
    assert (cue["first_frame"], cue["last_frame"]) == (10, 39)


def test_clean_writes_what_it_removed(clip: Path, tmp_path: Path) -> None:
    outcome = preflight("clean", clip, "-o", tmp_path / "c.mp4", "--subtitles", "srt", "--json", PYTHONPATH=ROOT)
    assert outcome.code == 0, outcome.err
    assert outcome.events[-1]["subtitles"] == [str(tmp_path / "c.srt")]
    assert "Lovely weather" in (tmp_path / "c.srt").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("missing.mp4",), 3, "There is no such file"),
        (("CLIP", "-o", "a.txt"), 2, "no subtitle file"),
        (("CLIP", "--language", "zh", "--split-languages"), 2, "exclude each other"),
    ],
)
def test_wrong_usage_is_explained(clip: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    given = [clip if word == "CLIP" else word for word in arguments]
    outcome = preflight("text", *given, PYTHONPATH=ROOT)
    assert outcome.code == code
    assert words in outcome.err


def test_text_of_an_hdr_video_is_found(tmp_path: Path) -> None:
    plain, hdr = tmp_path / "sdr.mp4", tmp_path / "hdr.mp4"
    clips.run("-f", "lavfi", "-i", clips.gradients(480, 270, 1), "-c:v", "libx264", "-qp", "0", tmp_path / "plain.mkv")
    text = (Caption(start=0.2, end=0.8, text="Lovely weather", effect="\\an8\\pos(240,230)"),)
    captions.burn(tmp_path / "plain.mkv", plain, text, size=(480, 270), font_size=24)
    to_hlg = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709,zscale=t=linear:npl=203,format=gbrpf32le,"
        "zscale=p=bt2020,zscale=t=arib-std-b67:m=bt2020nc:r=tv,format=yuv420p10le"
    )
    tags = ("-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc")
    coded = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", *tags)
    clips.run("-i", plain, "-vf", to_hlg, *coded, hdr)
    outcome = preflight("text", hdr, "-o", tmp_path / "a.srt", PYTHONPATH=ROOT)
    assert outcome.code == 0, outcome.err
    (event,) = pysubs2.load(str(tmp_path / "a.srt")).events
    assert (event.start, event.end, event.plaintext) == (200, 800, "Lovely weather")
