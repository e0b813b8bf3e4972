"""Runs that meet each other, are stopped by a person, or find their ledger, disk or clock in a bad state."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.ledger import State
from preflight.settings import Settings
from tests.end_to_end.cli import preflight
from tests.end_to_end.kills import Scene, scene
from tests.service_stack import local_stack


def start(stage: Scene, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "preflight", *(arguments or stage.arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | stage.environment)


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_processes_that_meet_pay_once(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    together = [start(stage) for _ in range(4)]
    for process in together:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
    assert len(stage.accepted) == 1
    assert [job.state for job in stage.jobs] == [State.FETCHED]


def test_runs_with_other_parameters_do_not_disturb_each_other(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    languages = (["--language", "en"], ["--language", "zh"], ["--all-text"])
    together = [start(stage, *stage.arguments, *language) for language in languages]
    for process in together:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
    assert len(stage.accepted) == 3
    files = {job.file for job in stage.jobs}
    assert len(files) == 3
    assert all(file is not None and file.is_file() for file in files)


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Settings]:
    """A stack whose engine works until a file `go` appears."""
    with local_stack(tmp_path / "patient", engine="slow") as running:
        yield running.settings


def test_after_ctrl_c_resume_goes_on(patient: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, patient)
    process = start(stage)
    until(lambda: [job.state for job in stage.jobs] == [State.RUNNING], process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err
    (job,) = stage.jobs
    shown = preflight("jobs", "show", job.id, **stage.environment)
    assert "running" in shown.out
    assert "worked on by process  none" in shown.out
    (patient.home / "service" / "tasks" / "go").touch()
    outcome = stage.resume()
    assert outcome.code == 0, outcome.err
    assert len(stage.accepted) == 1
    assert stage.results


def test_a_job_that_is_worked_on_is_left_alone(patient: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, patient)
    process = start(stage)
    until(lambda: [job.state for job in stage.jobs] == [State.RUNNING], process)
    other = stage.resume()
    assert other.code == 0
    assert "nothing to go on with" in other.err
    forgotten = preflight("jobs", "forget", stage.jobs[0].id, "--force", **stage.environment)
    assert forgotten.code == 1
    assert str(process.pid) in forgotten.err
    (patient.home / "service" / "tasks" / "go").touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()


def test_a_split_between_deadline_and_result_is_bridged(patient: Settings, clip: Path, tmp_path: Path) -> None:
    stage = replace(scene(clip, tmp_path, patient), more={"PREFLIGHT_DEADLINE": "1"})
    outcome = stage.run()
    assert outcome.code == 6, outcome.err
    assert outcome.events[-1]["task_ids"] == stage.accepted
    (patient.home / "service" / "tasks" / "go").touch()
    outcome = replace(stage, more={}).resume()
    assert outcome.code == 0, outcome.err
    assert len(stage.accepted) == 1


def test_a_damaged_ledger_stops_before_anything_is_paid(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    stage.settings.ledger.write_bytes(b"no database at all " * 500)
    outcome = stage.run()
    assert outcome.code == 1
    assert "damaged" in outcome.err
    assert "mv " in outcome.err
    assert stage.accepted == []


def test_a_source_that_is_gone_is_told_and_the_job_kept(patient: Settings, clip: Path, tmp_path: Path) -> None:
    own = Path(shutil.copy(clip, tmp_path / "own.mp4"))
    stage = replace(scene(own, tmp_path, patient), more={"PREFLIGHT_DEADLINE": "1"})
    assert stage.run().code == 6
    (patient.home / "service" / "tasks" / "go").touch()
    own.unlink()
    outcome = replace(stage, more={}).resume()
    assert outcome.code == 3
    assert outcome.events[-1]["outcome"] == "rejected"
    assert stage.jobs[0].task_id == stage.accepted[0]
    shutil.copy(clip, own)
    assert replace(stage, more={}).resume().code == 0
    assert len(stage.accepted) == 1
