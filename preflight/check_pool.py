"""The check of any number of files, several at a time, in their order."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from preflight.checking import USUAL, Terms, check
from preflight.events import Listener, ignore
from preflight.model.address import S3Address
from preflight.model.report import Report
from preflight.probe import pooled_prober

_JOBS = 4
"""Highest default number of files checked at a time: memory grows with it, and more cores are rare."""
_AHEAD = 8
"""Files queued ahead for each of `jobs`, so that no worker is idle while another one has a slow file."""


_SIGNAL_INTERVAL = 0.25
"""Seconds. A signal that arrives between Python's last look for signals and the system call that waits is not noticed
before that call returns (1 of 2,500 interrupts, measured): so no wait of the main thread is longer than this."""


class _Task:
    """A file and the promise of its verdict."""

    __slots__ = ("path", "report")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.report: Future[Report] = Future()


_Tasks = SimpleQueue[_Task | None]
_Order = SimpleQueue[Future[Report] | None]


def check_many(
    paths: Iterable[Path | str],
    *,
    terms: Terms = USUAL,
    jobs: int | None = None,
    listen: Callable[[Path], Listener] = lambda _: ignore,
    elsewhere: Callable[[Path], Report] | None = None,
) -> Iterator[Report]:
    """Yield the verdict on each of `paths`, in their order, each as soon as it and those before it are known.

    `paths` may be endless: only some more than `jobs` (by default the number of cores, at most 4) are taken ahead.
    `elsewhere` checks addresses of objects in stores. Leaving the iterator stops what runs. Raises as `check` does.
    """
    count = jobs or min(_JOBS, os.cpu_count() or 1)
    cancel, free_places = threading.Event(), threading.Semaphore(_AHEAD * count)
    tasks, order = _Tasks(), _Order()
    work = partial(_work, tasks, terms, listen, cancel, elsewhere)
    workers = [threading.Thread(target=work, name=f"check-{number}", daemon=True) for number in range(count)]
    # Its own thread waits for the next path, so that a verdict is not kept back by a slow list.
    feeder = threading.Thread(target=_feed, args=(paths, tasks, order, free_places, cancel), daemon=True)
    for thread in (*workers, feeder):
        thread.start()
    try:
        while (future := _next(order)) is not None:
            report = _result(future)
            free_places.release()
            yield report
    finally:
        cancel.set()
        free_places.release()
        for _ in workers:
            tasks.put(None)
        for thread in workers:
            thread.join()


def _next(order: _Order) -> Future[Report] | None:
    while True:
        try:
            return order.get(timeout=_SIGNAL_INTERVAL)
        except Empty:
            continue


def _result(future: Future[Report]) -> Report:
    while not future.done():
        wait((future,), timeout=_SIGNAL_INTERVAL)
    return future.result()


def _feed(
    paths: Iterable[Path | str], tasks: _Tasks, order: _Order, free_places: threading.Semaphore, cancel: threading.Event
) -> None:
    """Hand in path after path, and at the end None; an error of the list itself is handed on as a failed verdict."""
    try:
        for path in paths:
            free_places.acquire()
            if cancel.is_set():
                return
            task = _Task(Path(path))
            order.put(task.report)
            tasks.put(task)
    except BaseException as error:  # noqa: BLE001 - it is raised where the verdicts are read
        failed: Future[Report] = Future()
        failed.set_exception(error)
        order.put(failed)
    order.put(None)


def _work(
    tasks: _Tasks,
    terms: Terms,
    listen: Callable[[Path], Listener],
    cancel: threading.Event,
    elsewhere: Callable[[Path], Report] | None,
) -> None:
    """Check one file after the other; a parser that has the next path already never waits for this thread."""
    brief = terms.deep is None and not terms.text
    with pooled_prober() as prober:
        task = tasks.get()
        while task is not None and not cancel.is_set():
            following = _waiting(tasks) if brief else None
            probe = partial(prober.probe, following=following.path if following else None)
            try:
                if elsewhere is not None and S3Address.parse(task.path) is not None:
                    report = elsewhere(task.path)
                else:
                    report = check(task.path, terms=terms, listener=listen(task.path), cancel=cancel, probe=probe)
            except BaseException as error:  # noqa: BLE001 - it is raised where the verdicts are read
                task.report.set_exception(error)
            else:
                task.report.set_result(report)
            task = following or tasks.get()


def _waiting(tasks: _Tasks) -> _Task | None:
    """Return a task that waits already; the None that ends a thread is left for its next look."""
    try:
        task = tasks.get_nowait()
    except Empty:
        return None
    if task is None:
        tasks.put(None)
    return task
