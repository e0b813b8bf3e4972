"""Subtitles of one language, of several, and of what was removed."""

from pathlib import Path

import pysubs2
import pytest

from preflight.engine.types import FillQuality, RemovalReport, RemovedText, TextTrackSummary
from preflight.errors import UsageError
from preflight.model.text import ScreenTexts
from preflight.workflow.text_export import mark_removed, write_subtitles

from .test_cues import LOWER, UPPER, line

FOUND = ScreenTexts(
    frames=100,
    frame_rate=25,
    width=640,
    height=480,
    texts=(line("你好", 25, 49, UPPER, language="zh"), line("Hello", 25, 49, LOWER)),
)
QUALITY = FillQuality(propagated_share=1.0, validation_error=1.0, residual_text=0.0, escalation=0)


def words(path: Path) -> list[str]:
    return [event.plaintext for event in pysubs2.load(str(path)).events]


def report(first: int, last: int, box: tuple[int, int, int, int]) -> RemovalReport:
    track = TextTrackSummary(
        text="x", score=1, kind="artificial", start=0, end=1, first_frame=first, last_frame=last, box=box, moves=False
    )
    return RemovalReport(
        frames=100,
        frame_rate=25,
        frames_filled=25,
        frames_copied=0,
        quality=QUALITY,
        removed=(RemovedText(track=track, quality=QUALITY),),
        kept=(),
    )


def test_languages_are_written_to_files_of_their_own(tmp_path: Path) -> None:
    written = write_subtitles(FOUND, tmp_path / "a.vtt", split_languages=True)
    assert [path.name for path in written] == ["a.zh.vtt", "a.en.vtt"]
    assert [words(path) for path in written] == [["你好"], ["Hello"]]


def test_lines_of_one_language_alone_are_written(tmp_path: Path) -> None:
    write_subtitles(FOUND, tmp_path / "a.srt", language="en")
    assert words(tmp_path / "a.srt") == ["Hello"]
    with pytest.raises(UsageError, match="language"):
        write_subtitles(FOUND, tmp_path / "a.srt", language="fr")


def test_only_what_was_removed_is_written(tmp_path: Path) -> None:
    marked = mark_removed(FOUND, report(24, 49, LOWER))
    assert [text.removed for text in marked.texts] == [False, True]
    write_subtitles(marked, tmp_path / "a.srt", removed_only=True)
    assert words(tmp_path / "a.srt") == ["Hello"]


def test_track_that_is_there_for_a_moment_only_removes_nothing() -> None:
    assert [text.removed for text in mark_removed(FOUND, report(25, 30, LOWER)).texts] == [False, False]
