"""A video that is on the web already: submitted by URL, waited for by task id; no check, fix or upload."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from preflight import api
from preflight.errors import LedgerError, UsageError
from preflight.events import Cancel, Listener, ignore
from preflight.ledger import ACCEPTED, Job, Ledger, State
from preflight.model.job import Mismatched, RemovalOptions, Result, SecretUrl, Succeeded
from preflight.removal import RemovalClient
from preflight.settings import Settings
from preflight.workflow.job_driver import JobDriver, download, problems_of, unknown
from preflight.workflow.outcome import mismatched_result, outcome_of
from preflight.workflow.steps import Service, Steps, complete, guarded

_SIGNATURE_PREFIXES = ("x-amz-", "x-goog-", "x-oss-", "x-cos-", "x-tos-", "q-")
_SIGNATURE_NAMES = frozenset(
    {
        "signature", "expires", "awsaccesskeyid", "ossaccesskeyid", "googleaccessid", "security-token", "policy",
        "key-pair-id", "token", "access_token", "auth", "auth_key", "hmac", "hdnea", "hdnts", "sig", "sign", "se", "sp",
        "sv", "sr", "st", "spr", "sks", "ske", "skt", "skoid", "sktid", "skv", "wssecret", "wstime",
    }
)  # fmt: skip
"""Query parameters that differ each time a URL is signed (S3, GCS, OSS, COS, CloudFront, Azure SAS, Akamai, Wangsu)."""

_KIND = "url"


@contextmanager
def client(settings: Settings) -> Iterator[RemovalClient]:
    """Yield a client of the configured service, or of an embedded one that is started for the block.

    A bucket is not needed here, so an account alone is enough to mean the configured service.
    """
    with api.service(_configured(settings)) as live, RemovalClient(live) as made:
        yield made


def _configured(settings: Settings) -> Settings:
    if settings.service == "auto" and settings.access_key_name and settings.access_key_secret:
        return replace(settings, service="aidge")
    return settings


def identity(url: SecretUrl) -> str:
    """Return a text that is equal for URLs of the same video: without signature, fragment, letter case of the host.

    All other query parameters count: `?id=1` and `?id=2` are two videos.
    """
    parts = urlsplit(url.reveal())
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _is_signature(name)]
    plain = str(SecretUrl(parts._replace(query="", fragment="", scheme=parts.scheme.lower()).geturl()))
    return f"{plain} {json.dumps(kept)}" if kept else plain


def _is_signature(name: str) -> bool:
    return name.lower() in _SIGNATURE_NAMES or name.lower().startswith(_SIGNATURE_PREFIXES)


def submit(
    made: RemovalClient,
    url: SecretUrl,
    options: RemovalOptions,
    *,
    output: Path = Path(),
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> tuple[Job, bool]:
    """Submit the video at `url` and return its job and whether it is new; an accepted one is not paid again.

    `output` is the folder into which `resume` fetches the result. Raises SubmitUnknownError, also for a job whose
    submit has had an unknown outcome since an earlier call, and ServiceError.
    """
    settings = made.settings
    digest = hashlib.sha256(f"url {identity(url)}".encode("utf-8", "surrogateescape")).hexdigest()
    request = UrlRequest(output=output.absolute(), options=options).to_json()
    with Ledger(settings.ledger) as ledger:
        known = ledger.claim(digest, options.canonical(), settings.account, source=Path(str(url)), request=request)
        with ledger.lease(known.id, wait=settings.deadline, cancel=cancel) as job:
            if job.state in ACCEPTED:
                return job, False
            driver = JobDriver(
                ledger=ledger,
                settings=settings,
                client=made,
                options=options,
                listener=guarded(listener),
                cancel=cancel,
            )
            return complete(_send(driver, job, url), cancel=cancel), True


def _send(driver: JobDriver, job: Job, url: SecretUrl) -> Steps[Job]:
    if job.state is State.UNKNOWN:
        raise unknown(job)
    if job.state in {State.FAILED, State.CANCELLED}:
        driver.ledger.advance(job.id, State.QUEUED, cause="submitted again")
    for state in (State.UPLOADING, State.UPLOADED):
        driver.ledger.advance(job.id, state, cause="the video is on the web already")
    return (yield from driver.ask(job, url))


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRequest:
    """What a later process needs to continue a job that was submitted by URL."""

    output: Path
    options: RemovalOptions

    def to_json(self) -> str:
        """Return the request as the ledger keeps it: without the URL, which may hold a credential."""
        return json.dumps({"kind": _KIND, "output": str(self.output), "options": self.options.to_wire()})

    @classmethod
    def of(cls, job: Job) -> UrlRequest:
        """Return the request of a job; jobs of older versions get the current folder and their own parameters."""
        try:
            found: dict[str, Any] = json.loads(job.request)
            return cls(
                output=Path(found.get("output", ".")).absolute(),
                options=RemovalOptions.from_wire(found.get("options") or json.loads(job.parameters)),
            )
        except (ValueError, KeyError, TypeError, UsageError) as error:
            raise LedgerError(
                f"Job {job.id} does not say how to continue.", hint=f"Run `preflight wait {job.task_id or 'TASKID'}`."
            ) from error


def is_url_job(job: Job) -> bool:
    """Return whether a job was submitted by URL."""
    return job.name.startswith(("http://", "https://")) and not job.source.is_absolute()


def continue_steps(
    job: Job,
    *,
    settings: Settings,
    service: Service,
    ledger: Ledger,
    listener: Listener,
    cancel: Cancel | None,
) -> Steps[Result]:
    """Continue a job that was submitted by URL: submit it when its URL is known whole, then fetch its result."""
    return (
        yield from outcome_of(
            Path(job.name),
            _continue(
                job, settings=settings, service=service, ledger=ledger, listener=guarded(listener), cancel=cancel
            ),
        )
    )


def _continue(
    job: Job,
    *,
    settings: Settings,
    service: Service,
    ledger: Ledger,
    listener: Listener,
    cancel: Cancel | None,
) -> Steps[Result]:
    request = UrlRequest.of(job)
    with ExitStack() as stack:
        held = ledger.acquire(job.id)
        stack.callback(ledger.release, job.id)
        if held.state is State.UNKNOWN:
            raise unknown(held)
        if held.state is State.MISMATCHED:
            return mismatched_result(Path(job.name), [held])
        if held.state is State.FETCHED and held.file is not None and held.file.is_file():
            return _succeeded(held, held.file, submitted=0)
        configured = _configured(settings)
        live = stack.enter_context(service(settings)) if configured.uses_local_service else configured
        made = stack.enter_context(RemovalClient(live))
        driver = JobDriver(
            ledger=ledger, settings=live, client=made, options=request.options, listener=listener, cancel=cancel
        )
        submitted = 0
        if held.state not in ACCEPTED:
            if "?" in held.name:
                raise LedgerError(
                    f"The URL of job {held.id} is not kept whole, since its query may be a credential.",
                    hint="Run `preflight submit URL` again with the same URL: nothing was accepted so far.",
                )
            held = yield from _send(driver, held, SecretUrl(held.name))
            submitted = 1
        destination = request.output / result_name(held.task_id or held.id)
        return (yield from _collect(driver, held, destination, submitted=submitted))


def _collect(
    driver: JobDriver, job: Job, destination: Path, *, submitted: int = 0, overwrite: bool = False
) -> Steps[Result]:
    """Wait for an accepted, leased job, fetch its result to `destination` and compare it with what was sent."""
    ledger = driver.ledger
    if job.state in {State.FETCHED, State.MISMATCHED}:
        job = ledger.advance(job.id, State.DONE, cause="the fetched file is gone")
    job = driver.begin_wait(job)
    (outcome,) = yield driver.wait_for(job)
    job, task = driver.end_wait(job, outcome)
    destination.parent.mkdir(parents=True, exist_ok=True)
    file = download(
        task,
        destination,
        settings=driver.settings,
        listener=driver.listener,
        cancel=driver.cancel,
        overwrite=overwrite,
    )
    file = file.absolute()
    if is_url_job(job):
        job = ledger.advance(job.id, State.FETCHED, cause="fetched", file=file, target=file)
    else:
        ledger.advance(job.id, job.state, cause=f"`preflight wait` fetched the result to {file}")
    if problems := problems_of(file, job.sent):
        if is_url_job(job):
            cause = "the result differs from what was sent"
            job = ledger.advance(job.id, State.MISMATCHED, cause=cause, file=file, message=" ".join(problems))
        return Mismatched(source=Path(job.name), file=file, task_ids=(task.task_id,), problems=problems, job_id=job.id)
    return _succeeded(job, file, submitted=submitted, quality=task.quality)


def _succeeded(job: Job, file: Path, *, submitted: int, quality: dict[str, Any] | None = None) -> Succeeded:
    task_ids = (job.task_id,) if job.task_id else ()
    return Succeeded(source=Path(job.name), file=file, task_ids=task_ids, submitted=submitted, quality=quality)


def wait(
    made: RemovalClient,
    task_id: str,
    destination: Path,
    *,
    overwrite: bool = False,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Result:
    """Wait for a task, fetch its result to `destination`, compare it with what was sent, and record it in the ledger.

    A file that came to be there meanwhile is replaced only with `overwrite`; else the result gets a number. A task
    that the ledger does not know is fetched and only tested for being a video. Raises DeadlineError, the error of a
    failed job, ServiceError, ToolError, CancelledError.
    """
    settings = made.settings
    if settings.ledger.exists():
        with Ledger(settings.ledger) as ledger:
            known = [job for job in ledger.of_task(task_id) if job.account == settings.account]
            if known:
                return _wait_known(made, ledger, known[0], destination, listener, cancel, overwrite=overwrite)
    task = made.wait(task_id, listener=listener, cancel=cancel)
    file = download(
        task, destination, settings=settings, listener=listener, cancel=cancel, overwrite=overwrite
    ).absolute()
    if problems := problems_of(file, None):
        return Mismatched(source=Path(task_id), file=file, task_ids=(task_id,), problems=problems, job_id="")
    return Succeeded(source=Path(task_id), file=file, task_ids=(task_id,), submitted=0, quality=task.quality)


def _wait_known(
    made: RemovalClient,
    ledger: Ledger,
    known: Job,
    destination: Path,
    listener: Listener,
    cancel: Cancel | None,
    *,
    overwrite: bool,
) -> Result:
    with ledger.lease(known.id, wait=made.settings.deadline, cancel=cancel) as job:
        options = RemovalOptions()
        driver = JobDriver(
            ledger=ledger, settings=made.settings, client=made, options=options, listener=listener, cancel=cancel
        )
        return complete(_collect(driver, job, destination, overwrite=overwrite), cancel=cancel)


def result_name(task_id: str) -> str:
    """Return a name for the result of a task that stays in its folder whatever the id is."""
    safe = re.sub(r"[^0-9A-Za-z_]", "-", task_id[:100])
    return f"task-{safe}.mp4" if not safe or safe.startswith("-") else f"{safe}.mp4"
