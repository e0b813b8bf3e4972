"""The states of a job and the only moves between them. Pure: a job and a change in, the changed job out."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from preflight.errors import LedgerError
from preflight.model.job import SecretUrl


class State(StrEnum):
    """Where a job stands. `SUBMITTING` is durable before the request that costs money leaves."""

    QUEUED = "queued"
    FIXED = "fixed"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    RUNNING = "running"
    DONE = "done"
    FETCHED = "fetched"
    MISMATCHED = "mismatched"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


ACCEPTED = frozenset({State.SUBMITTED, State.RUNNING, State.DONE, State.FETCHED, State.MISMATCHED})
"""The service has accepted the job: it has a task id and is paid for."""

ENDED = frozenset({State.FETCHED, State.MISMATCHED, State.FAILED, State.CANCELLED})
"""The service has nothing more to do for the job."""

CLAIMABLE = frozenset(State) - ENDED - {State.UNKNOWN} | {State.FETCHED}
"""An open job in one of these states can be continued by any process; only a person settles an unknown one."""

_BEFORE = {State.FAILED, State.CANCELLED}
MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.FIXED, State.UPLOADING, *_BEFORE}),
    # The fixed file is temporary: without it, the work starts over.
    State.FIXED: frozenset({State.UPLOADING, State.QUEUED, *_BEFORE}),
    State.UPLOADING: frozenset({State.UPLOADED, State.QUEUED, *_BEFORE}),
    State.UPLOADED: frozenset({State.SUBMITTING, State.UPLOADING, State.QUEUED, *_BEFORE}),
    # Back to uploaded only when the request provably was not accepted.
    State.SUBMITTING: frozenset({State.SUBMITTED, State.UPLOADED, State.UNKNOWN, State.FAILED}),
    State.SUBMITTED: frozenset({State.RUNNING, State.DONE, State.FAILED}),
    State.RUNNING: frozenset({State.DONE, State.FAILED}),
    State.DONE: frozenset({State.FETCHED, State.FAILED}),
    # The fetched file is gone: the task is asked again.
    State.FETCHED: frozenset({State.DONE, State.MISMATCHED, State.FAILED}),
    # The result differs from what was sent; it is paid for, so only a person may send the video again.
    State.MISMATCHED: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
    State.UNKNOWN: frozenset(),
}
"""What the program may do by itself. A move to the same state is a remark and always allowed."""

RESOLUTIONS = frozenset({State.SUBMITTED, State.QUEUED, State.CANCELLED})
"""Where only a person may take a job: of an unknown or mismatched one, or one whose task id was given by hand."""

_OPEN_TO_A_PERSON = frozenset({State.UNKNOWN, State.MISMATCHED, State.SUBMITTED, State.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One paid job: what is to be cleaned (`digest` of the source, `parameters`, `account`) and how far it is.

    Unique on digest, parameters, account and segment; `segment` of `segments` counts from 1 in a split video, whose
    jobs share `group`. `url` is the result's without its query string: a fresh one is had with `task_id`. `key` is the
    uploaded object's. `file` is what was fetched, and the finished file once it is at its `target`. `request` is the
    JSON of what a later `resume` has to know to continue, `sent` the JSON of the measures of the file that was sent.
    `attempt` counts from 1 and rises when an ended job is queued again. `cost` is what its submit may cost, in
    millionths of the currency; 0 when no price is known.
    """

    id: str
    group: str
    digest: str
    parameters: str
    account: str
    source: Path
    segment: int = 1
    segments: int = 1
    state: State = State.QUEUED
    attempt: int = 1
    task_id: str | None = None
    key: str | None = None
    url: str | None = None
    file: Path | None = None
    target: Path | None = None
    code: int | str | None = None
    message: str | None = None
    request: str = "{}"
    sent: str | None = None
    cost: int = 0
    created: datetime
    updated: datetime

    @property
    def name(self) -> str:
        """The source as it was given: a path has no place for the two slashes of a URL."""
        return re.sub(r"^(https?):/(?=[^/])", r"\1://", str(self.source))

    @property
    def is_open(self) -> bool:
        """True while something is left to do: the job has not ended, or the finished file is not at its target yet."""
        if self.state is State.FETCHED:
            return self.file is None or self.file != self.target
        return self.state not in ENDED

    @property
    def disagreement(self) -> bool:
        """True when the service refused with 700-703 a file that our own check had passed."""
        return self.state is State.FAILED and self.code in {700, 701, 702, 703}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A move to `to`, why, and what became known with it (None: nothing new).

    `by_person` says that a person settles the job; `is_late` that the service's answer came after the job was declared
    unknown, which settles it as well.
    """

    to: State
    at: datetime
    cause: str
    task_id: str | None = None
    key: str | None = None
    url: SecretUrl | str | None = None
    file: Path | None = None
    target: Path | None = None
    code: int | str | None = None
    message: str | None = None
    sent: str | None = None
    cost: int | None = None
    by_person: bool = False
    is_late: bool = False


def apply(job: Job, change: Change) -> Job:
    """Return `job` after `change`. Raises LedgerError for a move that the states do not have."""
    to = change.to
    allowed = MOVES[job.state] | {job.state}
    if change.by_person and job.state in _OPEN_TO_A_PERSON:
        allowed |= RESOLUTIONS
    if change.is_late and job.state is State.UNKNOWN:
        allowed |= {State.SUBMITTED}
    if to not in allowed:
        hint = f"`preflight jobs resolve {job.id}` settles it." if job.state is State.UNKNOWN else None
        raise LedgerError(f"Job {job.id} can't go from {job.state} to {to}.", hint=hint)
    again = to is State.QUEUED and job.state is not State.QUEUED
    start = (
        replace(job, task_id=None, url=None, file=None, target=None, code=None, message=None, key=None)
        if again
        else job
    )
    moved = replace(
        start,
        state=to,
        updated=change.at,
        attempt=job.attempt + 1 if again else job.attempt,
        task_id=change.task_id or start.task_id,
        key=change.key or start.key,
        url=_without_query(change.url) or start.url,
        file=change.file or start.file,
        target=change.target or start.target,
        code=change.code if change.code is not None else start.code,
        message=change.message or start.message,
        sent=change.sent or start.sent,
        cost=change.cost if change.cost is not None else start.cost,
    )
    _require_facts(moved, change)
    return moved


def spending(job: Job, moved: Job) -> int:
    """Return how much more of the account's budget is used after a move of `job` to `moved`.

    The cost counts from the moment in which the submit may leave, and is given back when it was not accepted.
    """
    if moved.state is State.SUBMITTING and job.state is not State.SUBMITTING:
        return moved.cost
    refused = {State.UPLOADED, State.FAILED, State.QUEUED, State.CANCELLED}
    if job.state in {State.SUBMITTING, State.UNKNOWN} and moved.state in refused:
        return -job.cost
    return 0


def _require_facts(job: Job, change: Change) -> None:
    """Refuse a state without the fact that makes it useful to a later process."""
    if job.state in ACCEPTED and not job.task_id:
        raise LedgerError(f"Job {job.id} can't be {job.state} without a task id.")
    if job.state in {State.FETCHED, State.MISMATCHED} and job.file is None:
        raise LedgerError(f"Job {job.id} can't be {job.state} without a file.")
    if not change.cause:
        raise LedgerError(f"Job {job.id} can't become {job.state} without a cause.")


def identify(digest: str, parameters: str, account: str, segment: int = 1, segments: int = 1) -> tuple[str, str]:
    """Return the ids of the job and of its group: short digests of what makes them unique."""
    what = f"{digest}\0{parameters}\0{account}"
    group = hashlib.sha256(what.encode()).hexdigest()[:12]
    if segments == 1:
        return group, group
    return hashlib.sha256(f"{what}\0{segment}/{segments}".encode()).hexdigest()[:12], group


def _without_query(url: SecretUrl | str | None) -> str | None:
    """Return a URL without its query string, which may be a credential."""
    text = url.reveal() if isinstance(url, SecretUrl) else url
    return str(SecretUrl(text.partition("?")[0].partition("#")[0])) if text else None
