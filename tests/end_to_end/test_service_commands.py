import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.server.stack import LocalStack, environment
from tests.end_to_end.cli import preflight
from tests.service_stack import local_stack, put


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    with local_stack(tmp_path / "service-home") as started:
        yield started


def test_submit_status_wait(stack: LocalStack, small_mp4: Path, tmp_path: Path) -> None:
    variables = environment(stack.settings)
    url = put(stack.settings, "clip.mp4", small_mp4.read_bytes()).reveal()
    submitted = preflight("submit", url, "--language", "zh", **variables)
    task_id = submitted.out.strip()
    assert (submitted.code, len(task_id)) == (0, 32)
    again = preflight("submit", url.replace("hush", "signed-anew"), "--language", "zh", "--json", **variables)
    assert [(event["task_id"], event["submitted"]) for event in again.events] == [(task_id, 0)]
    waited = preflight("wait", task_id, "-o", tmp_path / "out.mp4", "--json", **variables)
    assert (waited.code, waited.events[-1]["state"]) == (0, "done")
    assert (tmp_path / "out.mp4").read_bytes() == small_mp4.read_bytes()
    assert preflight("status", task_id, **variables).code == 0
    # A path would lose one of the URL's two slashes.
    assert [event["source"] for event in preflight("jobs", "--json", **variables).events] == [
        url.split("?")[0] + "?[hidden]"
    ]
    told = [submitted, again, waited]
    assert [t for t in told if "hush" in t.out + t.err or "token=" in t.out + t.err] == []


def test_a_task_that_nobody_knows_is_told_with_the_next_step(stack: LocalStack) -> None:
    asked = preflight("status", "nosuch", **environment(stack.settings))
    assert asked.code == 5
    assert "Check the task id" in asked.err


def test_account_without_a_bucket_is_enough_and_pays_itself(stack: LocalStack, tmp_path: Path) -> None:
    url = put(stack.settings, "clip.mp4", b"video").reveal()
    variables = environment(stack.settings) | {"PREFLIGHT_SERVICE": "auto", "PREFLIGHT_BUCKET": ""}
    submitted = preflight("submit", url, **variables, PREFLIGHT_HOME=str(tmp_path / "client"))
    assert submitted.code == 0
    assert (tmp_path / "service-home" / "service" / "tasks" / submitted.out.strip()).is_dir()


def test_pending_task_exits_with_6(tmp_path: Path) -> None:
    with local_stack(tmp_path / "service-home", engine="slow") as stack:
        variables = environment(stack.settings)
        task_id = preflight("submit", put(stack.settings, "clip.mp4", b"video").reveal(), **variables).out.strip()
        assert preflight("status", task_id, "--json", **variables).code == 6
        waited = preflight("wait", task_id, "--deadline", "0.1", "--json", **variables)
    assert (waited.code, waited.events[-1]["error"]) == (6, "DeadlineError")
    assert task_id in waited.err


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("AIDGE_ACCESS_KEY_SECRET", "wrong", 4),
        ("AIDGE_API_DOMAIN", "http://127.0.0.1:1", 5),
        ("AIDGE_API_DOMAIN", "ftp://127.0.0.1", 2),
    ],
)
def test_trouble_has_its_exit_code(stack: LocalStack, name: str, value: str, code: int) -> None:
    outcome = preflight("status", "any", **{**environment(stack.settings), name: value})
    assert outcome.code == code
    assert len(outcome.err.strip().splitlines()) == 1


def test_file_is_no_url() -> None:
    outcome = preflight("submit", "clip.mp4")
    assert (outcome.code, "preflight run FILE" in outcome.err) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_clean(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "preflight", "serve", "--port", "0", "--store-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        lines = [service.stdout.readline() for _ in range(9)]
        variables = dict(re.fullmatch(r"export (\w+)=(.*)\n", line).groups() for line in lines)  # type: ignore[union-attr, misc]
        assert preflight("status", "missing", **variables).code == 5
        service.send_signal(number)
        _, err = service.communicate(timeout=60)
    assert service.returncode in {130, 128 + number}
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(service.pid, 0)
