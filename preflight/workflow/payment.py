"""The second seam: submit what is prepared, under a lease, once.

This is the only part of a video's way that must not happen twice. So it belongs to the process that holds the ledger,
while `prepare` and `collect` may run anywhere and be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.errors import CancelledError, JobBusyError, PreflightError, UsageError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.ledger import ACCEPTED, Job, Ledger, State
from preflight.settings import Settings, load_settings
from preflight.workflow.job_driver import JobDriver
from preflight.workflow.preparation import Inspected, Prepared
from preflight.workflow.result_check import Measures
from preflight.workflow.steps import Steps, Until, complete

FIRST_LEASE_PAUSE = 0.25
"""Seconds before the second attempt to take a lease that another process holds."""

LONGEST_LEASE_PAUSE = 2.0
"""Seconds between later attempts, each pause being 1.5 times the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A prepared video whose segments the service has accepted.

    Picklable, and without any secret.

    Attributes:
        prepared: What was submitted.
        jobs: The job of each segment, in order, as the ledger had it last; each has a task id.
        submitted: How many of them this call submitted; the others were accepted before.
    """

    prepared: Prepared
    jobs: tuple[Job, ...]
    submitted: int

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The service's ids, in order."""
        return tuple(job.task_id for job in self.jobs if job.task_id)


