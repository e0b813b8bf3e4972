import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from preflight.errors import CancelledError, CredentialsError, GatewayError
from preflight.events import Progress
from preflight.model.job import RemovalOptions, TaskState
from preflight.removal import RemovalClient
from preflight.removal.poller import TaskPoller
from preflight.server.stack import LocalStack
from preflight.settings import Settings
from tests.service_stack import local_stack, put


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("home"), engine="slow") as started:
        yield started


@pytest.fixture
def settings(stack: LocalStack) -> Settings:
    return replace(stack.settings, poll_first=0.02, poll_last=0.05)


@pytest.fixture(scope="module")
def task_ids(stack: LocalStack) -> list[str]:
    url = put(stack.settings, "clip.mp4", b"video")
    with RemovalClient(stack.settings) as client:
        return [client.submit(url, RemovalOptions()).task_id for _ in range(5)]


def threads() -> int:
    return sum(thread.name.startswith("preflight-wait") for thread in threading.enumerate())


def test_waits_share_a_thread_and_end_on_their_own(
    settings: Settings, task_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A slow machine makes polls late as a slow network does.
    monkeypatch.setattr("preflight.removal.poller.LATE", 1e9)
    heard: list[Progress] = []
    with TaskPoller(settings) as waiter:
        futures = [waiter.watch(task_id, deadline=60, listener=heard.append) for task_id in task_ids]
        unknown = waiter.watch("missing", deadline=60)
        assert isinstance(unknown.exception(60), GatewayError)
        assert threads() == 1
        (settings.home / "service" / "tasks" / "go").touch()
        assert {future.result(60).state for future in futures} == {TaskState.DONE}
        (settings.home / "service" / "tasks" / "go").unlink()
    assert threads() == 0
    assert heard


def pending(settings: Settings) -> str:
    with RemovalClient(settings) as client:
        return client.submit(put(settings, "later.mp4", b"video"), RemovalOptions()).task_id


def test_cancel_ends_only_its_waits(settings: Settings) -> None:
    task_id, stop = pending(settings), threading.Event()
    with TaskPoller(settings) as waiter:
        stopped = waiter.watch(task_id, deadline=60, cancel=stop)
        going = waiter.watch(task_id, deadline=60, cancel=threading.Event())
        stop.set()
        assert isinstance(stopped.exception(60), CancelledError)
        assert not going.done()
    assert isinstance(going.exception(), CancelledError)


def test_listener_that_raises_ends_its_own_wait(settings: Settings) -> None:
    def bad(_: Progress) -> None:
        raise ZeroDivisionError

    with TaskPoller(settings) as waiter:
        assert isinstance(waiter.watch(pending(settings), deadline=60, listener=bad).exception(60), ZeroDivisionError)
        assert isinstance(waiter.watch("missing", deadline=60).exception(60), GatewayError)


def test_missing_account_is_said_at_once() -> None:
    with pytest.raises(CredentialsError, match="AIDGE_ACCESS_KEY_NAME"):
        TaskPoller(Settings(service="aidge"))


def test_slow_network_gets_more_threads(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.removal.poller.LATE", 0.05)
    query = RemovalClient.query

    def slow(self: RemovalClient, task_id: str) -> object:
        time.sleep(0.1)
        return query(self, task_id)

    monkeypatch.setattr(RemovalClient, "query", slow)
    with TaskPoller(settings) as waiter:
        futures = [waiter.watch("missing", deadline=60) for _ in range(30)]
        assert {type(future.exception(60)) for future in futures} == {GatewayError}
        assert 1 < threads() <= 8
