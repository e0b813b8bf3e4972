"""Many videos on one service: each is a run of its own, and a failed one does not stop the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from preflight import steps
from preflight.drive import Wait
from preflight.events import Listener, ignore
from preflight.job import Result
from preflight.ledger import Job, Ledger, State
from preflight.order import Order
from preflight.pipeline import Run
from preflight.settings import Settings


def run_many(
    paths: Sequence[Path],
    *,
    order: Order,
    settings: Settings,
    jobs: int = 1,
    listen: Callable[[Path], Listener] | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[Result]:
    """Take every video all the way, `jobs` at a time, and yield each result in the order of `paths`.

    The embedded service, when it is needed, is started once. `listen` gives a listener for the time of one video.
    Raises CancelledError when `cancel` is set; leaving the iterator stops what runs and keeps what is done.
    """
    names = unique_names(paths)
    tasks = [(path, replace(order, name=name)) for path, name in zip(paths, names, strict=True)]
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
        # The segments of a split video, and two jobs of one order, are one run.
        runs = dict.fromkeys((job.source, job.request) for job in chosen if ledger.holder(job.id) is None)
    tasks = [(source, Order.from_json(request)) for source, request in runs]
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
    tasks: Sequence[tuple[Path, Order]],
    *,
    settings: Settings,
    jobs: int,
    listen: Callable[[Path], Listener] | None,
    cancel: threading.Event | None,
) -> Iterator[Result]:
    cancel = cancel or threading.Event()
    if not tasks:
        return
    with (
        _Shared(settings) as shared,
        Ledger(settings.ledger) as ledger,
        ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="run") as pool,
    ):

        def one(number: int) -> Result:
            path, order = tasks[number]
            listener = listen(path) if listen else ignore
            run = Run(
                order=order,
                settings=settings,
                listener=listener,
                cancel=cancel,
                service=shared.service,
                wait=shared.wait,
                ledger=ledger,
            )
            return run.take(path)

        waiting: dict[int, Future[Result]] = {}
        upcoming = iter(range(len(tasks)))
        try:
            for due in range(len(tasks)):
                # Only as many as can run are handed in, so that a long list costs no memory and stops at once.
                for number in upcoming:
                    waiting[number] = pool.submit(one, number)
                    if len(waiting) > jobs:
                        break
                yield _result(waiting, due)
        finally:
            cancel.set()


def _result(waiting: dict[int, Future[Result]], due: int) -> Result:
    while not waiting[due].done():
        # A bounded wait lets Ctrl-C through on every platform.
        wait([waiting[due]], timeout=0.5, return_when=FIRST_COMPLETED)
    return waiting.pop(due).result()


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


class _Shared:
    """The service and the polling thread of a batch: each is started when it is first needed and stopped at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
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
                self._live = self._stack.enter_context(steps.service(self._settings))
        yield self._live

    def wait(self, live: Settings) -> Wait:
        """Return the function that waits for a task on the one polling thread."""
        from preflight.removal.waiting import Waiter

        with self._lock:
            if self._wait is None:
                self._wait = self._stack.enter_context(Waiter(live)).wait
        return self._wait
