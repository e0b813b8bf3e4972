"""The fill model of the settings reaches every call of the engine, and is tried before other work."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from preflight import api, engine
from preflight.errors import UsageError
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.settings import Settings
from preflight.workflow import acceptance, composition, hdr_removal, recomposition

BAD = Path("no/such/model.onnx")
BOX = InpaintingBox(start=0, end=1, x1=0, y1=0, x2=0.5, y2=0.5)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(engine, "remove_text", lambda *_, **given: made.append(given))
    return made


def test_repair_uses_it(calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(acceptance, "repair_boxes", lambda _: (BOX,))
    report: Any = None
    acceptance.repair(tmp_path / "a.mp4", report, tmp_path / "b.mp4", settings=Settings(fill_model=BAD))
    assert [given["fill_model"] for given in calls] == [BAD]


def test_redo_uses_it(calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # What is made of the engine's result is of no interest here.
    monkeypatch.setattr(composition, "media_of", lambda _: SimpleNamespace(video=None))
    monkeypatch.setattr(composition, "compose", lambda *_, **__: None)
    monkeypatch.setattr(composition.Recipe, "guessed", lambda *_: None)
    settings = Settings(fill_model=BAD)
    recomposition._filled(tmp_path / "a.mp4", [BOX], tmp_path, settings, lambda _: None, None)  # noqa: SLF001
    assert [given["fill_model"] for given in calls] == [BAD]


def test_redo_tries_it_before_all_else(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.onnx can't be read"):
        recomposition.redo(tmp_path / "no.json", fill=[BOX], settings=Settings(fill_model=BAD))


def test_local_service_tries_it_before_it_starts(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, service="local", fill_model=BAD)
    with pytest.raises(UsageError, match=r"model\.onnx can't be read"), api.service(settings):
        pass
    assert list(tmp_path.iterdir()) == []


def test_hdr_removal_tries_it_before_the_tone_mapping(tmp_path: Path) -> None:
    media: Any = None
    with pytest.raises(UsageError, match=r"model\.onnx can't be read"):
        hdr_removal.remove_text(media, tmp_path / "b.mp4", RemovalOptions(), settings=Settings(), fill_model=BAD)
