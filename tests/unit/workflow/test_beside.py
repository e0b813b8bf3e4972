"""What counts as a better result, and which result fails under `--accept strict`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.cli import console
from preflight.cli.batch_report import BatchReport
from preflight.cli.outcomes import entry_of, tell_all, verdict_of
from preflight.model.job import Pending, RemovalOptions, Succeeded
from preflight.model.text import ScreenText, ScreenTexts, TextRole
from preflight.restore.acceptance import AcceptanceVerdict
from preflight.restore.acceptance.judge import judge
from preflight.restore.acceptance.measures import AcceptanceMeasures
from preflight.workflow.acceptance import Expected, texts_to_go
from preflight.workflow.beside import is_better
from preflight.workflow.request import RunRequest

REPORT = judge(AcceptanceMeasures(frames=10, cleaned_frames=10), (64, 64))


def test_repair_is_better_with_less_text_and_no_worse_verdict() -> None:
    before = replace(REPORT, verdict=AcceptanceVerdict.POOR, residual_texts=2)
    assert is_better(replace(before, residual_texts=1), before)
    assert not is_better(before, before)
    remarks = replace(before, verdict=AcceptanceVerdict.REMARKS)
    assert not is_better(replace(before, residual_texts=0), remarks)


def test_verdict_of_a_known_result_is_in_its_record(tmp_path: Path) -> None:
    known = Succeeded(source=Path("a.mp4"), file=tmp_path / "a.cleaned.mp4", task_ids=(), submitted=0)
    assert verdict_of(known) is None
    (tmp_path / "a.cleaned.json").write_text(json.dumps({"acceptance": {"verdict": "poor"}}))
    assert verdict_of(known) == "poor"
    assert verdict_of(replace(known, verdict="accepted")) == "accepted"
    assert verdict_of(Pending(source=Path("a.mp4"), task_ids=())) is None


def test_request_keeps_what_is_made_beside_the_file(tmp_path: Path) -> None:
    request = RunRequest(output=tmp_path, verify=True, repair=True, subtitles=("srt", "ass"))
    assert RunRequest.from_json(request.to_json()) == request


def test_request_of_an_older_version_makes_nothing_beside(tmp_path: Path) -> None:
    old = json.loads(RunRequest(output=tmp_path, verify=True).to_json())
    del old["verify"], old["repair"], old["subtitles"]
    assert RunRequest.from_json(json.dumps(old)) == RunRequest(output=tmp_path, options=RemovalOptions())


@pytest.mark.parametrize(("language", "words"), [(None, ["hello", "你好"]), ("zh", ["你好"]), ("en", ["hello"])])
def test_texts_of_the_language_that_was_asked_for_have_to_go(language: str | None, words: list[str]) -> None:
    base = ScreenText(
        text="hello",
        confidence=0.9,
        role=TextRole.CAPTION,
        certain=True,
        language="en",
        first_frame=0,
        last_frame=9,
        start=0,  # type: ignore[arg-type]
        end=1,  # type: ignore[arg-type]
        box=(0, 0, 9, 9),
    )
    others = (
        replace(base, text="你好", language="zh"),
        replace(base, text="unsure", confidence=0.5),
        replace(base, text="EXIT", role=TextRole.SIGN),
    )
    texts = ScreenTexts(frames=10, frame_rate=25, width=64, height=64, texts=(base, *others))
    assert [text.text for text in texts_to_go(Expected(texts=texts, language=language))] == words


def test_verdict_and_reasons_are_in_the_report_of_a_batch() -> None:
    poor = Succeeded(
        source=Path("a"), file=Path("b"), task_ids=(), submitted=1, verdict="poor", reasons=("Text is left.",)
    )
    assert entry_of(poor, None).detail == "Poor. Text is left."


def test_poor_result_fails_the_batch_when_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    poor = Succeeded(source=Path("a"), file=tmp_path / "b", task_ids=(), submitted=1, verdict="poor")
    for strict, code in ((False, 0), (True, 1)):
        with console.batch_progress(1, json_lines=False) as board:
            assert tell_all([poor], board, BatchReport(None), as_json=False, strict=strict) == code
    assert "verdict: poor" in capsys.readouterr().err
