"""A paid result reaches the person whatever happens to the composite, and redo changes nothing that was not asked."""

import json
import shutil
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fixtures import clips
from preflight import api
from preflight.errors import CancelledError
from preflight.events import ignore
from preflight.model.job import Fixed, Segment
from preflight.model.media import StreamKind
from preflight.model.plan import Plan
from preflight.model.region import Regions
from preflight.model.report import Report
from preflight.model.text import ScreenText, ScreenTexts, TextRole
from preflight.restore.composite import RecordedText
from preflight.settings import Settings
from preflight.workflow import composition, finished_file, recorded_texts
from preflight.workflow.finished_file import FinishedFile
from preflight.workflow.outcome import Notes
from preflight.workflow.preparation import Inspected, Prepared
from preflight.workflow.recomposition import redo
from preflight.workflow.request import RunRequest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return clips.clip(tmp_path / "clip.mp4")


@pytest.fixture
def cleaned(source: Path, tmp_path: Path) -> Path:
    clips.run("-i", source, "-vf", "scale=160:90", "-an", tmp_path / "cleaned.mp4")
    return tmp_path / "cleaned.mp4"


def _make(
    source: Path,
    cleaned: Path,
    notes: Notes,
    *,
    regions: Regions | None = None,
    reports: Sequence[Mapping[str, Any]] = (),
    composite: bool = True,
) -> FinishedFile:
    report = api.check(source)
    assert isinstance(report, Report)
    assert report.media is not None
    plan = Plan(source=report.media)
    request = RunRequest(output=source.parent, regions=regions or Regions(), composite=composite)
    inspected = Inspected(request=request, report=report, plan=plan, digest="d" * 64, account="a")
    fixed = Fixed(source=report.media, plan=plan, segments=(Segment(media=report.media, end=1.0),))
    return finished_file.make(
        Prepared(inspected=inspected, fixed=fixed, placed=(None,)),
        [cleaned],
        source.with_name("finished.mp4"),
        reports,
        settings=Settings(home=source.parent / "home"),
        listener=ignore,
        cancel=None,
        notes=notes,
    )


def _size(path: Path) -> tuple[int, int]:
    media = api.check(path).media
    assert media is not None
    assert media.video is not None
    return media.video.width, media.video.height


def test_the_finished_file_has_the_pictures_of_the_source(source: Path, cleaned: Path) -> None:
    notes = Notes()
    made = _make(source, cleaned, notes)
    assert _size(made.file) == (320, 180)
    assert [text for text in notes.texts if "could not" in text] == []
    (kept,) = made.record["composite"]["recipe"]["cleaned"]
    assert Path(kept).read_bytes() == cleaned.read_bytes()


@pytest.mark.parametrize("composite", [True, False])
def test_texts_are_recorded_with_what_became_of_them(source: Path, cleaned: Path, composite: bool) -> None:
    track = {"text": "words", "start": 0.2, "end": 0.8, "box": [32, 18, 64, 36]}
    kept = {**track, "kept_because": "may be part of the scene"}
    reports = [{"removed": [{"track": track}], "kept": [kept, {**kept, "kept_because": "not text"}]}]
    made = _make(source, cleaned, Notes(), reports=reports, composite=composite)
    texts = made.record["texts"]
    assert [(text["number"], text["status"]) for text in texts] == [(1, "removed"), (2, "uncertain"), (3, "kept")]
    assert texts[0]["box"] == [0.1, 0.1, 0.2, 0.2]


