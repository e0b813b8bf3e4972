"""A finished file that still has its text is repaired, and subtitles are written beside it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pysubs2
import pytest

from fixtures import captions, clips
from preflight import api
from preflight.events import ignore
from preflight.model.job import Fixed, Segment
from preflight.model.plan import Plan
from preflight.settings import Settings
from preflight.workflow import beside
from preflight.workflow.beside import Finished
from preflight.workflow.outcome import Notes
from preflight.workflow.request import RunRequest

CODED = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")


@pytest.fixture
def finished(tmp_path: Path) -> Finished:
    """1 s of a moving scene with a caption, and the same again as what the service made of it."""
    picture = "mandelbrot=size=320x180:rate=25:start_scale=0.3:end_pts=60"
    clips.run("-f", "lavfi", "-i", picture, "-t", 1, *CODED, "-crf", 4, tmp_path / "plain.mkv")
    caption = captions.Caption(start=0.2, end=0.8, text="Never give up")
    source = captions.burn(tmp_path / "plain.mkv", tmp_path / "clip.mp4", [caption], size=(320, 180), font_size=22)
    file = Path(shutil.copy(source, tmp_path / "clip.cleaned.mp4"))
    media = api.check(source).media
    assert media is not None
    return Finished(
        source=source,
        file=file,
        fixed=Fixed(source=media, plan=Plan(source=media), segments=(Segment(media=media, end=1.0),)),
        request=RunRequest(output=tmp_path, verify=True, repair=True, subtitles=("srt",)),
        settings=Settings(),
        listener=ignore,
        cancel=None,
    )


def test_text_that_is_left_is_repaired(finished: Finished) -> None:
    notes = Notes()
    made = beside.make(finished, notes)
    assert notes.texts == []
    assert made.report is not None
    assert (made.repaired, made.report.residual_texts) == (True, 0)
    assert made.to_record()["acceptance"]["repaired"] is True
    assert finished.file.read_bytes() != finished.source.read_bytes()
    (event,) = pysubs2.load(str(finished.file.with_suffix(".srt"))).events
    assert (event.start, event.end, event.plaintext) == (200, 800, "Never give up")


def test_trim_of_several_files_is_a_note(finished: Finished) -> None:
    plan = replace(finished.fixed.plan, trim=(0, 1))  # type: ignore[arg-type]
    split = replace(finished.fixed, plan=plan, segments=finished.fixed.segments * 2)
    notes = Notes()
    assert beside.make(replace(finished, fixed=split), notes) == beside.Beside()
    assert "several files" in notes.texts[0]


def test_nothing_is_searched_when_nothing_is_wanted(finished: Finished) -> None:
    request = RunRequest(output=finished.request.output)
    assert beside.make(replace(finished, request=request, source=Path("gone")), Notes()) == beside.Beside()
