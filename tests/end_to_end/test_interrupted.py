"""Runs that meet each other, are stopped by a person, or find their ledger, disk or clock in a bad state."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import clips
from preflight.ledger import State
from preflight.settings import Settings
from tests.end_to_end.cli import preflight
from tests.end_to_end.kills import Scene, digest, scene
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
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err
    assert json.loads(out.splitlines()[-1])["exit_code"] == 130
    (job,) = stage.jobs
    shown = preflight("jobs", "show", job.id, **stage.environment)
    assert "running" in shown.out
    assert "worked on by process  none" in shown.out
    (patient.home / "service" / "tasks" / "go").touch()
    outcome = stage.resume()
    assert outcome.code == 0, outcome.err
    assert len(stage.accepted) == 1
    assert stage.results


def test_what_is_paid_for_is_fetched_though_its_source_is_gone(patient: Settings, tmp_path: Path) -> None:
    source = clips.clip(tmp_path / "source" / "clip.mp4")
    stage = scene(source, tmp_path, patient)
    process = start(stage)
    until(lambda: [job.state for job in stage.jobs] == [State.RUNNING], process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    away = source.rename(tmp_path / "away.mp4")
    (patient.home / "service" / "tasks" / "go").touch()
    for _ in range(2):
        outcome = stage.resume()
        assert outcome.code == 3, (outcome.code, outcome.out, outcome.err)
        assert "clip.fetched.mp4" in outcome.out
        assert "sound, subtitles, metadata" in outcome.out
        # The stand-in engine gives back what was sent.
        assert stage.results == {"clip.fetched.mp4": digest(away)}
    away.rename(source)
    outcome = stage.resume()
    assert outcome.code == 0, outcome.err
    assert "clip.cleaned.mp4" in stage.results
    assert len(stage.accepted) == 1


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


@pytest.mark.parametrize("place", ["a file", "/proc/nowhere"])
def test_a_folder_that_takes_no_result_stops_before_anything_is_paid(
    stack: Settings, clip: Path, tmp_path: Path, place: str
) -> None:
    stage = scene(clip, tmp_path, stack)
    taken = tmp_path / "a file"
    taken.touch()
    outcome = preflight("run", clip, "-o", taken if place == "a file" else place, **stage.environment)
    assert outcome.code == 1
    assert "Choose another output folder" in outcome.err
    assert stage.accepted == []
    assert stage.run().code == 0
