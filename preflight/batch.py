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
from preflight.pipeline import Order, Run
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
    cancel = cancel or threading.Event()
    names = unique_names(paths)
    with _Shared(settings) as shared, ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="run") as pool:

        def one(number: int) -> Result:
            path = paths[number]
            listener = listen(path) if listen else ignore
            own = replace(order, name=names[number])
            return Run(
                order=own,
                settings=settings,
                listener=listener,
                cancel=cancel,
                service=shared.service,
                wait=shared.wait,
            ).take(path)

        waiting: dict[int, Future[Result]] = {}
        upcoming = iter(range(len(paths)))
        try:
            for due in range(len(paths)):
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
