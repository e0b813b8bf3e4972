import copy
from pathlib import Path
from typing import Any

import pytest

from fixtures import reviewed
from preflight.errors import InputError
from preflight.model.text import TextStatus
from preflight.restore.acceptance.report import AcceptanceVerdict
from preflight.review import record_reader, redo_marks
from preflight.workflow.output_paths import TEXTS_SEARCHED


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    return copy.deepcopy(reviewed.record(tmp_path / "a.mp4", tmp_path / "a.cleaned.mp4", ("one", "two")))


def test_texts_have_places_of_the_displayed_picture(record: dict[str, Any], tmp_path: Path) -> None:
    video = record_reader.read(record, tmp_path / "a.cleaned.json")
    assert [(text.number, text.words, text.status) for text in video.texts] == [
        (1, "one", TextStatus.REMOVED),
        (2, "two", TextStatus.REMOVED),
        (3, "SHOP", TextStatus.UNCERTAIN),
    ]
    assert video.texts[0].box == (0.25, round(140 / 180, 5), 0.75, round(160 / 180, 5))
    assert video.texts[1].weaknesses == ("validation error 12.0 gray levels",)


def test_a_weak_spot_of_a_text_is_listed_with_it(record: dict[str, Any], tmp_path: Path) -> None:
    poor = {"first_frame": 5, "last_frame": 9, "box": [10, 100, 60, 120], "reason": "flicker"}
    record["result"]["quality"]["poor_regions"].append(poor)
    video = record_reader.read(record, tmp_path / "a.cleaned.json")
    assert (video.texts[0].weaknesses, video.texts[0].severity) == (("traces of text",), 0.8)
    assert [(spot.reason, spot.start, spot.end) for spot in video.weak_spots] == [("flicker", 0.2, 0.4)]


def _listed(**changes: object) -> dict[str, Any]:
    place = {"start": 3.0, "end": 4.0, "box": [0.2, 0.8, 0.6, 0.9]}
    return {"number": 1, "text": "words", **place, "status": "removed", "note": "caption", **changes}


@pytest.mark.parametrize(
    ("changes", "severity", "weak"),
    [
        ({}, 0.0, False),
        ({"status": "kept"}, record_reader.LEFT_SEVERITY, True),
        ({"status": "kept", "note": "sign"}, 0.0, False),
        ({"status": "removed", "note": "sign"}, record_reader.UNCERTAIN_SEVERITY, True),
        ({"status": None, "note": ""}, record_reader.UNCERTAIN_SEVERITY, False),
    ],
    ids=["removed", "caption left", "sign kept", "sign removed", "no status"],
)
def test_texts_of_a_service_without_a_report_are_read(
    record: dict[str, Any], tmp_path: Path, changes: dict[str, object], severity: float, weak: bool
) -> None:
    record["result"]["quality"] = None
    record["plan"]["trim"] = [2.0, 6.0]
    assert not record_reader.read(record, tmp_path / "a.cleaned.json").texts_known
    record["texts"] = [_listed(**changes)]
    video = record_reader.read(record, tmp_path / "a.cleaned.json")
    (text,) = video.texts
    assert video.texts_known
    assert (text.words, text.start, text.end, text.box) == ("words", 1.0, 2.0, (0.2, 0.8, 0.6, 0.9))
    assert (text.severity, bool(text.weaknesses)) == (severity, weak)


def test_an_empty_search_is_known_to_be_complete(record: dict[str, Any], tmp_path: Path) -> None:
    record["result"]["quality"] = None
    record |= {"texts": [], TEXTS_SEARCHED: True}
    assert record_reader.read(record, tmp_path / "a.cleaned.json").texts_known


def test_texts_show_what_a_redo_did_to_them(record: dict[str, Any], tmp_path: Path) -> None:
    filled = {"start": 1.0, "end": 1.8, "x1": 0.25, "y1": 0.77778, "x2": 0.75, "y2": 0.88889}
    record["composite"] = {"filled": [filled], "regions": {"protect": ["0.25,0.7778,0.75,0.8889@0-0.8"]}}
    video = record_reader.read(record, tmp_path / "a.cleaned.json")
    one, two, shop = video.texts
    assert (video.weak_spots, video.has_redone_boxes) == ((), False)
    assert (one.status, one.severity, one.note) == (TextStatus.KEPT, 0.0, "put back on request")
    assert (two.status, two.severity) == (TextStatus.REMOVED, redo_marks.REFILLED_SEVERITY)
    assert shop.status is TextStatus.UNCERTAIN


def test_boxes_count_pixels_of_what_was_sent(record: dict[str, Any], tmp_path: Path) -> None:
    record["plan"]["video"] = {"size": [640, 360]}
    video = record_reader.read(record, tmp_path / "a.cleaned.json")
    assert video.texts[0].box == (0.125, round(140 / 360, 5), 0.375, round(160 / 360, 5))


def test_rotation_and_pixel_shape_give_the_displayed_size() -> None:
    stream = {"kind": "video", "width": 720, "height": 576, "sar": "16/15", "rotation": 90}
    assert record_reader.display_size({"streams": [stream]}) == (576, 768)


def test_segments_follow_each_other_in_time(record: dict[str, Any], tmp_path: Path) -> None:
    report = record["result"]["quality"]
    record["result"]["quality"] = {"segments": [report, report]}
    record["plan"] |= {"cuts": [12.0], "trim": [2.0, 22.0]}
    video = record_reader.read(record, tmp_path / "a.cleaned.json")
    assert [text.start for text in video.texts if text.words == "one"] == [0.0, 10.0]
    assert (video.offset, video.duration) == (2.0, 20.0)


def test_the_acceptance_test_decides_the_verdict(record: dict[str, Any], tmp_path: Path) -> None:
    place = {"first_frame": 25, "last_frame": 29, "time": 1.0, "box": [80, 90, 160, 180], "text": "WORD", "value": 1}
    finding = {"problem": "residual text", "level": "poor", "places": [place]}
    record["acceptance"] = {"verdict": "poor", "reasons": ["frames are missing"], "findings": [finding]}
    video = record_reader.read(record, tmp_path / "a.cleaned.json")
    spot = max(video.weak_spots, key=lambda spot: spot.severity)
    assert (spot.start, spot.end, spot.box, spot.reason) == (1.0, 1.2, (0.25, 0.5, 0.5, 1.0), "residual text: WORD")
    assert (video.verdict, video.severity, video.reasons) == (AcceptanceVerdict.POOR, 1.0, ("frames are missing",))


@pytest.mark.parametrize(
    "broken", [{}, {"result": 1}, {"result": {"file": "x"}}, {"result": {"source": "a", "file": 5}}]
)
def test_what_is_no_record_is_refused(broken: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the record"):
        record_reader.read(broken, tmp_path / "a.json")
