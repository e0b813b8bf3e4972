"""One video through all stages: check, fix, upload, submit, wait, fetch, restore."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import (
    CancelledError,
    DeadlineError,
    ExitCode,
    InputError,
    JobBusyError,
    PreflightError,
    SubmitUnknownError,
    UsageError,
)
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.ledger import ACCEPTED, Job, Ledger, State, identify
from preflight.model.job import (
    Failed,
    Fixed,
    Mismatched,
    Pending,
    Rejected,
    RemovalOptions,
    Result,
    Skipped,
    Succeeded,
    Task,
    Unknown,
)
from preflight.model.plan import Plan, Policy
from preflight.model.report import Report
from preflight.serialize import jsonable
from preflight.settings import Settings, load_settings
from preflight.workflow.job_driver import JobDriver, problems_of
from preflight.workflow.output_paths import OutputPaths, picture_of
from preflight.workflow.request import RunRequest
from preflight.workflow.steps import Steps, Until, complete, guarded

Service = Callable[[Settings], AbstractContextManager[Settings]]
"""Gives settings whose service can be reached for the time of a `with` block."""

FIRST_LEASE_PAUSE = 0.25
"""Seconds before the second attempt to take a lease that another process holds."""

LONGEST_LEASE_PAUSE = 2.0
"""Seconds between later attempts, each pause being 1.5 times the one before."""


def run(
    path: Path | str,
    *,
    output: Path | str = ".",
    options: RemovalOptions | None = None,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
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
    video = VideoRun(request=request, settings=settings, listener=listener, cancel=cancel)
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
    shared with other videos.
    """

    request: RunRequest
    settings: Settings
    listener: Listener = ignore
    cancel: Cancel | None = None
    service: Service = api.service
    ledger: Ledger | None = None

    def process(self, path: Path) -> Result:
        """Take the video at `path` through all stages in this thread."""
        return complete(self.steps(path), cancel=self.cancel)

    def steps(self, path: Path) -> Steps[Result]:
        """Take the video at `path` through all stages; yield while there is only something to wait for."""
        safe = replace(self, listener=guarded(self.listener))
        return (yield from outcome_of(path, safe._steps(path)))  # noqa: SLF001 - of this class

    def _steps(self, path: Path) -> Steps[Result]:
        if paid := self._paid(path):
            return (yield from self._salvage(path, paid))
        report, plan = self.inspect(path)
        if plan.refusal is not None:
            return Rejected(source=path, codes=report.codes, reason=plan.refusal)
        if self.request.is_skipped(report.media):
            return Skipped(source=path)
        settled = replace(self, request=self.request.settled(report.media))
        return (yield from settled._clean(report, plan))  # noqa: SLF001 - of this class

    def inspect(self, path: Path) -> tuple[Report, Plan]:
        """Check the video and plan its fix, without any effect: all that a dry run does."""
        self.listener(Progress(stage=Stage.CHECK, done=0, total=1))
        report = api.check(path, limits=self.settings.limits, text=self.request.needs_text_detection)
        plan = api.plan(report, policy=self.request.policy, trim=self.request.trim, settings=self.settings)
        self.listener(Progress(stage=Stage.CHECK, done=1, total=1))
        return report, plan

    def _clean(self, report: Report, plan: Plan) -> Steps[Result]:
        """Carry the plan out, and all that follows. Raises what `outcome_of` makes a value of."""
        digest = api.digest(report.path, listener=self.listener, cancel=self.cancel)
        identity = (digest, f"{self.request.options.canonical()} {plan.key}", self.settings.account)
        outputs = OutputPaths(
            folder=self.request.output,
            work=self._work(identify(*identity)[1]),
            stem=self.request.name or report.path.stem,
        )
        with self._ledger() as ledger, ExitStack() as leases:
            if (known := self._known(outputs, report.path, ledger.find(*identity))) is not None:
                return known
            api.require_service(self.settings)
            outputs.require_writable()
            # What is under way is a copy of somebody's video, wherever the home is.
            outputs.work.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            jobs = yield from self._claim(ledger, identity, report.path, plan, leases)
            # Another process may have finished them while this one waited for the leases.
            if (known := self._known(outputs, report.path, jobs)) is not None:
                return known
            accepted = sum(job.state in ACCEPTED for job in jobs)
            fixed = _with_digest(self._fix(report, plan, outputs.work), digest)
            fresh = State.QUEUED
            jobs = [ledger.advance(j.id, State.FIXED, cause="fixed") if j.state is fresh else j for j in jobs]
            with self.service(self.settings) as live:
                driver = self._driver(ledger, live)
                jobs, tasks = yield from _remove(driver, jobs, fixed, outputs.work)
            submitted = len(jobs) - accepted
            if (mismatched := _compared(ledger, jobs, outputs, report.path)) is not None:
                return mismatched
            return self._finish(ledger, jobs, tasks, submitted, outputs, report, plan, fixed)

    def _known(self, outputs: OutputPaths, source: Path, jobs: tuple[Job, ...] | list[Job]) -> Result | None:
        """Return the result that these jobs have led to before, or None when there is something left to do."""
        bad = [job for job in jobs if job.state is State.MISMATCHED]
        if bad:
            return mismatched_result(source, bad)
        file = outputs.finished(jobs)
        return None if file is None else _succeeded(source, file, jobs)

    def _finish(
        self,
        ledger: Ledger,
        jobs: list[Job],
        tasks: list[Task],
        submitted: int,
        outputs: OutputPaths,
        report: Report,
        plan: Plan,
        fixed: Fixed,
    ) -> Succeeded:
        """Make the finished file; what can't be made beside it becomes a note."""
        cleaned = [job.file for job in jobs if job.file is not None]
        target = _reserved(ledger, jobs, outputs, api.container(cleaned, fixed))
        file = self._restore(cleaned, fixed, target)
        notes = Notes()
        with notes.of("The before/after picture could not be made"):
            api.picture(report.path, file, picture_of(file), settings=self.settings)
        reports = [task.quality for task in tasks if task.quality]
        quality = {"segments": reports} if len(reports) > 1 else next(iter(reports), None)
        result = _succeeded(report.path, file, jobs, submitted=submitted, quality=quality, notes=tuple(notes.texts))
        with notes.of("The JSON record could not be written"):
            content = {"result": jsonable(result), "report": jsonable(report), "plan": jsonable(plan)}
            outputs.write_record(file, content)
        for job in jobs:
            ledger.advance(job.id, State.FETCHED, cause="restored", file=file, target=file)
        with notes.of("The working files could not be removed"):
            outputs.settle_work(keep=self.settings.cache_size if self.settings.keep_fixed else 0)
        return replace(result, notes=tuple(notes.texts))

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        if self.ledger is not None:
            yield self.ledger
        else:
            with Ledger(self.settings.ledger) as ledger:
                yield ledger

    def _claim(
        self, ledger: Ledger, identity: tuple[str, str, str], path: Path, plan: Plan, leases: ExitStack
    ) -> Steps[list[Job]]:
        """Return the job of every segment, leased until `leases` closes, known to `resume` from here on."""
        jobs = []
        for number in range(1, len(plan.cuts) + 2):
            job = ledger.claim(
                *identity,
                source=path.absolute(),
                segment=number,
                segments=len(plan.cuts) + 1,
                request=self.request.to_json(),
            )
            jobs.append((yield from self._lease(ledger, job, leases)))
        again = {State.FAILED, State.CANCELLED}
        return [ledger.advance(j.id, State.QUEUED, cause="run again") if j.state in again else j for j in jobs]

    def _lease(self, ledger: Ledger, job: Job, leases: ExitStack) -> Steps[Job]:
        """Take the lease of a job, when another process holds it as soon as that one is done."""
        end, pause = time.monotonic() + self.settings.deadline, FIRST_LEASE_PAUSE
        while True:
            try:
                held = ledger.acquire(job.id)
            except JobBusyError as error:
                if time.monotonic() >= end:
                    raise
                if pause == FIRST_LEASE_PAUSE:
                    self.listener(Progress(stage=Stage.FIX, done=0, note=f"waiting: {error.message}"))
            else:
                leases.callback(ledger.release, job.id)
                return held
            yield Until(time=min(end, time.monotonic() + pause), reason="waiting for another process")
            pause = min(LONGEST_LEASE_PAUSE, pause * 1.5)

    def _fix(self, report: Report, plan: Plan, work: Path) -> Fixed:
        return api.act(plan, report, work, settings=self.settings, listener=self.listener, cancel=self.cancel)

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

    def _paid(self, path: Path) -> list[Job]:
        """Return the accepted, unfinished jobs of this request on a source that is gone; none when it is there."""
        if os.path.lexists(path) or not self.settings.ledger.exists():
            return []
        with self._ledger() as ledger:
            jobs = ledger.open_jobs_of(path.absolute())
        return [job for job in jobs if job.state in ACCEPTED and job.request == self.request.to_json()]

    def _work(self, group: str) -> Path:
        """The folder for what is under way: one for these parameters, since another run may be at the same video."""
        return self.settings.home.absolute() / "work" / group

    def _salvage(self, path: Path, jobs: list[Job]) -> Steps[Result]:
        """Fetch what is paid for although its source is gone. The jobs stay unfinished: the source may come back."""
        outputs = OutputPaths(
            folder=self.request.output, work=self._work(jobs[0].group), stem=self.request.name or path.stem
        )
        with self._ledger() as ledger, ExitStack() as leases, self.service(self.settings) as live:
            held = []
            for job in jobs:
                leased = yield from self._lease(ledger, job, leases)
                held.append(leased)
            ended, _ = yield from _collect(self._driver(ledger, live), held, outputs.work)
            files = [outputs.keep_fetched(job) for job in ended if job.file is not None]
        error = InputError(
            f"{path} is gone. What the service made of it is in {', '.join(map(str, files))}, without what comes from "
            "the source: its sound, subtitles, metadata and what a fix had changed.",
            hint="Bring the source back and run `preflight resume`: nothing is paid for again.",
        )
        return Failed(source=path, error=error)

    def _restore(self, cleaned: list[Path], fixed: Fixed, target: Path) -> Path:
        file = api.restore(
            cleaned,
            fixed,
            target,
            keep_audio=not self.request.options.remove_audio,
            settings=self.settings,
            listener=self.listener,
            cancel=self.cancel,
        )
        return file.absolute()


