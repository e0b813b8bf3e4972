import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import JobFailedError, RateLimitError, ServiceError
from preflight.model.job import RemovalOptions, TaskState
from preflight.removal import RemovalClient, submit_retry
from preflight.removal.rate import RateLimiter, SubmitRate
from preflight.server import engine_runner as runner_module
from preflight.server import service as service_module
from preflight.server.task_store import TaskStore
from tests.service_stack import local_stack, put

VIDEO = b"video" * 100


def until(true: Callable[[], object]) -> None:
    for _ in range(1500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


@pytest.fixture
def _short_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    made = service_module.ServiceConfig

    def short(**values: object) -> object:
        return made(**values, queue_limit=2)  # type: ignore[arg-type]

    monkeypatch.setattr(service_module, "ServiceConfig", short)


@pytest.mark.usefixtures("_short_queue")
def test_full_queue_is_a_rate_limit_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit_retry, "LONGEST_PAUSE", 0.2)
    with local_stack(tmp_path, engine="slow") as stack, RemovalClient(stack.settings) as client:
        monkeypatch.setattr(client, "limiter", RateLimiter())
        url = put(stack.settings, "clip.mp4", VIDEO)
        tasks = [client.submit(url, RemovalOptions()).task_id for _ in range(2)]
        with pytest.raises(RateLimitError) as caught:
            client.submit(url, RemovalOptions())
        assert (caught.value.code, caught.value.retry_after) == (501, 5)
        # The third is sent again by itself until there is room, and all three are done.
        with ThreadPoolExecutor(1) as beside:
            third = beside.submit(submit_retry.send, client, url, RemovalOptions())
            until(lambda: client.limiter.rate.pauses > 0)
            (tmp_path / "service" / "tasks" / "go").touch()
            tasks.append(third.result().task_id)
        assert {client.wait(task, deadline=60).state for task in tasks} == {TaskState.DONE}
        assert client.limiter.rate.interval > SubmitRate().interval * 0.9


def test_states_follow_each_other(tmp_path: Path) -> None:
    go = tmp_path / "service" / "tasks" / "go"
    with local_stack(tmp_path, engine="slow") as stack, RemovalClient(stack.settings) as client:
        url = put(stack.settings, "clip.mp4", VIDEO)
        first, second = (client.submit(url, RemovalOptions()).task_id for _ in range(2))
        until(lambda: client.query(first).progress == 0.25)
        assert (client.query(first).status, client.query(second).status) == ("running", "submitted")
        go.touch()
        assert {client.wait(task, deadline=60).status for task in (first, second)} == {"finished"}


def test_disk_holds_results_only(tmp_path: Path) -> None:
    with local_stack(tmp_path) as stack, RemovalClient(stack.settings) as client:
        task_id = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
        client.wait(task_id, deadline=60)
    kept = [path.relative_to(tmp_path / "service" / "tasks") for path in (tmp_path / "service").glob("tasks/*/*")]
    assert kept == [Path(task_id) / "result.mp4"]
    assert list((tmp_path / "service" / "owners").iterdir()) == []


def test_what_is_old_or_orphaned_is_cleaned(tmp_path: Path) -> None:
    with local_stack(tmp_path) as stack, RemovalClient(stack.settings) as client:
        url = put(stack.settings, "clip.mp4", VIDEO)
        tasks = [client.submit(url, RemovalOptions()).task_id for _ in range(2)]
        for task_id in tasks:
            client.wait(task_id, deadline=60)
    folder = tmp_path / "service" / "tasks"
    orphan = folder / "from-a-crash"
    orphan.mkdir()
    for path in (orphan, folder / tasks[0]):
        os.utime(path, (time.time() - 8000, time.time() - 8000))
    with closing(sqlite3.connect(tmp_path / "service" / "tasks.sqlite", isolation_level=None)) as database:
        database.execute("UPDATE tasks SET created = created - 8 * 86400 WHERE id = ?", (tasks[0],))
    with local_stack(tmp_path):
        assert [path.name for path in folder.iterdir()] == [tasks[1]]


