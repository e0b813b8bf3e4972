"""Drive one paid job through its states: each move is in the ledger before or right after what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from preflight.errors import (
    ContentRejectedError,
    InputRejectedError,
    JobFailedError,
    PreflightError,
    ServiceError,
    StoreError,
    SubmitUnknownError,
)
from preflight.events import Cancel, Listener, Progress, Stage
from preflight.ledger import ACCEPTED, Job, Ledger, State
from preflight.model.job import Placed, RemovalOptions, SecretUrl, Segment, Task
from preflight.model.limits import DEFAULT_LIMITS
from preflight.model.media import Unreadable
from preflight.settings import Settings

if TYPE_CHECKING:
    from preflight.removal import RemovalClient

Wait = Callable[..., Task]
"""`RemovalClient.wait`, or another function that does the same."""

URL_MARGIN = 900.0
"""Seconds that a URL lives beyond the deadline: the service may fetch late."""

FINAL = (InputRejectedError, ContentRejectedError, JobFailedError)
"""Answers after which the same job can't succeed by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDriver:
    """What is needed to bring a job forward: where it is recorded, what is sent, with which parameters.

    `wait` polls in the client's stead, so that many drivers can share one polling thread.
    """

    ledger: Ledger
    settings: Settings
    client: RemovalClient
    options: RemovalOptions
    listener: Listener
    cancel: Cancel | None = None
    wait: Wait | None = None

    def submit(self, job: Job, segment: Segment) -> Job:
        """Bring a leased job to where the service has accepted it; it is returned as it is when that is so already.

        Raises SubmitUnknownError for a job whose submit may have been accepted, and the errors of upload and submit.
        """
        if job.state is State.UNKNOWN:
            raise unknown(job)
        if job.state in ACCEPTED:
            return job
        self.ledger.advance(job.id, State.UPLOADING, cause="sending the file")
        with self._remarked(job, State.UPLOADING):
            placed = self._place(segment)
        cause = "the store had it" if placed.reused else "sent"
        self.ledger.advance(job.id, State.UPLOADED, cause=cause, key=placed.key)
        with self._remarked(job, State.UPLOADED):
            url = self._sign(placed)
        return self.ask(job, url)

    def _place(self, segment: Segment) -> Placed:
        from preflight.storage import place

        return place(
            segment.media.path,
            settings=self.settings,
            sha256=segment.media.sha256,
            extension=segment.media.container.value,
            listener=self.listener,
            cancel=self.cancel,
            checkpoint=self.ledger.uploads,
        )

    def _sign(self, placed: Placed) -> SecretUrl:
        """Return a tested URL, made as late as possible: a fresh one for each submit."""
        from preflight.storage import sign

        return sign(placed, settings=self.settings, life=self.settings.deadline + URL_MARGIN).url

    def ask(self, job: Job, url: SecretUrl) -> Job:
        """Submit the video at `url` for a leased, uploaded job and return it accepted. Raises as `submit` does."""
        from preflight.removal.submit_retry import send

        self.listener(Progress(stage=Stage.SUBMIT, done=0, total=1))
        try:
            task = send(
                self.client,
                url,
                self.options,
                # Durable before the request that costs money leaves.
                before=lambda: self.ledger.advance(job.id, State.SUBMITTING, cause="asking the service"),
                refused=lambda error: self._not_accepted(job, error),
                listener=self.listener,
                cancel=self.cancel,
            )
        except SubmitUnknownError as error:
            self.ledger.advance(job.id, State.UNKNOWN, cause=error.message)
            raise unknown(job) from error
        except FINAL as error:
            self._fail(job, error)
            raise
        self.listener(Progress(stage=Stage.SUBMIT, done=1, total=1, note=f"task {task.task_id}"))
        return self.ledger.advance(job.id, State.SUBMITTED, cause="accepted", task_id=task.task_id)

    def _not_accepted(self, job: Job, error: PreflightError) -> None:
        self.ledger.advance(job.id, State.UPLOADED, cause=f"not accepted: {error.message}")

    def finish(self, job: Job, folder: Path) -> tuple[Job, Task | None]:
        """Wait for an accepted, leased job and fetch its result into `folder`; a file already there is used.

        Raises DeadlineError, JobFailedError and the errors of the service.
        """
        if job.state is State.FETCHED:
            # A file elsewhere is the finished one: a kill between the segments' last words leaves some of them there.
            if job.file is not None and job.file.parent == folder and job.file.is_file():
                return job, None
            job = self.ledger.advance(job.id, State.DONE, cause="the fetched file is gone")
        task = self._wait(job)
        if job.state is not State.DONE:
            job = self.ledger.advance(job.id, State.DONE, cause="the service is done", url=task.video_url)
        fetched = self._fetch(job, task, folder)
        self._forget_object(fetched)
        return fetched, task

    def _wait(self, job: Job) -> Task:
        if job.state is State.SUBMITTED:
            job = self.ledger.advance(job.id, State.RUNNING, cause="waiting for the service")
        assert job.task_id is not None  # noqa: S101 - every accepted state has one
        try:
            with self._remarked(job, job.state):
                return (self.wait or self.client.wait)(
                    job.task_id, deadline=self.settings.deadline, listener=self.listener, cancel=self.cancel
                )
        except FINAL as error:
            self._fail(job, error)
            raise

    def _fetch(self, job: Job, task: Task, folder: Path) -> Job:
        """Fetch the result; a URL that has expired meanwhile is asked for anew, once."""
        from preflight.removal.download import EXPIRED

        try:
            file = self._download(job, task, folder)
        except ServiceError as error:
            if error.code not in EXPIRED:
                raise
            self.ledger.advance(job.id, job.state, cause=f"asking for a fresh URL: {error.message}")
            file = self._download(job, self._wait(job), folder)
        return self.ledger.advance(job.id, State.FETCHED, cause="fetched", file=file)

    def _download(self, job: Job, task: Task, folder: Path) -> Path:
        from preflight.removal.download import fetch

        assert task.video_url is not None  # noqa: S101 - a done task has one
        ending = Path(urlsplit(task.video_url.reveal()).path).suffix.lower()
        # The name comes from us: nothing that a server says can lead out of the folder.
        name = f"{job.id}{ending if ending[1:] in set(DEFAULT_LIMITS.containers) else '.mp4'}"
        return fetch(
            task.video_url,
            folder / name,
            self.listener,
            self.cancel,
            ca_bundle=self.settings.ca_bundle,
            accept=_require_video,
        )

    def _forget_object(self, job: Job) -> None:
        """Delete the uploaded file when that is wished and no other job needs it; what can't be deleted stays."""
        from preflight.storage import delete

        if self.settings.keep_upload or job.key is None or self.ledger.is_object_needed(job.key):
            return
        try:
            delete(self.settings, job.key)
        except StoreError as error:
            self.ledger.advance(job.id, job.state, cause=f"the upload was not deleted: {error.message}")

    @contextmanager
    def _remarked(self, job: Job, state: State) -> Iterator[None]:
        """Note in the job's history why the block was left before its end."""
        try:
            yield
        except FINAL:
            raise
        except PreflightError as error:
            self.ledger.advance(job.id, state, cause=f"stopped: {error.message}")
            raise

    def _fail(self, job: Job, error: PreflightError) -> None:
        self.ledger.advance(job.id, State.FAILED, cause=error.message, code=error.code, message=error.message)


def _require_video(path: Path) -> None:
    """Raise ServiceError for a fetched file that is whole and yet no video, such as a login page of the network."""
    from preflight.probe import probe

    found = probe(path)
    if isinstance(found, Unreadable) or found.video is None:
        reason = found.detail if isinstance(found, Unreadable) else "it has no video stream"
        raise ServiceError(
            f"What the service's URL brought is not a video: {reason}",
            hint="`preflight resume` asks for it again; the job is not paid for twice.",
            retryable=True,
        )


def unknown(job: Job) -> SubmitUnknownError:
    """Return the error for a job that only a person can settle."""
    error = SubmitUnknownError(
        f"Job {job.id} was sent and not answered: it may exist and be paid for, so it is not sent again.",
        hint=f"Settle it with `preflight jobs resolve {job.id} --resubmit`, `--task TASKID` or `--drop`.",
    )
    error.job_id = job.id
    return error