def _remove(driver: JobDriver, jobs: list[Job], fixed: Fixed, work: Path) -> Steps[tuple[list[Job], list[Task]]]:
    """Bring every job to its fetched file: all are submitted before the first is waited for."""
    accepted: list[Job] = []
    troubles: list[PreflightError] = []
    for job, segment in zip(jobs, fixed.segments, strict=True):
        # One segment's trouble must not keep the others, which are paid for, from being fetched.
        try:
            accepted.append((yield from driver.submit(job, segment)))
        except CancelledError:
            raise
        except PreflightError as error:
            troubles.append(error)
    return (yield from _collect(driver, accepted, work, troubles))


def _collect(
    driver: JobDriver, jobs: list[Job], work: Path, troubles: list[PreflightError] | None = None
) -> Steps[tuple[list[Job], list[Task]]]:
    """Wait for accepted, leased jobs and fetch their results into `work`; a file that is there already is used.

    Raises the first of the `troubles` so far, or of those met here, once all that can be fetched is fetched.
    """
    troubles = list(troubles or ())
    fetched: dict[str, Job] = {}
    waiting: list[Job] = []
    for job in jobs:
        if job.state is State.FETCHED and job.file is not None and job.file.parent == work and job.file.is_file():
            fetched[job.id] = job
        elif job.state is State.FETCHED:
            # A file elsewhere is the finished one: a kill between the segments' last moves leaves some of them there.
            waiting.append(driver.ledger.advance(job.id, State.DONE, cause="the fetched file is gone"))
        else:
            waiting.append(driver.begin_wait(job))
    outcomes = (yield driver.wait_for(*waiting)) if waiting else ()
    tasks: list[Task] = []
    for job, outcome in zip(waiting, outcomes, strict=True):
        try:
            done, task = driver.end_wait(job, outcome)
            fetched[job.id] = yield from driver.fetch(done, task, work)
            tasks.append(task)
        except CancelledError:
            raise
        except PreflightError as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return [fetched[job.id] for job in jobs], tasks


