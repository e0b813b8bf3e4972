"""Bring one paid job through its states: each move is in the ledger before, or right after, what it stands for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from preflight.errors import (
    CancelledError,
    ContentRejectedError,
    InputRejectedError,
    JobFailedError,
    LedgerError,
    PreflightError,
    ServiceError,
    StoreError,
    SubmitUnknownError,
)
from preflight.events import Cancel, Listener, Progress, Stage
from preflight.ledger import ACCEPTED, Job, Ledger, State
from preflight.ledger.accounts import MILLIONTHS
from preflight.model.job import Placed, RemovalOptions, SecretUrl, Task
from preflight.model.limits import DEFAULT_LIMITS
from preflight.model.media import Unreadable
from preflight.settings import Settings
from preflight.workflow.result_check import Measures, differences
from preflight.workflow.shared_rate import SharedRate
from preflight.workflow.steps import ForTasks, Outcome, Steps, Until

if TYPE_CHECKING:
    from preflight.removal import RemovalClient

URL_MARGIN = 900.0
"""Seconds that the URL of an upload is valid beyond the deadline: the service may fetch late."""

FINAL = (InputRejectedError, ContentRejectedError, JobFailedError)
"""Answers after which the same job can't succeed by itself."""

RECORD_ATTEMPTS = 20
"""Attempts to record a task that was accepted while the ledger can't be written, such as on a full disk."""

RECORD_PAUSE = 0.25
"""Seconds between these attempts; all of them take 5 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDriver:
    """What is needed to bring a job forward: where it is recorded, what is sent, with which parameters."""

    ledger: Ledger
    settings: Settings
    client: RemovalClient
    options: RemovalOptions
    listener: Listener
    cancel: Cancel | None = None

    def submit(self, job: Job, placed: Placed | None) -> Steps[Job]:
        """Submit a leased job whose file is in the store, and return it accepted; an accepted one as it is.

        Raises SubmitUnknownError for a job whose submit may have been accepted, and the errors of signing and submit.
        """
        if job.state is State.UNKNOWN:
            raise unknown(job)
        if job.state in ACCEPTED:
            return job
        assert placed is not None  # noqa: S101 - only what was accepted is not uploaded
        with self._noted(job, State.UPLOADED):
            url = self._sign(placed)
        return (yield from self.ask(job, url))

    def _sign(self, placed: Placed) -> SecretUrl:
        """Return a tested URL, made as late as possible: a fresh one for each submit."""
        from preflight.storage import sign

        return sign(placed, settings=self.settings, life=self.settings.deadline + URL_MARGIN).url

    def ask(self, job: Job, url: SecretUrl) -> Steps[Job]:
        """Submit the video at `url` for a leased, uploaded job and return it accepted. Raises as `submit` does."""
        from preflight.removal.submit_retry import submit_steps

        self.listener(Progress(stage=Stage.SUBMIT, done=0, total=1))
        if self.ledger.is_shared:
            self.client.limiter = SharedRate(self.ledger, job.account)
        cost = self._cost(job)
        steps = submit_steps(
            self.client,
            url,
            self.options,
            # Durable before the request that costs money leaves.
            before=lambda: self.ledger.advance(job.id, State.SUBMITTING, cause="asking the service", cost=cost),
            refused=lambda error: self._note_refusal(job, error),
            listener=self.listener,
        )
        try:
            while True:
                try:
                    at = next(steps)
                except StopIteration as end:
                    task: Task = end.value
                    break
                yield Until(time=at, reason="waiting to submit")
        except SubmitUnknownError as error:
            self.ledger.advance(job.id, State.UNKNOWN, cause=error.message)
            raise unknown(job) from error
        except FINAL as error:
            self._fail(job, error)
            raise
        accepted = self._record_acceptance(job, task)
        self.listener(Progress(stage=Stage.SUBMIT, done=1, total=1, note=f"task {task.task_id}"))
        return accepted

    def _record_acceptance(self, job: Job, task: Task) -> Job:
        """Record the task id, patiently: without it what was paid for would be lost."""
        for attempt in range(RECORD_ATTEMPTS):
            try:
                return self.ledger.record_accepted(job, task.task_id)
            except LedgerError as error:
                if attempt + 1 == RECORD_ATTEMPTS:
                    raise _unrecorded(job, task) from error
            time.sleep(RECORD_PAUSE)
        raise _unrecorded(job, task)

    def _cost(self, job: Job) -> int:
        """Return what a submit may cost, in the ledger's units; 0 when the price or the length is not known."""
        if not self.settings.price_per_minute:
            return 0
        measures = Measures.from_json(self.ledger.get(job.id).sent)
        seconds = measures.video_seconds if measures is not None else None
        return round((seconds or 0) / 60 * self.settings.price_per_minute * MILLIONTHS)

    def _note_refusal(self, job: Job, error: PreflightError) -> None:
        self.ledger.advance(job.id, State.UPLOADED, cause=f"not accepted: {error.message}")

    def begin_wait(self, job: Job) -> Job:
        """Note that an accepted, leased job is waited for."""
        if job.state is State.SUBMITTED:
            return self.ledger.advance(job.id, State.RUNNING, cause="waiting for the service")
        return job

    def end_wait(self, job: Job, outcome: Outcome) -> tuple[Job, Task]:
        """Record what came of the wait and return the done task. Raises the error that the wait ended with."""
        if isinstance(outcome, Task):
            if job.state is not State.DONE:
                job = self.ledger.advance(job.id, State.DONE, cause="the service is done", url=outcome.video_url)
            return job, outcome
        if isinstance(outcome, FINAL):
            self._fail(job, outcome)
        elif not isinstance(outcome, CancelledError):
            self.ledger.advance(job.id, job.state, cause=f"stopped: {outcome.message}")
        raise outcome

    def wait_for(self, *jobs: Job) -> ForTasks:
        """Return what to yield to wait for accepted jobs."""
        task_ids = tuple(job.task_id for job in jobs if job.task_id is not None)
        return ForTasks(task_ids=task_ids, settings=self.settings, listener=self.listener)

    @contextmanager
    def _noted(self, job: Job, state: State) -> Iterator[None]:
        """Note in the job's history why the block was left before its end."""
        try:
            yield
        except PreflightError as error:
            self.ledger.advance(job.id, state, cause=f"stopped: {error.message}")
            raise

    def _fail(self, job: Job, error: PreflightError) -> None:
        self.ledger.advance(job.id, State.FAILED, cause=error.message, code=error.code, message=error.message)


