"""Steps of many videos on few threads."""

import threading
import time
from collections.abc import Iterator

import pytest

from preflight.errors import CancelledError, ToolError
from preflight.events import Progress, Stage
from preflight.workflow.scheduler import Scheduler
from preflight.workflow.steps import Steps, Until, complete, guarded


@pytest.fixture
def cancel() -> Iterator[threading.Event]:
    flag = threading.Event()
    yield flag
    flag.set()


def sleeper(name: str, seconds: float, threads: set[str]) -> Steps[str]:
    threads.add(threading.current_thread().name)
    yield Until(time=time.monotonic() + seconds)
    threads.add(threading.current_thread().name)
    return name


def test_waiting_videos_have_no_thread(cancel: threading.Event) -> None:
    threads: set[str] = set()
    with Scheduler[str](cancel, workers=2) as scheduler:
        start = time.monotonic()
        for number in range(50):
            scheduler.start(sleeper(str(number), 0.5, threads))
        found = {scheduler.next_result() for _ in range(50)}
    # One after the other, or two at a time, they would take at least 12 s.
    assert time.monotonic() - start < 10
    assert found == {str(number) for number in range(50)}
    assert len(threads) <= 2


def test_what_ends_first_is_returned_first(cancel: threading.Event) -> None:
    with Scheduler[str](cancel) as scheduler:
        for name, seconds in (("late", 1.0), ("early", 0.0)):
            scheduler.start(sleeper(name, seconds, set()))
        assert [scheduler.next_result() for _ in range(2)] == ["early", "late"]


def test_error_is_raised_where_the_result_is_read(cancel: threading.Event) -> None:
    def broken() -> Steps[str]:
        yield Until(time=0.0)
        raise ToolError("broken")

    with Scheduler[str](cancel) as scheduler:
        scheduler.start(broken())
        with pytest.raises(ToolError, match="broken"):
            scheduler.next_result()


def test_leaving_closes_what_waits_after_what_runs(cancel: threading.Event) -> None:
    events: list[str] = []
    begun = threading.Semaphore(0)

    def waiting() -> Steps[str]:
        begun.release()
        try:
            yield Until(time=time.monotonic() + 1e6)
        finally:
            events.append("closed")
        return ""

    def running() -> Steps[str]:
        begun.release()
        cancel.wait(30)
        events.append("ended")
        return ""
        yield Until(time=0.0)

    with Scheduler[str](cancel, workers=2, before_close=lambda: events.append("before close")) as scheduler:
        scheduler.start(waiting())
        scheduler.start(running())
        # Steps that have not begun are dropped without a trace.
        assert begun.acquire(timeout=30)
        assert begun.acquire(timeout=30)
    assert events == ["ended", "before close", "closed"]


def test_set_flag_ends_a_wait_for_results(cancel: threading.Event) -> None:
    with Scheduler[str](cancel) as scheduler:
        scheduler.start(sleeper("never", 1e6, set()))
        threading.Timer(0.1, cancel.set).start()
        with pytest.raises(CancelledError):
            scheduler.next_result()


def test_single_video_waits_in_its_own_thread(cancel: threading.Event) -> None:
    threads: set[str] = set()
    assert complete(sleeper("one", 0.01, threads), cancel=cancel) == "one"
    assert threads == {threading.current_thread().name}
    cancel.set()
    with pytest.raises(CancelledError, match="waiting"):
        complete(sleeper("one", 1e6, threads), cancel=cancel)


def test_failing_listener_is_muted_unless_it_stops_the_work() -> None:
    def listen(progress: Progress) -> None:
        raise ToolError("stop") if progress.done else KeyError("bug")

    safe = guarded(listen)
    safe(Progress(stage=Stage.WAIT, done=0))
    with pytest.raises(ToolError):
        safe(Progress(stage=Stage.WAIT, done=1))