def pay(
    prepared: Prepared,
    *,
    settings: Settings | None = None,
    ledger: Ledger | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Paid:
    """Submit every segment of a prepared video that was not accepted before.

    The intent is durable before a request leaves, and a request whose answer decides nothing is not repeated. A second
    call, or one of another process, finds what the first has paid for. Between the calls no lease is held.

    Args:
        prepared: What `prepare` returned.
        settings: The account and the store. Default: environment and `preflight.toml`.
        ledger: Where jobs are recorded. Default: the one in the state folder.
        listener: Called with each `Progress`.
        cancel: Stops the wait for a turn when it is set.

    Returns:
        What `collect` takes.

    Raises:
        SubmitUnknownError: A submit was sent and not answered; a person has to settle it.
        UsageError: `prepared` was made for another account.
        JobBusyError: Another process has held the lease until the deadline.
        CredentialsError, CreditError, RateLimitError, ServiceError: The service refuses, or can't be reached. All other
            segments are submitted before the first error is raised.
        StoreError: No URL could be signed.
        LedgerError: The ledger can't be used.
        CancelledError: `cancel` was set.
    """
    from preflight.removal import RemovalClient

    settings = settings or load_settings()
    with ExitStack() as stack:
        held = ledger if ledger is not None else stack.enter_context(Ledger(settings.ledger))
        driver = JobDriver(
            ledger=held,
            settings=settings,
            client=stack.enter_context(RemovalClient(settings)),
            options=prepared.request.options,
            listener=listener,
            cancel=cancel,
        )
        return complete(_pay(driver, prepared, stack), cancel=cancel)


def _pay(driver: JobDriver, prepared: Prepared, leases: ExitStack) -> Steps[Paid]:
    inspected = prepared.inspected
    if inspected.account != driver.settings.account:
        raise UsageError(
            f"The video was prepared for the account {inspected.account}, not for {driver.settings.account}.",
            hint="Pass the settings that it was prepared with.",
        )
    jobs = yield from claim_steps(
        driver.ledger, inspected, leases, deadline=driver.settings.deadline, listener=driver.listener
    )
    jobs = note_prepared(driver.ledger, jobs, prepared)
    paid, troubles = yield from pay_steps(driver, prepared, jobs)
    if troubles:
        raise troubles[0]
    return paid


def claim_steps(
    ledger: Ledger, inspected: Inspected, leases: ExitStack, *, deadline: float, listener: Listener = ignore
) -> Steps[list[Job]]:
    """Return the job of every segment, leased until `leases` closes, known to `resume` from here on.

    Raises JobBusyError when another process has held one for `deadline` seconds.
    """
    jobs = []
    for number in range(1, inspected.segments + 1):
        job = ledger.claim(
            *inspected.identity,
            source=inspected.recorded_source,
            segment=number,
            segments=inspected.segments,
            request=inspected.request.to_json(),
        )
        jobs.append((yield from lease_steps(ledger, job, leases, deadline=deadline, listener=listener)))
    again = {State.FAILED, State.CANCELLED}
    return [ledger.advance(j.id, State.QUEUED, cause="run again") if j.state in again else j for j in jobs]


def lease_steps(
    ledger: Ledger, job: Job, leases: ExitStack, *, deadline: float, listener: Listener = ignore
) -> Steps[Job]:
    """Take the lease of a job, when another process holds it as soon as that one is done."""
    end, pause = time.monotonic() + deadline, FIRST_LEASE_PAUSE
    while True:
        try:
            held = ledger.acquire(job.id)
        except JobBusyError as error:
            if time.monotonic() >= end:
                raise
            if pause == FIRST_LEASE_PAUSE:
                listener(Progress(stage=Stage.FIX, done=0, note=f"waiting: {error.message}"))
        else:
            leases.callback(ledger.release, job.id)
            return held
        yield Until(time=min(end, time.monotonic() + pause), reason="waiting for another process")
        pause = min(LONGEST_LEASE_PAUSE, pause * 1.5)


def note_uploading(ledger: Ledger, jobs: Sequence[Job]) -> list[Job]:
    """Record that the files of leased jobs are on their way to the store."""
    return [
        job if job.state in ACCEPTED or job.state is State.UNKNOWN
        else ledger.advance(job.id, State.UPLOADING, cause="sending the file")
        for job in jobs
    ]  # fmt: skip


@contextmanager
def noted(ledger: Ledger, jobs: Sequence[Job]) -> Iterator[None]:
    """Note in the history of leased jobs that wait for their upload why the block was left before its end."""
    try:
        yield
    except PreflightError as error:
        for job in jobs:
            now = ledger.get(job.id).state
            if now not in ACCEPTED and now is not State.UNKNOWN:
                ledger.advance(job.id, now, cause=f"stopped: {error.message}")
        raise


def note_prepared(ledger: Ledger, jobs: Sequence[Job], prepared: Prepared) -> list[Job]:
    """Record for leased jobs where their files are in the store, and the measures of what is sent."""
    noted_jobs = []
    for job, segment, placed in zip(jobs, prepared.fixed.segments, prepared.placed, strict=True):
        if job.state in ACCEPTED or job.state is State.UNKNOWN:
            noted_jobs.append(job)
            continue
        assert placed is not None  # noqa: S101 - only what was accepted is not uploaded
        if job.state is not State.UPLOADING:
            ledger.advance(job.id, State.UPLOADING, cause="the file was sent before")
        noted_jobs.append(
            ledger.advance(
                job.id,
                State.UPLOADED,
                cause="the store had it" if placed.reused else "sent",
                key=placed.key,
                sent=Measures.of(segment.media).to_json(),
            )
        )
    return noted_jobs


def pay_steps(driver: JobDriver, prepared: Prepared, jobs: Sequence[Job]) -> Steps[tuple[Paid, list[PreflightError]]]:
    """Submit leased jobs whose files are in the store; all are submitted before the first is waited for.

    Returns what was accepted, and the errors of those that were not: one segment's trouble must not keep the others,
    which are paid for, from being fetched. Raises CancelledError.
    """
    accepted: list[Job] = []
    troubles: list[PreflightError] = []
    submitted = 0
    for job, placed, segment in zip(jobs, prepared.placed, prepared.fixed.segments, strict=True):
        options = driver.options.during(segment.start, segment.end)
        try:
            accepted.append((yield from replace(driver, options=options).submit(job, placed)))
            submitted += job.state not in ACCEPTED
        except CancelledError:
            raise
        except PreflightError as error:
            troubles.append(error)
    return Paid(prepared=prepared, jobs=tuple(accepted), submitted=submitted), troubles


def paid_jobs(ledger: Ledger, path: Path, request: str) -> list[Job]:
    """Return the accepted, unfinished jobs for a source and the JSON of a request."""
    jobs = ledger.open_jobs_of(path.absolute())
    return [job for job in jobs if job.state in ACCEPTED and job.request == request]
