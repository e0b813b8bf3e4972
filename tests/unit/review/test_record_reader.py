import copy
from pathlib import Path
from typing import Any

import pytest

from fixtures import reviewed
from preflight.errors import InputError
from preflight.model.text import TextStatus
from preflight.restore.acceptance.report import AcceptanceVerdict
from preflight.review import record_reader


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
    assert video.weak_spots[0].start == 0.2
    assert video.weak_spots[0].end == 0.4


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
