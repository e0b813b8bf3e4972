"""A video that is on the web already: submitted by URL, waited for by task id; no check, fix or upload."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from preflight import api
from preflight.events import Cancel, Listener, ignore
from preflight.ledger import ACCEPTED, Job, Ledger, State
from preflight.model.job import RemovalOptions, SecretUrl, Task
from preflight.removal import RemovalClient
from preflight.removal.download import fetch as download
from preflight.settings import Settings
from preflight.workflow.job_driver import JobDriver, unknown


@contextmanager
def client(settings: Settings) -> Iterator[RemovalClient]:
    """Give a client of the configured service, or of an embedded one started for the block.

    A bucket is not needed here, so an account alone is enough to mean the configured service.
    """
    if settings.service == "auto" and settings.access_key_name and settings.access_key_secret:
        settings = replace(settings, service="aidge")
    with api.service(settings) as live, RemovalClient(live) as made:
        yield made


def submit(
    made: RemovalClient,
    url: SecretUrl,
    options: RemovalOptions,
    *,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> tuple[Job, bool]:
    """Submit the video at `url` and return its job and whether it is new; an accepted one is not paid again.

    URLs are told apart without their query string, which differs each time a URL is signed. Raises SubmitUnknownError,
    also for a job that stands so since an earlier call, and ServiceError.
    """
    settings = made.settings
    digest = hashlib.sha256(f"url {url}".encode()).hexdigest()
    with Ledger(settings.ledger) as ledger:
        known = ledger.claim(digest, options.canonical(), settings.account, source=Path(str(url)))
        with ledger.lease(known.id, wait=settings.deadline, cancel=cancel) as job:
            if job.state in ACCEPTED:
                return job, False
            if job.state is State.UNKNOWN:
                raise unknown(job)
            if job.state in {State.FAILED, State.CANCELLED}:
                ledger.advance(job.id, State.QUEUED, cause="submitted again")
            for state in (State.UPLOADING, State.UPLOADED):
                ledger.advance(job.id, state, cause="the video is on the web already")
            driver = JobDriver(
                ledger=ledger, settings=settings, client=made, options=options, listener=listener, cancel=cancel
            )
            return driver.ask(job, url), True


def fetch(
    task: Task,
    destination: Path,
    *,
    settings: Settings,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Download the result of a done task. Raises ServiceError, ToolError, CancelledError."""
    assert task.video_url is not None  # noqa: S101 - a done task has one
    return download(task.video_url, destination, listener, cancel, ca_bundle=settings.ca_bundle)