def _compared(ledger: Ledger, jobs: list[Job], outputs: OutputPaths, source: Path) -> Mismatched | None:
    """Keep and report fetched results that differ from what was sent; None when all are as they should be."""
    bad = []
    for job in jobs:
        if job.file is not None and (problems := problems_of(job.file, job.sent)):
            kept = outputs.keep_fetched(job)
            bad.append(
                ledger.advance(
                    job.id,
                    State.MISMATCHED,
                    cause="the result differs from what was sent",
                    file=kept,
                    message=" ".join(problems),
                )
            )
    return mismatched_result(source, bad) if bad else None


def mismatched_result(source: Path, jobs: list[Job]) -> Mismatched:
    """Return what is reported of mismatched jobs of one video; `file` is the first one's."""
    assert jobs[0].file is not None  # noqa: S101 - a mismatched job has one
    return Mismatched(
        source=source,
        file=jobs[0].file,
        task_ids=tuple(job.task_id for job in jobs if job.task_id),
        problems=tuple(job.message for job in jobs if job.message),
        job_id=jobs[0].id,
    )


def outcome_of(source: Path, steps: Steps[Result]) -> Steps[Result]:
    """Return the result of `steps`; whatever goes wrong with this video is its result, not an exception.

    Only being stopped passes through.
    """
    try:
        return (yield from steps)
    except SubmitUnknownError as error:
        return Unknown(source=source, job_id=error.job_id or "")
    except DeadlineError as error:
        return Pending(source=source, task_ids=(error.task_id,) if error.task_id else ())
    except PreflightError as error:
        if error.exit_code == ExitCode.INTERRUPTED:
            raise
        return Failed(source=source, error=error)
    except Exception as error:  # noqa: BLE001 - a defect met by one video must not end the batch
        return Failed(source=source, error=unexpected(error))


