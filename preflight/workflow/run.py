"""The way of one video: check -> fix -> upload -> submit -> wait -> fetch -> restore."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from preflight import api
from preflight.errors import (
    CancelledError,
    DeadlineError,
    ExitCode,
    InputError,
    PreflightError,
    SubmitUnknownError,
)
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.ledger import ACCEPTED, Job, Ledger, State, identify
from preflight.model.job import Failed, Fixed, Pending, Rejected, RemovalOptions, Result, Skipped, Succeeded, Unknown
from preflight.model.plan import Plan, Policy
from preflight.model.report import Report
from preflight.serialize import jsonable
from preflight.settings import Settings, load_settings
from preflight.workflow.job_driver import JobDriver, Wait
from preflight.workflow.output_paths import OutputPaths, picture_of
from preflight.workflow.request import RunRequest

_T = TypeVar("_T")
Service = Callable[[Settings], AbstractContextManager[Settings]]


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
    """Take one video all the way and return what became of it; the cleaned file is put into the folder `output`.

    Same content and same parameters are never paid for twice: a known result is used again. A failure of this video is
    a value, not an exception; CancelledError and KeyboardInterrupt pass through, and the next run goes on.
    """
    request = RunRequest(output=Path(output), options=options or RemovalOptions(), policy=policy, trim=trim)
    return Run(request=request, settings=settings or load_settings(), listener=listener, cancel=cancel).process(
        Path(path)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An request on its way.

    `service` gives settings whose service can be reached, `wait` who polls it for many runs; `ledger` is an open one.
    `aside` is entered while another process's work is waited for, so that other runs of a batch may work meanwhile.
    """

    request: RunRequest
    settings: Settings
    listener: Listener = ignore
    cancel: Cancel | None = None
    service: Service = api.service
    ledger: Ledger | None = None
    wait: Callable[[Settings], Wait] | None = None
    aside: Callable[[], AbstractContextManager[None]] = nullcontext

    def process(self, path: Path) -> Result:
        """Take the video at `path` through all stages."""
        try:
            if paid := self._paid(path):
                return self._salvage(path, paid)
            report, plan = self.inspect(path)
            if plan.refusal is not None:
                return Rejected(source=path, codes=report.codes, reason=plan.refusal)
            if self.request.is_skipped(report.media):
                return Skipped(source=path)
            return replace(self, request=self.request.settled(report.media)).clean(report, plan)
        except SubmitUnknownError as error:
            return Unknown(source=path, job_id=error.job_id or "")
        except DeadlineError as error:
            return Pending(source=path, task_ids=(error.task_id,) if error.task_id else ())
        except PreflightError as error:
            if error.exit_code == ExitCode.INTERRUPTED:
                raise
            return Failed(source=path, error=error)

    def inspect(self, path: Path) -> tuple[Report, Plan]:
        """Check the video and plan its fix, without any effect: all that a dry run does."""
        self.listener(Progress(stage=Stage.CHECK, done=0, total=1))
        report = api.check(path, limits=self.settings.limits, text=self.request.needs_text_detection)
        plan = api.plan(report, policy=self.request.policy, trim=self.request.trim, settings=self.settings)
        self.listener(Progress(stage=Stage.CHECK, done=1, total=1))
        return report, plan

    def clean(self, report: Report, plan: Plan) -> Result:
        """Carry the plan out, and all that follows. Raises what `process` makes a value of."""
        digest = api.digest(report.path, listener=self.listener, cancel=self.cancel)
        identity = (digest, f"{self.request.options.canonical()} {plan.key}", self.settings.account)
        outputs = OutputPaths(
            folder=self.request.output,
            work=self._work(identify(*identity)[1]),
            stem=self.request.name or report.path.stem,
        )
        with self._ledger() as ledger, ExitStack() as leases:
            known = ledger.find(*identity)
            if (file := outputs.finished(known)) is not None:
                return _succeeded(report, file, known)
            api.require_service(self.settings)
            outputs.require_writable()
            # What is under way is a copy of somebody's video, wherever the home is.
            outputs.work.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            jobs = self._claim(ledger, identity, report.path, plan, leases)
            # Another process may have finished them while this one waited for the leases.
            if (file := outputs.finished(jobs)) is not None:
                return _succeeded(report, file, jobs)
            accepted = sum(job.state in ACCEPTED for job in jobs)
            fixed = self._fix(report, plan, outputs.work)
            fresh = State.QUEUED
            jobs = [ledger.advance(j.id, State.FIXED, cause="fixed") if j.state is fresh else j for j in jobs]
            jobs, quality = self._remove(ledger, jobs, fixed, outputs.work)
            cleaned = [job.file for job in jobs if job.file is not None]
            target = _reserved(ledger, jobs, outputs, api.container(cleaned, fixed))
            file = self._restore(cleaned, report, fixed, target)
            result = _succeeded(report, file, jobs, submitted=len(jobs) - accepted, quality=quality)
            outputs.write_record(file, {"result": jsonable(result), "report": jsonable(report), "plan": jsonable(plan)})
            for job in jobs:
                ledger.advance(job.id, State.FETCHED, cause="restored", file=file)
            outputs.settle_work(keep=self.settings.cache_size if self.settings.keep_fixed else 0)
            return result

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        if self.ledger is not None:
            yield self.ledger
        else:
            with Ledger(self.settings.ledger) as ledger:
                yield ledger

    def _claim(
        self, ledger: Ledger, identity: tuple[str, str, str], path: Path, plan: Plan, leases: ExitStack
    ) -> list[Job]:
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
            if (other := ledger.holder(job.id)) is not None:
                self.listener(Progress(stage=Stage.FIX, done=0, note=f"waiting for process {other}, which is at it"))
            held = ledger.lease(job.id, wait=self.settings.deadline, cancel=self.cancel)
            with self.aside():
                jobs.append(leases.enter_context(held))
        again = {State.FAILED, State.CANCELLED}
        return [ledger.advance(j.id, State.QUEUED, cause="run again") if j.state in again else j for j in jobs]

    def _fix(self, report: Report, plan: Plan, work: Path) -> Fixed:
        return api.act(plan, report, work, settings=self.settings, listener=self.listener, cancel=self.cancel)

    def _remove(
        self, ledger: Ledger, jobs: list[Job], fixed: Fixed, work: Path
    ) -> tuple[list[Job], dict[str, Any] | None]:
        """Bring every job to its fetched file: all are submitted before the first is waited for."""
        with self._driver(ledger) as driver:
            # One segment's trouble must not keep the others, which are paid for, from being fetched.
            pairs = zip(jobs, fixed.segments, strict=True)
            accepted, troubles = _each(partial(driver.submit, job, segment) for job, segment in pairs)
            ended, more = _each(partial(driver.finish, job, work) for job in accepted)
        for error in (*troubles, *more):
            raise error
        reports = [task.quality for _, task in ended if task is not None and task.quality]
        return [job for job, _ in ended], {"segments": reports} if len(reports) > 1 else next(iter(reports), None)

    @contextmanager
    def _driver(self, ledger: Ledger) -> Iterator[JobDriver]:
        from preflight.removal import RemovalClient

        with self.service(self.settings) as live, RemovalClient(live) as client:
            yield JobDriver(
                ledger=ledger,
                settings=live,
                client=client,
                options=self.request.options,
                listener=self.listener,
                cancel=self.cancel,
                wait=self.wait(live) if self.wait else None,
            )

    def _paid(self, path: Path) -> list[Job]:
        """Return the accepted, unfinished jobs of this request on a source that is gone; none when it is there."""
        if os.path.lexists(path) or not self.settings.ledger.exists():
            return []
        with self._ledger() as ledger:
            jobs = ledger.jobs(states=ACCEPTED)
        mine = [job for job in jobs if (job.source, job.request) == (path.absolute(), self.request.to_json())]
        return [job for job in mine if job.file is None or self._work(job.group) in job.file.parents]

    def _work(self, group: str) -> Path:
        """The folder for what is under way: one for these parameters, since another run may be at the same video."""
        return self.settings.home.absolute() / "work" / group

    def _salvage(self, path: Path, jobs: list[Job]) -> Failed:
        """Fetch what is paid for although its source is gone. The jobs stay unfinished: the source may come back."""
        work = self._work(jobs[0].group)
        with self._ledger() as ledger, ExitStack() as leases, self._driver(ledger) as driver:
            held = []
            for job in jobs:
                with self.aside():
                    held.append(leases.enter_context(ledger.lease(job.id, cancel=self.cancel)))
            ended, troubles = _each(partial(driver.finish, job, work) for job in held)
            for error in troubles:
                raise error
            outputs = OutputPaths(folder=self.request.output, work=work, stem=self.request.name or path.stem)
            files = [outputs.keep_fetched(job) for job, _ in ended if job.file is not None]
        error = InputError(
            f"{path} is gone. What the service made of it is in {', '.join(map(str, files))}, without what comes from "
            "the source: its sound, subtitles, metadata and what a fix had changed.",
            hint="Bring the source back and run `preflight resume`: nothing is paid for again.",
        )
        return Failed(source=path, error=error)

    def _restore(self, cleaned: list[Path], report: Report, fixed: Fixed, target: Path) -> Path:
        file = api.restore(
            cleaned,
            fixed,
            target,
            keep_audio=not self.request.options.remove_audio,
            settings=self.settings,
            listener=self.listener,
            cancel=self.cancel,
        )
        api.picture(report.path, file, picture_of(file), settings=self.settings)
        return file.absolute()


def _reserved(ledger: Ledger, jobs: list[Job], outputs: OutputPaths, extension: str) -> Path:
    """Return where the finished file goes, known to the ledger: after a crash, and to runs that want the same name."""
    for plain in (True, False):
        target = outputs.target(jobs, extension, plain=plain)
        for job in jobs:
            ledger.advance(job.id, State.FETCHED, cause="restoring", target=target)
        if not ledger.is_contested(target, jobs[0].group):
            break
    return target


def _each(calls: Iterable[Callable[[], _T]]) -> tuple[list[_T], list[PreflightError]]:
    """Make every call and return the results and the errors; being stopped ends it at once."""
    results: list[_T] = []
    errors: list[PreflightError] = []
    for call in calls:
        try:
            results.append(call())
        except CancelledError:
            raise
        except PreflightError as error:
            errors.append(error)
    return results, errors


def _succeeded(
    report: Report, file: Path, jobs: list[Job] | tuple[Job, ...], *, submitted: int = 0, quality: Any = None
) -> Succeeded:
    task_ids = tuple(job.task_id for job in jobs if job.task_id)
    return Succeeded(source=report.path, file=file, task_ids=task_ids, submitted=submitted, quality=quality)
