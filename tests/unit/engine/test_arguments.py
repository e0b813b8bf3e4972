"""Wrong arguments of the engine's public functions, and its values as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from preflight import engine
from preflight.errors import UsageError
from preflight.model.job import RemovalOptions
from preflight.serialize import jsonable

GOOD: dict[str, Any] = {
    "source": Path("a.mp4"),
    "destination": Path("b.mp4"),
    "options": RemovalOptions(),
    "ffmpeg": "ffmpeg",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", "a.mp4"),
        ("destination", None),
        ("options", {"language": "en"}),
        ("ffmpeg", ""),
        ("on_progress", 1),
        ("sheet", "sheet.png"),
        ("overlay", 3),
        ("processes", 0),
        ("processes", True),
        ("cancel", object()),
        ("smart_encode", "yes"),
        ("fill_model", "lama.onnx"),
    ],
)
def test_a_wrong_argument_of_remove_text_is_named(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"^{name} is"):
        engine.remove_text(**(GOOD | {name: value}))


@pytest.mark.parametrize(("name", "value"), [("path", "a.mp4"), ("ffmpeg", None), ("samples", 0), ("samples", 1.5)])
def test_a_wrong_argument_of_preview_text_is_named(name: str, value: object) -> None:
    good: dict[str, Any] = {"path": Path("a.mp4"), "ffmpeg": "ffmpeg"}
    with pytest.raises(UsageError, match=f"^{name} is"):
        engine.preview_text(**(good | {name: value}))


def test_the_report_is_serialised_by_its_field_names() -> None:
    quality = engine.FillQuality(propagated_share=0.5, validation_error=None, residual_text=0.0, escalation=1)
    report = engine.RemovalReport(
        frames=3, frame_rate=25.0, frames_filled=0, frames_copied=3, quality=quality, removed=(), kept=()
    )
    found = json.loads(json.dumps(jsonable(report)))
    assert report.copied
    assert found["quality"] == {
        "propagated_share": 0.5,
        "validation_error": None,
        "residual_text": 0.0,
        "escalation": 1,
    }
    assert (found["frames_copied"], found["removed"], found["notes"]) == (3, [], [])
