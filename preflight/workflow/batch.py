"""Many videos on one service: each has a result of its own, and a failed one does not stop the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from preflight import api
from preflight.errors import PreflightError, UsageError
from preflight.events import Listener, ignore
from preflight.ledger import Job, Ledger
from preflight.model.job import Failed, Result
from preflight.settings import Settings
from preflight.workflow import url_job
from preflight.workflow.request import RunRequest
from preflight.workflow.run import VideoRun, checked_settings
from preflight.workflow.scheduler import Scheduler
from preflight.workflow.steps import Steps

Starter = Callable[["_Shared"], Steps[Result]]
"""Begins the work on one video with what the batch shares."""


def run_many(
    paths: Iterable[Path | str],
    *,
    request: RunRequest | Callable[[Path], RunRequest] | None = None,
    settings: Settings | None = None,
    jobs: int = 1,
    listen: Callable[[Path], Listener] | None = None,
    cancel: threading.Event | None = None,
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Remove the text of many videos, several at a time, and yield each result as soon as it is known.

    The service on this machine, when it is needed, is started once. Leaving the iterator stops what runs and keeps what
    is done. Memory does not grow with the number of `paths`, which may be an iterator.

    Args:
        paths: The videos.
        request: What is removed, where results go, how much a fix may lose; or a function that gives this for a path.
            Default: `RunRequest()`, with results in the current folder. Videos of equal names get numbered results.
        settings: Account, store and limits. Default: environment and `preflight.toml`.
        jobs: Videos under way at a time. A few are worked on at one moment, the others wait for the service without a
            thread of their own, so that thousands are possible.
        listen: Gives a listener for the time of one video. It is called from several threads.
        cancel: Once it is set, the iterator raises CancelledError within seconds.
        executor: Does the media work: any `concurrent.futures.Executor`, such as a pool of processes. Default: threads
            of this process. What it gets is picklable and holds no secret: workers on this machine find the secrets in
            the state folder, others need them in their environment. Only threads report progress.

    Returns:
        The results in the order in which they end; `source` tells whose each is. Never an exception of one video.

    Raises:
        UsageError: An argument is wrong; the message names it. Raised by the call itself, not by the iterator.
        CancelledError: `cancel` was set.

    Example:
        >>> for result in run_many(Path("clips").glob("*.mp4"), request=RunRequest(output=Path("out")), jobs=8):
        ...     print(result.source, type(result).__name__)
    """
    if isinstance(paths, str | bytes | Path):
        raise UsageError(f"paths is {paths!r}, a single path.", hint="Give a list of paths, or use `run` for one.")
    if not isinstance(paths, Iterable):
        raise UsageError(f"paths is {paths!r}, which can't be iterated.", hint="Give a list of paths.")
    if request is not None and not isinstance(request, RunRequest) and not callable(request):
        raise UsageError(f"request is {request!r}, not a RunRequest.", hint="Use preflight.RunRequest(output=...).")
    api.require_count(jobs, "jobs")
    settings = checked_settings(settings)
    starters = _starters(paths, request or RunRequest(), settings, listen)
    return _process(starters, settings=settings, jobs=jobs, cancel=cancel, executor=executor)


def _starters(
    paths: Iterable[Path | str],
    request: RunRequest | Callable[[Path], RunRequest],
    settings: Settings,
    listen: Callable[[Path], Listener] | None,
) -> Generator[Starter, None, None]:
    namer = Namer()
    for given in paths:
        path = api.require_path(given, "paths")
        wanted = request if isinstance(request, RunRequest) else request(path)
        if wanted.name is None:
            wanted = replace(wanted, name=namer.name(wanted.output, path))
        yield _starter(path, wanted, settings, listen)


def _starter(path: Path, request: RunRequest, settings: Settings, listen: Callable[[Path], Listener] | None) -> Starter:
    def start(shared: _Shared) -> Steps[Result]:
        video = VideoRun(
            request=request,
            settings=settings,
            listener=listen(path) if listen else ignore,
            cancel=shared.cancel,
            service=shared.service,
            ledger=shared.ledger,
            executor=shared.executor,
        )
        return video.steps(path)

    return start


