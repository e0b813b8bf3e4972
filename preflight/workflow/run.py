"""One video through all stages: check, fix, upload, submit, wait, fetch, restore."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from preflight import api, worker_secrets
from preflight.errors import CancelledError, InputError, PreflightError, UsageError
from preflight.events import Cancel, Listener, ignore
from preflight.ledger import ACCEPTED, Job, Ledger, State
from preflight.model.address import S3Address
from preflight.model.job import Failed, RemovalOptions, Result, Task
from preflight.model.plan import Policy
from preflight.settings import Settings, load_settings
from preflight.workflow.collection import collect, fetch, record_fetched, record_leased
from preflight.workflow.elsewhere import call_elsewhere
from preflight.workflow.job_driver import JobDriver, result_extension, unknown
from preflight.workflow.outcome import mismatched_result, outcome_of, succeeded_result
from preflight.workflow.output_paths import OutputPaths
from preflight.workflow.payment import (
    Paid,
    claim_steps,
    lease_steps,
    note_prepared,
    note_uploading,
    noted,
    paid_jobs,
    pay_steps,
)
from preflight.workflow.preparation import Inspected, Prepared, inspect, prepare, work_folder
from preflight.workflow.request import RunRequest
from preflight.workflow.steps import ForCall, Returned, Service, Steps, complete, guarded
from preflight.workflow.store_output import published

_T = TypeVar("_T")


def run(  # noqa: PLR0913 - all but the path are options
    path: Path | str,
    *,
    output: Path | str = ".",
    options: RemovalOptions | None = None,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
    executor: Executor | None = None,
) -> Result:
    """Remove the text of one video and put the cleaned file into a folder.

    The same content with the same parameters is never paid for twice: a known result is used again. What fails for
    this video is a value, not an exception; the next call, or `preflight resume`, continues.

    Args:
        path: The video.
        output: Folder for the cleaned file, its before/after picture and its JSON record; it is created if needed.
        options: What is removed. Default: English text that was added to the picture.
        policy: How much a fix may lose.
        trim: Only this part of the video, `(start, end)` in seconds.
        settings: Account, store and limits. Default: environment and `preflight.toml`; see `preflight.load_settings`.
        listener: Called with each `Progress`, possibly from another thread.
        cancel: A flag such as `threading.Event`; once it is set, the call raises CancelledError within seconds.
        executor: Does the media work: any `concurrent.futures.Executor`, such as a pool of processes. Default: threads
            of this process. What it gets is picklable and holds no secret: workers on this machine find the secrets in
            the state folder, others need them in their environment. Only threads report progress.

    Returns:
        `Succeeded` with the cleaned file, or `Skipped`, `Rejected`, `Mismatched`, `Failed`, `Pending` or `Unknown`.

    Raises:
        UsageError: An argument is wrong; the message names it.
        CancelledError: `cancel` was set. Nothing is lost.

    Example:
        >>> result = run("clip.mp4", output="cleaned", options=RemovalOptions(language="en"))
        >>> match result:
        ...     case Succeeded(file=file):
        ...         print(file)
    """
    request = RunRequest(
        output=api.require_path(output, "output"), options=options or RemovalOptions(), policy=policy, trim=trim
    )
    settings = checked_settings(settings)
    video = VideoRun(request=request, settings=settings, listener=listener, cancel=cancel, executor=executor)
    return video.process(api.require_path(path, "path"))


def checked_settings(settings: Settings | None) -> Settings:
    """Return the settings, loaded when none are given. Raises UsageError."""
    if settings is not None and not isinstance(settings, Settings):
        raise UsageError(f"settings is {settings!r}, not Settings.", hint="Use preflight.load_settings().")
    return settings or load_settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRun:
    """What it takes to process a video: the request, where it is recorded, and how its service is reached.

    `service` is a context manager that yields settings with a reachable service; `ledger` is an open one that is
    shared with other videos; `executor` does the media work (`inspect`, `prepare`, `collect`), None: the thread that
    takes the steps.
    """

    request: RunRequest
    settings: Settings
    listener: Listener = ignore
    cancel: Cancel | None = None
    service: Service = api.service
    ledger: Ledger | None = None
    executor: Executor | None = None

    def process(self, path: Path) -> Result:
        """Take the video at `path` through all stages in this thread."""
        return complete(self.steps(path), cancel=self.cancel)

    def steps(self, path: Path) -> Steps[Result]:
        """Take the video at `path` through all stages; yield while there is only something to wait for."""
        safe = replace(self, listener=guarded(self.listener))
        return (yield from outcome_of(path, safe._steps(path)))  # noqa: SLF001 - of this class

    def _steps(self, path: Path) -> Steps[Result]:
        if paid := self._paid_without_source(path):
            return (yield from self._salvage(path, paid))
        with ExitStack() as stack:
            if S3Address.parse(path) and not self._is_in_process:
                stack.enter_context(worker_secrets.shared(self.settings.to_dict()))
            inspected = yield from self._media(inspect, path, self.request, settings=self.settings)
        if not isinstance(inspected, Inspected):
            return inspected
        return (yield from self._clean(inspected))

    def _media(self, work: Callable[..., _T], *arguments: object, **options: object) -> Steps[_T]:
        """Have the executor do a piece of work that no ledger has to know of."""
        if self.executor is None:
            return work(*arguments, **options, listener=self.listener, cancel=self.cancel)
        if self._is_in_process:
            options |= {"listener": self.listener, "cancel": self.cancel}
        else:
            work = partial(call_elsewhere, work)
        (returned,) = yield ForCall(call=partial(work, *arguments, **options), executor=self.executor)
        assert isinstance(returned, Returned)  # noqa: S101 - see `Outcomes`
        if returned.error is not None:
            raise returned.error
        value: _T = returned.value
        return value

    def _clean(self, inspected: Inspected) -> Steps[Result]:
        """Carry the plan out, and all that follows. Raises what `outcome_of` makes a value of."""
        outputs = inspected.outputs(self.settings.home)
        with self._ledger() as ledger, ExitStack() as stack:
            if (known := self._known(outputs, inspected, ledger.find(*inspected.identity))) is not None:
                return known
            api.require_service(self.settings)
            if inspected.destination is None:
                outputs.require_writable()
            jobs = yield from claim_steps(
                ledger, inspected, stack, deadline=self.settings.deadline, listener=self.listener
            )
            # Another process may have finished them while this one waited for the leases.
            if (known := self._known(outputs, inspected, jobs)) is not None:
                return known
            if all(job.state is State.UNKNOWN for job in jobs):
                # Nothing may be sent before a person has settled them, so nothing is made ready either.
                raise unknown(jobs[0])
            live = stack.enter_context(self.service(self.settings))
            if not self._is_in_process:
                stack.enter_context(worker_secrets.shared(live.to_dict()))
            paid, troubles = yield from self._pay(ledger, jobs, inspected, live)
            driver = self._driver(ledger, live)
            ended, results, failures = yield from wait_steps(driver, paid.jobs, outputs.work)
            if troubles or failures:
                yield from self._keep(ledger, ended, results, outputs.work, live)
                raise [*troubles, *failures][0]
            paid = replace(paid, jobs=tuple(ended))
            target = _reserved(ledger, paid, results, outputs)
            collected = yield from self._media(collect, paid, results, target=target, settings=live)
            return record_leased(ledger, ended, collected, live)

    def _known(self, outputs: OutputPaths, inspected: Inspected, jobs: Sequence[Job]) -> Result | None:
        if inspected.destination is not None and (file := published(jobs, settings=self.settings)) is not None:
            return succeeded_result(inspected.source, file, jobs)
        return known_result(outputs, inspected.source, jobs)

    def _pay(
        self, ledger: Ledger, jobs: list[Job], inspected: Inspected, live: Settings
    ) -> Steps[tuple[Paid, list[PreflightError]]]:
        """Fix, upload and submit what was not accepted before."""
        from preflight.storage.store import open_store

        settled = frozenset(job.segment for job in jobs if job.state in ACCEPTED or job.state is State.UNKNOWN)
        options: dict[str, Any] = {"settings": live, "accepted": settled}
        if self._is_in_process:
            options |= {"checkpoint": ledger.uploads, "on_fixed": lambda _: note_uploading(ledger, jobs)}
        with ExitStack() as uploading:
            if len(settled) < len(jobs):
                # One client of the store for the upload and the signatures.
                uploading.enter_context(open_store(live))
            with noted(ledger, jobs):
                prepared = yield from self._media(prepare, inspected, **options)
            assert isinstance(prepared, Prepared)  # noqa: S101 - what is inspected is neither rejected nor skipped
            jobs = note_prepared(ledger, [ledger.get(job.id) for job in jobs], prepared)
            return (yield from pay_steps(self._driver(ledger, live), prepared, jobs))

    def _keep(
        self, ledger: Ledger, jobs: list[Job], results: list[Task | Path], work: Path, live: Settings
    ) -> Steps[list[Job]]:
        """Fetch what is done of a video of which another part failed, so that it is there once that one is."""
        parts = yield from self._media(fetch, jobs, results, work, settings=live)
        return record_fetched(ledger, jobs, parts, live)

    def _salvage(self, path: Path, jobs: list[Job]) -> Steps[Result]:
        """Fetch what is paid for although its source is gone. The jobs stay unfinished: the source may come back."""
        outputs = OutputPaths(
            folder=self.request.output,
            work=work_folder(self.settings.home, jobs[0].group),
            stem=self.request.name or path.stem,
        )
        with self._ledger() as ledger, ExitStack() as leases, self.service(self.settings) as live:
            held = []
            for job in jobs:
                leased = yield from lease_steps(
                    ledger, job, leases, deadline=self.settings.deadline, listener=self.listener
                )
                held.append(leased)
            ended, results, failures = yield from wait_steps(self._driver(ledger, live), held, outputs.work)
            kept = yield from self._keep(ledger, ended, results, outputs.work, live)
            if failures:
                raise failures[0]
            files = [outputs.keep_fetched(job) for job in kept]
        error = InputError(
            f"{path} is gone. What the service made of it is in {', '.join(map(str, files))}, without what comes from "
            "the source: its sound, subtitles, metadata and what a fix had changed.",
            hint="Bring the source back and run `preflight resume`: nothing is paid for again.",
        )
        return Failed(source=path, error=error)

    def _paid_without_source(self, path: Path) -> list[Job]:
        """Return the accepted, unfinished jobs of this request on a source that is gone; none when it is there."""
        if os.path.lexists(path) or S3Address.parse(path) or not self.settings.ledger.exists():
            return []
        with self._ledger() as ledger:
            return paid_jobs(ledger, path, self.request.to_json())

    @property
    def _is_in_process(self) -> bool:
        """Whether media work can use this process's ledger, listener and cancel flag."""
        return self.executor is None or isinstance(self.executor, ThreadPoolExecutor)

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        if self.ledger is not None:
            yield self.ledger
        else:
            with Ledger(self.settings.ledger) as ledger:
                yield ledger

    def _driver(self, ledger: Ledger, live: Settings) -> JobDriver:
        from preflight.removal import RemovalClient

        return JobDriver(
            ledger=ledger,
            settings=live,
            client=RemovalClient(live),
            options=self.request.options,
            listener=self.listener,
            cancel=self.cancel,
        )


