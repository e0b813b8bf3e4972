"""The report of a batch, its summary, and the allowance of jobs and money."""

import csv
import json
from pathlib import Path

import pytest

from preflight.cli.allowance import Allowance
from preflight.cli.batch_report import BatchReport, Entry
from preflight.cli.outcomes import entry_of, run_command
from preflight.errors import InputError, UsageError
from preflight.model.job import Failed, Pending, Rejected, Skipped, Succeeded, Unknown

DONE = Entry(
    source=Path("=a.mp4"), outcome="succeeded", seconds=90.0, jobs=2, file=Path("out/a.mp4"), task_ids=("1", "2")
)
KNOWN = Entry(source=Path("b.mp4"), outcome="succeeded", seconds=60.0)


def test_report_has_minutes_and_cost_of_what_was_paid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = BatchReport(tmp_path / "r.json", price=2.0)
    report.add(DONE)
    report.add(KNOWN)
    report.finish(as_json=False)
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["summary"] == {
        "videos": 2, "outcomes": {"succeeded": 2}, "jobs": 2, "minutes": 1.5, "cost": 3.0,
    }  # fmt: skip
    assert [row["cost"] for row in written["files"]] == [3.0, 0.0]
    assert "2 videos: 2 succeeded; 2 jobs paid, 1.5 minutes, cost 3.00" in capsys.readouterr().err


def test_report_as_csv_is_no_formula(tmp_path: Path) -> None:
    report = BatchReport(tmp_path / "r.csv")
    report.add(DONE)
    report.finish(as_json=False)
    (row,) = csv.DictReader((tmp_path / "r.csv").read_text().splitlines())
    assert (row["source"], row["task_ids"], row["minutes"], row["cost"]) == ("'=a.mp4", "1 2", "1.5", "")


def test_report_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("mine")
    report = BatchReport(tmp_path / "r.csv")
    report.finish(as_json=False)
    assert (tmp_path / "r.csv").read_text() == "mine"
    assert (tmp_path / "r-2.csv").exists()
    with pytest.raises(UsageError, match="neither"):
        BatchReport(tmp_path / "r.txt")


def test_foreseen_cost_is_told_for_a_single_video(capsys: pytest.CaptureFixture[str]) -> None:
    report = BatchReport(None, price=1.0)
    report.add(DONE)
    report.finish(as_json=False, foreseen=True)
    assert "2 jobs would be paid, 1.5 minutes, cost 1.50" in capsys.readouterr().err


def test_jobs_end_the_allowance_and_unused_ones_come_back() -> None:
    allowance = Allowance(max_jobs=2)
    first, second = Path("1"), Path("2")
    assert allowance.admit(first, jobs=2, seconds=1)
    assert not allowance.admit(second, jobs=1, seconds=1)
    allowance.settle(first, jobs=0)
    assert allowance.admit(second, jobs=2, seconds=1)


def test_money_ends_the_allowance() -> None:
    allowance = Allowance(budget=1.0, price=0.5)
    assert allowance.admit(Path("1"), jobs=1, seconds=60)
    assert not allowance.admit(Path("2"), jobs=1, seconds=61)
    assert allowance.admit(Path("3"), jobs=1, seconds=60)
    with pytest.raises(UsageError, match="price"):
        Allowance(budget=1.0)


@pytest.mark.parametrize(
    ("result", "outcome", "detail", "code"),
    [
        (Succeeded(source=Path("a"), file=Path("b"), task_ids=("t",), submitted=1), "succeeded", "", 0),
        (Skipped(source=Path("a")), "skipped", "no text was seen on its frames", 0),
        (Rejected(source=Path("a"), codes=(703,), reason="too large"), "rejected", "too large", 3),
        (Failed(source=Path("a"), error=InputError("gone")), "failed", "gone", 3),
        (Pending(source=Path("a"), task_ids=("t",)), "pending", "", 6),
        (Unknown(source=Path("a"), job_id="j"), "unknown", "job j", 7),
    ],
)
def test_every_result_has_an_entry(result: object, outcome: str, detail: str, code: int) -> None:
    entry = entry_of(result, 1.0)  # type: ignore[arg-type]
    assert (entry.outcome, entry.detail, entry.exit_code) == (outcome, detail, code)


def test_command_gets_names_as_one_argument(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / "a b; touch evil.mp4"
    result = Succeeded(source=odd, file=tmp_path / "made here", task_ids=(), submitted=0)
    run_command("touch {file} '{source}'", result)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a b; touch evil.mp4", "made here"]
    run_command("false", result)
    run_command("no-such-program", result)
    assert "false ended with 1" in capsys.readouterr().err