def resume(
    *,
    settings: Settings | None = None,
    jobs: int = 1,
    only: str | None = None,
    listen: Callable[[Path], Listener] | None = None,
    cancel: threading.Event | None = None,
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Continue every job that has something left to do and that no living process works on.

    Nothing that was accepted is submitted again, and a submit with an unknown outcome is reported, not repeated. What
    is wrong with one job is that job's result. With nothing to do, the cost does not depend on the number of jobs.

    Args:
        settings: As for `run_many`.
        jobs: Videos under way at a time.
        only: The beginning of one job's id; default: all jobs.
        listen: Gives a listener for the time of one video.
        cancel: Once it is set, the iterator raises CancelledError within seconds.
        executor: As for `run_many`.

    Returns:
        The result of each video, in the order in which they end.

    Raises:
        UsageError: No job, or more than one, has an id that starts with `only`.
        LedgerError: The ledger can't be read.
    """
    api.require_count(jobs, "jobs")
    settings = checked_settings(settings)
    chosen: tuple[Job, ...] | None = None
    if only is not None:
        with Ledger(settings.ledger) as ledger:
            chosen = (ledger.get(only),)
    return _process(
        _continued(chosen, settings, listen), settings=settings, jobs=jobs, cancel=cancel, executor=executor
    )


def _continued(
    chosen: tuple[Job, ...] | None, settings: Settings, listen: Callable[[Path], Listener] | None
) -> Generator[Starter, None, None]:
    """Yield one starter for each video with open jobs: the segments of a split video are one."""
    if not settings.ledger.exists():
        return
    with Ledger(settings.ledger) as ledger:
        seen: set[object] = set()
        for job in chosen if chosen is not None else ledger.iterate(only_open=True):
            # Two jobs of one URL may differ in a query that is not kept.
            video = job.id if url_job.is_url_job(job) else (job.source, job.request)
            if video not in seen and ledger.holder(job.id) is None:
                seen.add(video)
                yield _continue(job, settings, listen)


def _continue(job: Job, settings: Settings, listen: Callable[[Path], Listener] | None) -> Starter:
    listener = listen(Path(job.name)) if listen else ignore
    if url_job.is_url_job(job):
        return lambda shared: url_job.continue_steps(
            job,
            settings=settings,
            service=shared.service,
            ledger=shared.ledger,
            listener=listener,
            cancel=shared.cancel,
        )
    try:
        request = RunRequest.from_json(job.request)
    except PreflightError as error:
        return _failer(job.source, error)
    return _starter(job.source, request, settings, listen)


def _failer(source: Path, error: PreflightError) -> Starter:
    def start(_: _Shared) -> Steps[Result]:
        yield from ()
        return Failed(source=source, error=error)

    return start


def _process(
    starters: Generator[Starter, None, None],
    *,
    settings: Settings,
    jobs: int,
    cancel: threading.Event | None,
    executor: Executor | None,
) -> Iterator[Result]:
    """Start up to `jobs` videos, and another one for each that ends."""
    with closing(starters):
        first = next(starters, None)
        if first is None:
            return
        cancel = cancel or threading.Event()
        with (
            _Shared(settings, cancel, executor) as shared,
            Scheduler[Result](cancel, before_close=shared.ledger.release_all) as scheduler,
        ):
            scheduler.start(first(shared))
            under_way = 1
            while under_way:
                # Only as many are begun as may be under way, so that a long list costs no memory and stops at once.
                while under_way < jobs and (starter := next(starters, None)) is not None:
                    scheduler.start(starter(shared))
                    under_way += 1
                result = scheduler.next_result()
                under_way -= 1
                if (starter := next(starters, None)) is not None:
                    scheduler.start(starter(shared))
                    under_way += 1
                yield result


class Namer:
    """Gives the outputs of videos with equal names in one folder different names: clip, clip-2, clip-3."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[Path, str]] = Counter()

    def name(self, folder: Path, path: Path) -> str | None:
        """Return the name for the outputs of `path` in `folder`; None means its own."""
        self._seen[folder, path.stem] += 1
        number = self._seen[folder, path.stem]
        return None if number == 1 else f"{path.stem}-{number}"


class _Shared:
    """What all videos of a batch share: the ledger, and the service, which is started when it is first needed."""

    def __init__(self, settings: Settings, cancel: threading.Event, executor: Executor | None) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._live: Settings | None = None
        self.cancel = cancel
        self.executor = executor
        self.ledger = Ledger(settings.ledger)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.ledger.close()

    @contextmanager
    def service(self, _: Settings) -> Iterator[Settings]:
        """Yield the settings of the one service."""
        with self._lock:
            if self._live is None:
                self._live = self._stack.enter_context(api.service(self._settings))
        yield self._live