def known_result(outputs: OutputPaths, source: Path, jobs: Sequence[Job]) -> Result | None:
    """Return the result that these jobs have led to before, or None when there is something left to do."""
    bad = [job for job in jobs if job.state is State.MISMATCHED]
    if bad:
        return mismatched_result(source, bad)
    file = outputs.finished(jobs)
    return None if file is None else succeeded_result(source, file, jobs)


def wait_steps(
    driver: JobDriver, jobs: Sequence[Job], work: Path
) -> Steps[tuple[list[Job], list[Task | Path], list[PreflightError]]]:
    """Wait for accepted, leased jobs.

    Returns the jobs that are done, for each its task or the file in `work` to which it was fetched before, and the
    errors of the others. Raises CancelledError.
    """
    there: dict[str, Path] = {}
    waiting: list[Job] = []
    for job in jobs:
        if job.state is State.FETCHED and job.file is not None and job.file.parent == work and job.file.is_file():
            there[job.id] = job.file
        elif job.state is State.FETCHED:
            # A file elsewhere is the finished one: a kill between the segments' last moves leaves some of them there.
            waiting.append(driver.ledger.advance(job.id, State.DONE, cause="the fetched file is gone"))
        else:
            waiting.append(driver.begin_wait(job))
    outcomes = (yield driver.wait_for(*waiting)) if waiting else ()
    done: dict[str, tuple[Job, Task | Path]] = {job.id: (job, there[job.id]) for job in jobs if job.id in there}
    failures: list[PreflightError] = []
    for job, outcome in zip(waiting, outcomes, strict=True):
        try:
            done[job.id] = driver.end_wait(job, outcome)
        except CancelledError:
            raise
        except PreflightError as error:
            failures.append(error)
    ended = [done[job.id] for job in jobs if job.id in done]
    return [job for job, _ in ended], [result for _, result in ended], failures


def _reserved(ledger: Ledger, paid: Paid, results: Sequence[Task | Path], outputs: OutputPaths) -> Path:
    """Return where the finished file goes, known to the ledger: after a crash, and to runs that want the same name."""
    names = [each if isinstance(each, Path) else Path(f"result{result_extension(each)}") for each in results]
    extension = api.container(names, paid.prepared.fixed)
    for plain in (True, False):
        target = outputs.target(paid.jobs, extension, plain=plain)
        for job in paid.jobs:
            ledger.advance(job.id, job.state, cause="restoring", target=target)
        if not ledger.is_contested(target, paid.jobs[0].group):
            break
    return target