def test_hung_worker_is_killed_and_the_task_fails_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module.Runner.__init__, "__kwdefaults__", {"entry": "", "silence": 0.1})
    with local_stack(tmp_path, engine="slow") as stack, RemovalClient(stack.settings) as client:
        task_id = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
        with pytest.raises(JobFailedError, match="died"):
            client.wait(task_id, deadline=120)


def test_killed_worker_is_replaced(tmp_path: Path) -> None:
    tasks = tmp_path / "service" / "tasks"
    with local_stack(tmp_path, engine="slow") as stack, RemovalClient(stack.settings) as client:
        task_id = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
        until((tasks / task_id / "pid").exists)
        first = int((tasks / task_id / "pid").read_text())
        os.kill(first, 9)
        until(lambda: int((tasks / task_id / "pid").read_text() or first) != first)
        (tasks / task_id / "scratch").mkdir()
        (tasks / "go").touch()
        assert client.wait(task_id, deadline=60).state is TaskState.DONE
        until(lambda: [path.name for path in (tasks / task_id).iterdir()] == ["result.mp4"])


def test_task_is_taken_again_after_trouble_with_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, troubles = TaskStore.finish, [sqlite3.OperationalError("database or disk is full")]

    def full_once(self: TaskStore, task_id: str, quality: dict[str, object]) -> None:
        if troubles:
            raise troubles.pop()
        finish(self, task_id, quality)

    monkeypatch.setattr(TaskStore, "finish", full_once)
    with local_stack(tmp_path) as stack, RemovalClient(stack.settings) as client:
        task_id = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
        assert client.wait(task_id, deadline=60).state is TaskState.DONE


def test_broken_service_answers_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with local_stack(tmp_path) as stack, RemovalClient(stack.settings) as client:
        monkeypatch.setattr(TaskStore, "get", broken)
        with pytest.raises(ServiceError, match="500") as caught:
            client.query("any")
        assert caught.value.retryable
        monkeypatch.undo()


def test_many_submits_at_once_are_each_one_task(tmp_path: Path) -> None:
    found: list[str] = []
    with local_stack(tmp_path) as stack:
        url = put(stack.settings, "clip.mp4", VIDEO)

        def one() -> None:
            with RemovalClient(stack.settings) as client:
                task = client.submit(url, RemovalOptions())
                found.append(client.wait(task.task_id, deadline=60).task_id)

        threads = [threading.Thread(target=one) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(found)) == 12


def test_slow_submits_do_not_hold_up_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources that come slowly take every place for submits; a query is answered at once, a further submit refused."""
    go, real = threading.Event(), service_module.download

    def slow(*arguments: Any, **options: Any) -> None:
        assert go.wait(60)
        real(*arguments, **options)

    with local_stack(tmp_path, engine="slow") as stack, RemovalClient(stack.settings) as client:
        url = put(stack.settings, "clip.mp4", VIDEO)
        first = client.submit(url, RemovalOptions()).task_id
        monkeypatch.setattr(service_module, "download", slow)
        places = service_module.SUBMITS

        def submit(_: int) -> str:
            with RemovalClient(stack.settings) as own:
                return own.submit(url, RemovalOptions()).task_id

        with ThreadPoolExecutor(places) as beside:
            held = beside.map(submit, range(places))
            until(lambda: len(list((tmp_path / "service" / "tasks").iterdir())) > places)
            begun = time.monotonic()
            assert client.query(first).state is TaskState.PENDING
            with pytest.raises(RateLimitError):
                client.submit(url, RemovalOptions())
            assert time.monotonic() - begun < 5
            go.set()
            assert len({first, *held}) == places + 1


def test_task_files_are_private(tmp_path: Path) -> None:
    store = TaskStore(tmp_path / "home")
    try:
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "home").iterdir()}
        modes["a task"] = store.folder("a").stat().st_mode & 0o777
    finally:
        store.close()
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