def delete_object(ledger: Ledger, job: Job, settings: Settings) -> None:
    """Delete the uploaded file of a fetched, leased job when that is wished and no other job needs it."""
    from preflight.storage import delete

    if settings.keep_upload or job.key is None or ledger.is_object_needed(job.key):
        return
    try:
        delete(settings, job.key)
    except StoreError as error:
        ledger.advance(job.id, job.state, cause=f"the upload was not deleted: {error.message}")


def result_extension(task: Task) -> str:
    """Return the extension of a result. It is chosen from ours: nothing that a server says can lead out of a folder."""
    assert task.video_url is not None  # noqa: S101 - a done task has one
    ending = Path(urlsplit(task.video_url.reveal()).path).suffix.lower()
    return ending if ending[1:] in set(DEFAULT_LIMITS.containers) else ".mp4"


def download(
    task: Task,
    destination: Path,
    *,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None = None,
    overwrite: bool = True,
) -> Path:
    """Download the result of a done task, and return where it is: `destination`, or that with a number when it exists.

    `overwrite` replaces it instead. Raises ServiceError for what no program can read, and as `fetch` does.
    """
    from preflight.removal.download import fetch

    assert task.video_url is not None  # noqa: S101 - a done task has one
    return fetch(
        task.video_url,
        destination,
        listener,
        cancel,
        ca_bundle=settings.ca_bundle,
        accept=_require_readable,
        overwrite=overwrite,
    )


def _require_readable(path: Path) -> None:
    """Raise ServiceError for a fetched file that is complete and no media file, such as a network's login page."""
    from preflight.probe import probe

    found = probe(path)
    if isinstance(found, Unreadable):
        raise ServiceError(
            f"What the service's URL brought is not a video: {found.detail}",
            hint="`preflight resume` asks for it again; the job is not paid for twice.",
            retryable=True,
        )


def problems_of(file: Path, sent: str | None) -> tuple[str, ...]:
    """Return how a fetched file differs from what was `sent` (the ledger's JSON), () when it does not."""
    from preflight.probe import probe

    found = probe(file)
    result = Measures(has_video=False) if isinstance(found, Unreadable) else Measures.of(found)
    return differences(Measures.from_json(sent), result)


def unknown(job: Job) -> SubmitUnknownError:
    """Return the error for a job that only a person can settle."""
    error = SubmitUnknownError(
        f"Job {job.id} was sent and not answered: it may exist and be paid for, so it is not sent again.",
        hint=f"Settle it with `preflight jobs resolve {job.id} --resubmit`, `--task TASKID` or `--drop`.",
    )
    error.job_id = job.id
    return error


def _unrecorded(job: Job, task: Task) -> LedgerError:
    """Return the error for a task that was accepted while the ledger could not be written."""
    return LedgerError(
        f"Job {job.id} was accepted as task {task.task_id}, which the ledger could not record.",
        hint=f"Make the ledger writable, then run `preflight jobs resolve {job.id} --task {task.task_id}`.",
    )