def unexpected(error: Exception) -> PreflightError:
    """Return the error for an exception that nobody foresaw, without what may be a credential in its text."""
    from preflight.removal.wire import clean

    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return PreflightError(
            f"{clean(where + error.strerror)}.", hint="Check the disk and the permissions.", retryable=True
        )
    return PreflightError(
        f"Unexpected {type(error).__name__}: {clean(error)}",
        hint="Please report it. `preflight resume` continues; nothing is paid for twice.",
    )


class Notes:
    """Collects what could not be done and is no reason to fail a paid job."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Turn an exception of the block into a note that begins with `what`; being stopped passes through."""
        try:
            yield
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - nothing cosmetic fails a paid job
            reason = error.message if isinstance(error, PreflightError) else unexpected(error).message
            self.texts.append(f"{what}: {reason}")


def _with_digest(fixed: Fixed, digest: str) -> Fixed:
    """Return `fixed` with the digest of the source where the source itself is sent, so that it is computed once."""
    segments = tuple(
        replace(segment, media=replace(segment.media, sha256=digest))
        if segment.media.path == fixed.source.path and segment.media.sha256 is None
        else segment
        for segment in fixed.segments
    )
    return replace(fixed, segments=segments)


def _reserved(ledger: Ledger, jobs: list[Job], outputs: OutputPaths, extension: str) -> Path:
    """Return where the finished file goes, known to the ledger: after a crash, and to runs that want the same name."""
    for plain in (True, False):
        target = outputs.target(jobs, extension, plain=plain)
        for job in jobs:
            ledger.advance(job.id, State.FETCHED, cause="restoring", target=target)
        if not ledger.is_contested(target, jobs[0].group):
            break
    return target


def _succeeded(
    source: Path,
    file: Path,
    jobs: list[Job] | tuple[Job, ...],
    *,
    submitted: int = 0,
    quality: Any = None,
    notes: tuple[str, ...] = (),
) -> Succeeded:
    task_ids = tuple(job.task_id for job in jobs if job.task_id)
    return Succeeded(source=source, file=file, task_ids=task_ids, submitted=submitted, quality=quality, notes=notes)
