"""Many videos at once on a few threads: a video that only waits, for a task, a lease or its turn, has no thread."""

from __future__ import annotations

import heapq
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from preflight.errors import CancelledError, PreflightError
from preflight.model.job import Task
from preflight.settings import Settings
from preflight.workflow.steps import ForCall, Outcome, Outcomes, Returned, Steps, Until, Wait

if TYPE_CHECKING:
    from preflight.removal.poller import TaskPoller

WORKERS = max(4, os.cpu_count() or 1)
"""Videos that are worked on at the same moment. More would only take memory and processors from each other; any number
may be under way, waiting for the service."""

SIGNAL_INTERVAL = 0.25
"""Seconds. A signal that arrives between Python's last look for signals and the system call that waits is noticed when
that call returns, so no wait of the main thread is longer than this."""

_T = TypeVar("_T")


class Scheduler(Generic[_T]):
    """Runs the steps of many videos. A context manager; on exit everything stops, and what waits is closed.

    `cancel` is set on exit, so that running steps end soon. `before_close` is called when none runs any more, before
    those that wait are closed.
    """

    def __init__(
        self, cancel: threading.Event, *, workers: int | None = None, before_close: Callable[[], None] = lambda: None
    ) -> None:
        self._cancel = cancel
        self._before_close = before_close
        self._pool = ThreadPoolExecutor(max_workers=workers or WORKERS, thread_name_prefix="preflight-work")
        self._results: queue.SimpleQueue[Future[_T]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._live: set[Steps[_T]] = set()
        self._closing = False
        self._clock = _Clock()
        self._pollers: dict[Settings, TaskPoller] = {}
        self._calls: set[Future[Any]] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closing = True
        self._cancel.set()
        # What an executor works on has no effect that could be lost: it is left behind.
        for call in list(self._calls):
            call.cancel()
        # Steps that run see the flag; those that wait are only forgotten, and closed below.
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._clock.close()
        self._stack.close()
        self._before_close()
        for steps in self._live:
            steps.close()
        self._live.clear()

    def start(self, steps: Steps[_T]) -> None:
        """Begin the work on a video."""
        with self._lock:
            self._live.add(steps)
        self._continue(steps, ())

    def next_result(self) -> _T:
        """Return the result of the video that ends next, or raise what its steps raised."""
        while True:
            try:
                return self._results.get(timeout=SIGNAL_INTERVAL).result()
            except queue.Empty:
                if self._cancel.is_set():
                    raise CancelledError("Stopped on request.", hint="`preflight resume` continues.") from None

    def _continue(self, steps: Steps[_T], outcomes: Outcomes) -> None:
        with self._lock:
            if not self._closing:
                self._pool.submit(self._advance, steps, outcomes)

    def _advance(self, steps: Steps[_T], outcomes: Outcomes) -> None:
        """Take the steps to their next wait, in a worker thread."""
        ended: Future[_T] = Future()
        try:
            wait = steps.send(outcomes) if outcomes else next(steps)
            self._park(steps, wait)
        except StopIteration as end:
            ended.set_result(end.value)
        except BaseException as error:  # noqa: BLE001 - it is raised where the results are read
            ended.set_exception(error)
        else:
            return
        with self._lock:
            self._live.discard(steps)
        self._results.put(ended)

    def _park(self, steps: Steps[_T], wait: Wait) -> None:
        """Have the steps continued when what they wait for is there."""
        if isinstance(wait, Until):
            self._clock.call_at(wait.time, lambda: self._continue(steps, ()))
            return
        if isinstance(wait, ForCall):
            call = wait.submit()
            self._calls.add(call)
            call.add_done_callback(lambda ended: self._take_call(steps, ended))
            return
        poller = self._poller(wait.settings)
        gathered = _Gathered(len(wait.task_ids), lambda outcomes: self._continue(steps, outcomes))
        for number, task_id in enumerate(wait.task_ids):
            future = poller.watch(task_id, listener=wait.listener, cancel=self._cancel)
            future.add_done_callback(gathered.taker(number))

    def _take_call(self, steps: Steps[_T], ended: Future[Any]) -> None:
        self._calls.discard(ended)
        self._continue(steps, (Returned.of(ended),))

    def _poller(self, settings: Settings) -> TaskPoller:
        from preflight.removal.poller import TaskPoller

        with self._lock:
            if settings not in self._pollers:
                self._pollers[settings] = self._stack.enter_context(TaskPoller(settings))
            return self._pollers[settings]


class _Gathered:
    """Collects the outcomes of several tasks and passes them on when all are there."""

    def __init__(self, count: int, then: Callable[[Outcomes], None]) -> None:
        self._outcomes: list[Outcome | None] = [None] * count
        self._left = count
        self._then = then
        self._lock = threading.Lock()

    def taker(self, number: int) -> Callable[[Future[Task]], None]:
        """Return what takes the outcome of the task with this number."""

        def take(future: Future[Task]) -> None:
            error = future.exception()
            if error is None:
                outcome: Outcome = future.result()
            elif isinstance(error, PreflightError):
                outcome = error
            else:
                outcome = CancelledError(f"Stopped while waiting: {type(error).__name__}.")
            with self._lock:
                self._outcomes[number] = outcome
                self._left -= 1
                done = not self._left
            if done:
                self._then(tuple(outcome for outcome in self._outcomes if outcome is not None))

        return take


class _Clock:
    """Calls functions at their times, from one thread that is started when it is first needed."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._due, (when, next(self._count), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="preflight-clock", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closing and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._closing:
                    return
                call = heapq.heappop(self._due)[2]
            call()
