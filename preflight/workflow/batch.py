"""Many videos on one service: each is a run of its own, and a failed one does not stop the others."""

from __future__ import annotations

import os
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from preflight import api
from preflight.errors import CancelledError
from preflight.events import Listener, ignore
from preflight.ledger import Job, Ledger, State
from preflight.model.job import Result, Task
from preflight.settings import Settings
from preflight.workflow.job_driver import Wait
from preflight.workflow.request import RunRequest
from preflight.workflow.run import Run

HANDS = max(4, os.cpu_count() or 1)
"""Videos that are worked on at the same moment at the most: more would only take memory and processors from each other.

Any number more may be under way, waiting for the service.
"""

_TICK = 0.5
_PATIENCE = 2.0
"""Seconds after which the caller, and a video without a hand, look whether they were stopped."""


def run_many(
    paths: Sequence[Path],
    *,
    request: RunRequest,
    settings: Settings,
    jobs: int = 1,
    listen: Callable[[Path], Listener] | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[Result]:
    """Take every video all the way, at most `jobs` under way at a time, and yield each result as soon as it is there.

    Results come in the order in which they end; `source` says whose each is. The embedded service, when it is needed,
    is started once. `listen` gives a listener for the time of one video.
    Raises CancelledError when `cancel` is set; leaving the iterator stops what runs and keeps what is done.
    """
    names = unique_names(paths)
    tasks = [(path, replace(request, name=name)) for path, name in zip(paths, names, strict=True)]
    return _take_all(tasks, settings=settings, jobs=jobs, listen=listen, cancel=cancel)


def resume(
    *,
    settings: Settings,
    jobs: int = 1,
    only: str | None = None,
    listen: Callable[[Path], Listener] | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[Result]:
    """Go on with every job that has not ended and that no living process works on; yield each video's result.

    `only` is the beginning of one job's id. Jobs whose submit has an unknown outcome are told, not sent again.
    """
    with Ledger(settings.ledger) as ledger:
        chosen = (ledger.get(only),) if only else unfinished(ledger, settings)
        # The segments of a split video, and two jobs of one request, are one run.
        runs = dict.fromkeys((job.source, job.request) for job in chosen if ledger.holder(job.id) is None)
    tasks = [(source, RunRequest.from_json(request)) for source, request in runs]
    return _take_all(tasks, settings=settings, jobs=jobs, listen=listen, cancel=cancel)


def unfinished(ledger: Ledger, settings: Settings) -> tuple[Job, ...]:
    """Return the jobs with something left to do: not ended, or fetched and not yet restored to where it was wished."""
    work = settings.home.absolute() / "work"
    return tuple(
        job
        for job in ledger.jobs(states=set(State) - {State.FAILED, State.CANCELLED})
        if job.state is not State.FETCHED or (job.file is not None and work in job.file.parents)
    )


def _take_all(
    tasks: Sequence[tuple[Path, RunRequest]],
    *,
    settings: Settings,
    jobs: int,
    listen: Callable[[Path], Listener] | None,
    cancel: threading.Event | None,
) -> Iterator[Result]:
    cancel = cancel or threading.Event()
    if not tasks:
        return
    hands = _Hands(HANDS, cancel)
    with (
        _Shared(settings, hands) as shared,
        Ledger(settings.ledger) as ledger,
        ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="run") as pool,
    ):

        def one(path: Path, request: RunRequest) -> Result:
            run = Run(
                request=request,
                settings=settings,
                listener=listen(path) if listen else ignore,
                cancel=cancel,
                service=shared.service,
                wait=shared.wait,
                aside=hands.aside,
                ledger=ledger,
            )
            with hands.busy():
                return run.process(path)

        ended: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
        try:
            for number, (path, request) in enumerate(tasks):
                # Only as many as may be under way are handed in, so that a long list costs no memory and stops at once.
                if number >= jobs:
                    yield _next(ended)
                pool.submit(one, path, request).add_done_callback(ended.put)
            for _ in tasks[:jobs]:
                yield _next(ended)
        finally:
            cancel.set()
            hands.dismiss(jobs)


def _next(ended: queue.SimpleQueue[Future[Result]]) -> Result:
    while True:
        try:
            # A bounded wait lets Ctrl-C through on every platform.
            return ended.get(timeout=_TICK).result()
        except queue.Empty:
            continue


def unique_names(paths: Sequence[Path]) -> tuple[str | None, ...]:
    """Return a name for the outputs of each path whose own name another one has too, None for the rest."""
    counts = Counter(path.stem for path in paths)
    seen: Counter[str] = Counter()
    names: list[str | None] = []
    for path in paths:
        seen[path.stem] += 1
        first = seen[path.stem] == 1
        names.append(None if counts[path.stem] == 1 or first else f"{path.stem}-{seen[path.stem]}")
    return tuple(names)


class _Hands:
    """Lets `count` videos be worked on at a time: one that only waits lays its hand down meanwhile."""

    def __init__(self, count: int, cancel: threading.Event) -> None:
        self._free = threading.Semaphore(count)
        self._cancel = cancel

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Work inside the block. Raises CancelledError when that is over before it begins."""
        self._take()
        try:
            yield
        finally:
            self._free.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Only wait inside the block, which stands in a `busy` one."""
        self._free.release()
        try:
            yield
        finally:
            self._take()

    def dismiss(self, waiting: int) -> None:
        """Wake up to `waiting` threads that wait for a hand, once the batch is cancelled."""
        self._free.release(waiting)

    def _take(self) -> None:
        while not self._free.acquire(timeout=_PATIENCE) or self._cancel.is_set():
            if self._cancel.is_set():
                raise CancelledError("Stopped on request.", hint="`preflight resume` goes on.")


class _Shared:
    """The service and the polling thread of a batch: each is started when it is first needed and stopped at the end."""

    def __init__(self, settings: Settings, hands: _Hands) -> None:
        self._settings = settings
        self._hands = hands
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._live: Settings | None = None
        self._wait: Wait | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def service(self, _: Settings) -> Iterator[Settings]:
        """Give the settings of the one service."""
        with self._lock:
            if self._live is None:
                self._live = self._stack.enter_context(api.service(self._settings))
        yield self._live

    def wait(self, live: Settings) -> Wait:
        """Return the function that waits for a task on the one polling thread."""
        from preflight.removal.poller import TaskPoller

        with self._lock:
            if self._wait is None:
                wait = self._stack.enter_context(TaskPoller(live)).wait

                def aside(task_id: str, **how: Any) -> Task:
                    with self._hands.aside():
                        return wait(task_id, **how)

                self._wait = aside
        return self._wait
