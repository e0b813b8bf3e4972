"""What people expect of a command that takes many files."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from preflight.server.stack import environment
from preflight.settings import Settings
from tests.end_to_end.cli import Outcome, preflight


@pytest.fixture
def videos(clip: Path, tmp_path: Path) -> Path:
    """Three videos of different content and equal names in a tree, and one that is none."""
    folder = tmp_path / "in"
    for name in ("a/x.mp4", "b/x.mp4", "c.mp4"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, path)
        with path.open("ab") as file:
            file.write(b"\0\0\0\x10free" + name.encode().ljust(8))
    return folder


def run(stack: Settings, tmp_path: Path, *arguments: object) -> Outcome:
    return preflight("run", *arguments, PREFLIGHT_HOME=str(tmp_path / "home"), **environment(stack))


def test_tree_report_command_and_existing_results(stack: Settings, videos: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.csv"
    options = ("-o", out, "--tree", "--report", report, "--on-done", f"cp {{file}} {tmp_path}/last", "--quiet")
    outcome = run(stack, tmp_path, videos, *options)
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    results = sorted(str(path.relative_to(out)) for path in out.rglob("*.cleaned.mp4"))
    assert results == ["a/x.cleaned.mp4", "b/x.cleaned.mp4", "c.cleaned.mp4"]
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert [row["outcome"] for row in rows] == ["succeeded"] * 3
    assert sum(int(row["jobs"]) for row in rows) == 3
    assert (tmp_path / "last").is_file()
    again = run(stack, tmp_path, videos, "-o", out, "--tree", "--skip-existing")
    assert "3 videos: 3 existing" in again.err


def test_jobs_and_money_are_limited(stack: Settings, videos: Path, tmp_path: Path) -> None:
    price = {"PREFLIGHT_PRICE_PER_MINUTE": "60"}
    settings = environment(stack) | price | {"PREFLIGHT_HOME": str(tmp_path / "home")}
    foreseen = preflight("run", videos, "--dry-run", "--json", "--report", tmp_path / "r.json", **settings)
    cost = json.loads((tmp_path / "r.json").read_text())["summary"]["cost"]
    assert foreseen.code == 0
    assert cost == pytest.approx(3, rel=0.1)
    limited = preflight("run", videos, "-o", tmp_path / "out", "--budget", "1.5", **settings)
    assert "used up: 2 videos" in limited.err
    assert "3 videos: " in limited.err
    one = preflight("run", videos, "-o", tmp_path / "out", "--max-jobs", "1", **settings)
    # The first one is known by now, and costs nothing.
    assert "used up: 1 videos" in one.err


def test_log_file_has_what_is_said(stack: Settings, videos: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    outcome = run(stack, tmp_path, videos / "c.mp4", "-o", tmp_path / "out", "--log-file", log, "--quiet")
    assert outcome.code == 0
    assert "c.mp4" in log.read_text()