def test_texts_that_no_service_reported_are_compared(
    source: Path, cleaned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's file is the source, so its text is still there."""
    found = RecordedText(number=1, text="words", start=0.0, end=1.0, box=(0.1, 0.1, 0.9, 0.9), note="caption")
    monkeypatch.setattr(recorded_texts, "searched_texts", lambda *_, **__: (found,))
    made = _make(source, cleaned, Notes(), regions=Regions(keep_text="words"))
    assert [text["status"] for text in made.record["texts"]] == ["kept"]


def test_texts_of_a_trimmed_video_are_recorded_in_times_of_the_source(source: Path, cleaned: Path) -> None:
    report = api.check(source)
    assert isinstance(report, Report)
    assert report.media is not None
    plan = Plan(source=report.media, trim=(Fraction(1, 4), Fraction(1)))
    inspected = Inspected(request=RunRequest(), report=report, plan=plan, digest="d" * 64, account="a")
    fixed = Fixed(source=report.media, plan=plan, segments=(Segment(media=report.media, start=0.25, end=1.0),))
    prepared = Prepared(inspected=inspected, fixed=fixed, placed=(None,))
    text = ScreenText(
        text="words",
        confidence=0.9,
        role=TextRole.CAPTION,
        certain=True,
        language="en",
        first_frame=0,
        last_frame=9,
        start=Fraction(0),
        end=Fraction(2, 5),
        box=(32, 18, 288, 162),
    )
    found = ScreenTexts(frames=18, frame_rate=25.0, width=320, height=180, texts=(text,))
    settings = Settings(home=source.parent / "home")
    record = finished_file.searched_texts(found, prepared, cleaned, settings=settings, cancel=None)
    (listed,) = record["texts"]
    assert (listed["start"], listed["end"], listed["box"]) == (0.25, 0.65, [0.1, 0.1, 0.9, 0.9])
    assert record["texts_searched"] is True


def test_a_defect_of_the_composite_keeps_no_paid_result_away(
    source: Path, cleaned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise IndexError("a defect")

    monkeypatch.setattr(composition, "make_picture", break_down)
    notes = Notes()
    made = _make(source, cleaned, notes)
    assert _size(made.file) == (160, 90)
    assert made.record == {}
    assert "own pictures could not be kept" in notes.texts[0]


def test_being_stopped_passes_through(source: Path, cleaned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise CancelledError("Stopped on request.")

    monkeypatch.setattr(composition, "make_picture", stop)
    with pytest.raises(CancelledError):
        _make(source, cleaned, Notes())
    assert not source.with_name("finished.mp4").exists()


def test_a_region_that_can_not_be_used_is_a_note(source: Path, cleaned: Path) -> None:
    notes = Notes()
    made = _make(source, cleaned, notes, regions=Regions(protect=("0,0,9000,10px",)))
    assert _size(made.file) == (320, 180)
    assert "regions were not used" in notes.texts[0]
    assert made.record["composite"]["regions"]["protect"] == []


def test_a_cache_that_can_not_be_written_is_a_note(source: Path, cleaned: Path) -> None:
    (source.parent / "home").mkdir()
    (source.parent / "home" / "cleaned").write_text("a file where the folder should be")
    notes = Notes()
    made = _make(source, cleaned, notes)
    assert _size(made.file) == (320, 180)
    assert "could not be kept" in notes.texts[-1]
    assert "recipe" not in made.record["composite"]


def _record(folder: Path, source: Path, cleaned: Path) -> Path:
    folder.mkdir()
    finished = Path(shutil.copy(cleaned, folder / "clip-clean.mp4"))
    path = folder / "clip-clean.record.json"
    path.write_text(json.dumps({"source": str(source), "result": {"source": str(source), "file": str(finished)}}))
    return path


def test_redo_leaves_removed_sound_out_and_kept_sound_in(source: Path, cleaned: Path, tmp_path: Path) -> None:
    silent = _record(tmp_path / "silent", source, cleaned)
    heard = _record(tmp_path / "heard", source, source)
    for record, kinds in ((silent, [StreamKind.VIDEO]), (heard, [StreamKind.VIDEO, StreamKind.AUDIO])):
        media = api.check(redo(record).file).media
        assert media is not None
        assert [stream.kind for stream in media.streams] == kinds


def test_records_of_one_name_keep_their_own_cleaned_files(source: Path, cleaned: Path, tmp_path: Path) -> None:
    records = [_record(tmp_path / name, source, file) for name, file in (("a", cleaned), ("b", source))]
    kept = []
    for record in records:
        redo(record)
        (name,) = json.loads(record.read_text())["composite"]["recipe"]["cleaned"]
        kept.append(Path(name).read_bytes())
    assert kept == [cleaned.read_bytes(), source.read_bytes()]
