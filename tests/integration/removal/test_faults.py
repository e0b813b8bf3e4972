"""Every fault at every call: nothing is lost, nothing is submitted twice."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import DeadlineError, ServiceError, SubmitUnknownError, ToolError
from preflight.model.job import RemovalOptions, SecretUrl, TaskState
from preflight.removal import RemovalClient
from preflight.removal import download as fetching
from preflight.removal.poller import TaskPoller
from preflight.removal.submit_retry import send
from preflight.server.stack import LocalStack
from preflight.settings import Settings
from tests.faultproxy import BEFORE, HARMLESS, Fault, FaultProxy, Script, once, times
from tests.service_stack import local_stack, put

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 100
SUBMIT, QUERY, RESULT = "*/removal", "*/removal/result", "/results/*"

OFTEN = [pytest.param(1, id="once"), pytest.param(3, id="thrice", marks=pytest.mark.exhaustive)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture(scope="module")
def video(stack: LocalStack) -> SecretUrl:
    return put(stack.settings, "clip.mp4", VIDEO)


def accepted(stack: LocalStack) -> int:
    with closing(sqlite3.connect(stack.settings.home / "service" / "tasks.sqlite")) as database:
        return int(database.execute("SELECT count(*) FROM tasks").fetchone()[0])


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def proxied(stack: LocalStack, script: Script) -> FaultProxy:
    return FaultProxy(stack.settings.api_domain, script, silence=0.6, delay=0.05)


def through(stack: LocalStack, proxy: FaultProxy, fault: Fault | None = None, **changes: str) -> Settings:
    # Only where silence is the fault is the client impatient: a slow machine must not look like one.
    timeout = 0.3 if fault in {Fault.SWALLOW_REQUEST, Fault.SWALLOW_REPLY} else 20.0
    quick = replace(stack.settings, api_domain=proxy.url, request_timeout=timeout, poll_first=0.03, poll_last=0.05)
    return replace(quick, **changes)  # type: ignore[arg-type]


def is_video(path: Path) -> None:
    if path.read_bytes()[4:8] != b"ftyp":
        raise ToolError("The result is not a video.")


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("form", ["flat", pytest.param("nested", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_fault_at_submit(stack: LocalStack, video: SecretUrl, fault: Fault, form: str, method: str) -> None:
    before = accepted(stack)
    with proxied(stack, once(SUBMIT, fault)) as proxy:
        settings = through(stack, proxy, fault, http_method=method, request_form=form)
        with RemovalClient(settings) as client:
            try:
                task = send(client, video, RemovalOptions())
            except SubmitUnknownError:
                assert fault not in {*HARMLESS, Fault.ANSWER_429}
                assert len(proxy.requests(SUBMIT)) == 1
                if fault not in BEFORE:
                    # The client may lose its patience before the service has taken what was passed on to it.
                    until(lambda: accepted(stack) > before)
                assert accepted(stack) - before == (0 if fault in BEFORE else 1)
            else:
                assert fault in {*HARMLESS, Fault.ANSWER_429, Fault.DUPLICATE_REQUEST}
                assert len(proxy.requests(SUBMIT)) == (2 if fault is Fault.ANSWER_429 else 1)
                # A network that copies a request is beyond any client: this API knows no idempotency key.
                assert accepted(stack) - before == (2 if fault is Fault.DUPLICATE_REQUEST else 1)
                assert client.wait(task.task_id, deadline=30).state is TaskState.DONE


@pytest.mark.parametrize("last", OFTEN)
@pytest.mark.parametrize("way", ["wait", "watch"])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_fault_at_query(stack: LocalStack, video: SecretUrl, fault: Fault, way: str, last: int) -> None:
    before = accepted(stack)
    with proxied(stack, times(QUERY, fault, last=last)) as proxy:
        with RemovalClient(through(stack, proxy)) as client:
            task_id = send(client, video, RemovalOptions()).task_id
        settings = through(stack, proxy, fault)
        with RemovalClient(settings) as client, TaskPoller(settings) as waiter:
            wait = client.wait if way == "wait" else waiter.wait
            assert wait(task_id, deadline=60).state is TaskState.DONE
        assert accepted(stack) - before == len(proxy.requests(SUBMIT)) == 1


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in {*HARMLESS, Fault.DUPLICATE_REQUEST}])
def test_service_that_stays_faulty_leaves_the_job_pending(stack: LocalStack, video: SecretUrl, fault: Fault) -> None:
    with proxied(stack, times(QUERY, fault)) as proxy:
        with RemovalClient(through(stack, proxy)) as client:
            task_id = send(client, video, RemovalOptions()).task_id
        with RemovalClient(through(stack, proxy, fault)) as client, pytest.raises(DeadlineError) as caught:
            client.wait(task_id, deadline=0.2)
        assert caught.value.task_id == task_id
        assert len(proxy.requests(SUBMIT)) == 1


@pytest.mark.parametrize("last", OFTEN)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_fault_at_fetch(
    stack: LocalStack, video: SecretUrl, fault: Fault, last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_pause", lambda *_: None)
    with proxied(stack, times(RESULT, fault, last=last)) as proxy:
        with RemovalClient(through(stack, proxy)) as client:
            url = client.wait(send(client, video, RemovalOptions()).task_id, deadline=30).video_url
        assert url is not None
        for _ in range(last + 1):
            # Only bytes that are well-formed HTTP and not a video get past the transfer; the caller's check stops them.
            try:
                file = fetching.fetch(url, tmp_path / "out.mp4", accept=is_video)
            except (ToolError, ServiceError):
                assert fault in {Fault.GARBLE_REPLY, Fault.HTML_REPLY}
                assert list(tmp_path.iterdir()) == []
            else:
                break
        assert file.read_bytes() == VIDEO
        assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
        assert len(proxy.requests(SUBMIT)) == 1
