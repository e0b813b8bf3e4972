"""A redo makes again only what was decided, from what was kept."""

import json
import shutil
from pathlib import Path

import pytest

from fixtures import clips, reviewed
from preflight.model.region import Regions
from preflight.settings import Settings
from preflight.workflow import text_changes
from preflight.workflow.recomposition import redo

BOX = (0.25, 7 / 9, 0.75, 8 / 9)
"""Place of the white boxes of the fixture."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def _changes(folder: Path, settings: Settings, *places: tuple[float, float], offset: float = 0.0) -> list[float]:
    """Return how much the box of the fixture differs from the source at some times of the result."""
    found = text_changes.measure(
        [(start, end, BOX) for start, end in places],
        folder / "clip.mp4",
        folder / "clip.cleaned.mp4",
        offset=offset,
        settings=settings,
    )
    return [change.inside for change in found if change is not None]


def _word(start: float, end: float) -> str:
    return f"{BOX[0]},{BOX[1]},{BOX[2]},{BOX[3]}@{start}-{end}"


def test_a_text_of_a_trimmed_video_is_put_back_at_its_time(tmp_path: Path, settings: Settings) -> None:
    """The service's file begins 0.5 s into the source, and was made without a composite."""
    record = reviewed.result(tmp_path)
    cleaned, whole = tmp_path / "clip.cleaned.mp4", tmp_path / "whole.mp4"
    cleaned.rename(whole)
    clips.run("-ss", "0.52", "-i", whole, "-t", "1.2", "-c:v", "libx264", "-qp", "12", cleaned)
    content = json.loads(record.read_text())
    content["plan"]["trim"] = [0.52, 1.72]
    record.write_text(json.dumps(content))
    assert min(_changes(tmp_path, settings, (0.5, 1.2), offset=0.52)) > 20
    redo(record, regions=Regions(protect=(_word(1.0, 1.8),)), settings=settings)
    assert max(_changes(tmp_path, settings, (0.5, 1.2), offset=0.52)) < 3


def test_without_the_service_file_the_finished_file_is_enough(tmp_path: Path, settings: Settings) -> None:
    record = reviewed.result(tmp_path)
    redo(record, regions=Regions(protect=(_word(0.0, 0.8), _word(1.0, 1.8))), settings=settings)
    assert max(_changes(tmp_path, settings, (0.0, 0.8), (1.0, 1.8))) < 3
    shutil.rmtree(settings.home / "cleaned")
    made = redo(record, regions=Regions(protect=(_word(0.0, 0.8),)), settings=settings)
    assert made.filled == 1
    assert any("not kept any more" in note for note in made.notes)
    first, second = _changes(tmp_path, settings, (0.0, 0.8), (1.0, 1.8))
    assert first < 3
    assert second > 20
