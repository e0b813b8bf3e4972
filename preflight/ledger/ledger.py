"""The ledger of paid jobs: every intent is durable here before its effect."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict, Unpack

from preflight.errors import CancelledError, JobBusyError, LedgerError, UsageError
from preflight.events import Cancel
from preflight.ledger import database, rows
from preflight.ledger.owner import BEAT, Owner, is_alive, myself
from preflight.ledger.states import Change, Job, State, identify
from preflight.ledger.upload_log import UploadLog
from preflight.model.job import SecretUrl

_POLL = 0.25
_TASK_GIVEN = "resolved: task id given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One entry of a job's history; `origin` None is its beginning."""

    at: datetime
    origin: State | None
    state: State
    cause: str
    attempt: int
    task_id: str | None = None
    code: int | str | None = None


class Facts(TypedDict, total=False):
    """What became known with a move: see the fields of `Job` with these names."""

    task_id: str | None
    key: str | None
    url: SecretUrl | str | None
    file: Path | None
    target: Path | None
    code: int | str | None
    message: str | None


class Ledger:
    """An open ledger, for all threads of a process. Use it as a context manager.

    Reading is free; a job is changed only inside its `lease`. Every method raises LedgerError when the file is locked,
    damaged or read-only. `uploads` remembers begun multipart uploads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._held: dict[str, Owner] = {}
        self._closed = threading.Event()
        self._connection = database.connect(path)
        self._beating: threading.Thread | None = None
        self.uploads = UploadLog(self._reading, self._writing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._closed.set()
        if self._beating is not None:
            self._beating.join()
        self._connection.close()

    # Jobs

    def claim(
        self,
        digest: str,
        parameters: str,
        account: str,
        *,
        source: Path,
        segment: int = 1,
        segments: int = 1,
        request: str | None = None,
    ) -> Job:
        """Return the job of this content, parameters and account: the known one, or a new one that is queued.

        `request` is the JSON of what a later process needs to go on, without secrets; the last one is kept.
        """
        job_id, group = identify(digest, parameters, account, segment, segments)
        now = datetime.now(UTC)
        job = Job(
            id=job_id,
            group=group,
            digest=digest,
            parameters=parameters,
            account=account,
            source=source,
            segment=segment,
            segments=segments,
            request=request or "{}",
            created=now,
            updated=now,
        )
        with self._writing() as connection:
            found = rows.job_of(connection, job_id)
            if found is not None:
                if request is None or found.request == job.request:
                    return found
                found = replace(found, request=job.request, source=source)
                rows.put(connection, found)
                return found
            rows.put(connection, job)
            rows.note(connection, job, None, "claimed")
            return job

    def get(self, job_id: str) -> Job:
        """Return the job whose id starts with `job_id`. Raises UsageError when there is none, or more than one."""
        with self._reading() as connection:
            found = rows.jobs(connection, prefix=job_id) if job_id else []
        if len(found) != 1:
            what = "No job" if not found else "More than one job"
            raise UsageError(f"{what} has an id that starts with {job_id!r}.", hint="`preflight jobs` lists them.")
        return found[0]

    def find(self, digest: str, parameters: str, account: str) -> tuple[Job, ...]:
        """Return the known jobs of this content, parameters and account: the segments in order, () when none."""
        _, group = identify(digest, parameters, account)
        return self.jobs(group=group)

    def jobs(self, *, states: Iterable[State] = (), group: str | None = None) -> tuple[Job, ...]:
        """Return jobs, oldest first, of the given states (all when none are given) and group."""
        with self._reading() as connection:
            return tuple(rows.jobs(connection, states=tuple(states), group=group))

    def needed(self, key: str) -> bool:
        """Return whether a job that has not ended yet may still want the uploaded object `key` to be fetched."""
        with self._reading() as connection:
            return rows.is_needed(connection, key)

    def contested(self, target: Path, group: str) -> bool:
        """Return whether another group's finished file is on its way to `target`."""
        with self._reading() as connection:
            return rows.is_contested(connection, target, group)

    def history(self, job_id: str) -> tuple[Transition, ...]:
        """Return every transition of a job in the order it happened."""
        with self._reading() as connection:
            return tuple(
                Transition(
                    at=datetime.fromisoformat(row["at"]),
                    origin=State(row["origin"]) if row["origin"] else None,
                    state=State(row["state"]),
                    cause=row["cause"],
                    attempt=row["attempt"],
                    task_id=row["task_id"],
                    code=rows.code(row["code"]),
                )
                for row in connection.execute("SELECT * FROM transitions WHERE job = ? ORDER BY seq", (job_id,))
            )

    def advance(self, job_id: str, new_state: State, *, cause: str, **facts: Unpack[Facts]) -> Job:
        """Move a leased job and return it; it is durable when this returns. Raises LedgerError for a wrong move.

        `cause` says why in a few words. Of a `url` only what is before the query string is kept.
        """
        return self._change(job_id, Change(to=new_state, at=datetime.now(UTC), cause=cause, **facts))

    def resolve(self, job_id: str, to: State, *, task_id: str | None = None) -> Job:
        """Settle a leased `unknown` job by a person's word: queued (send again), submitted (its id) or cancelled.

        A task id that was given before may have been a wrong one, so such a job can be settled again until it is done.
        Raises UsageError for any other job.
        """
        job = self.get(job_id)
        if job.state is not State.UNKNOWN and not self._has_given_task(job):
            raise UsageError(f"Job {job.id} is {job.state}, not unknown.", hint="There is nothing to settle.")
        cause = {State.QUEUED: "resolved: send again", State.SUBMITTED: _TASK_GIVEN}
        change = Change(
            to=to, at=datetime.now(UTC), cause=cause.get(to, "resolved: dropped"), task_id=task_id, by_person=True
        )
        return self._change(job_id, change)

    def _has_given_task(self, job: Job) -> bool:
        steps = [step for step in self.history(job.id) if step.attempt == job.attempt]
        return job.state in {State.SUBMITTED, State.RUNNING} and any(step.cause == _TASK_GIVEN for step in steps)

    def forget(self, job_id: str) -> None:
        """Delete a leased job and its history: a later run of the same content pays again."""
        with self._writing() as connection:
            self._require_lease(connection, job_id)
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def _change(self, job_id: str, change: Change) -> Job:
        with self._writing() as connection:
            self._require_lease(connection, job_id)
            return rows.move(connection, job_id, change)

    # Leases

    @contextmanager
    def lease(self, job_id: str, *, wait: float = 0.0, cancel: Cancel | None = None) -> Iterator[Job]:
        """Hold a job alone, among all processes and threads, and get it as it is now.

        Waits up to `wait` seconds for another holder, then raises JobBusyError. A dead holder's lease is taken over;
        a job it left while submitting becomes `unknown`, since the request may have been accepted.
        """
        owner = myself()
        job = self._take(job_id, owner, wait=wait, cancel=cancel)
        self._beat()
        try:
            yield job
        finally:
            with self._writing() as connection:
                self._held.pop(job_id, None)
                connection.execute("DELETE FROM leases WHERE job = ? AND holding = ?", (job_id, owner.holding))

    def holder(self, job_id: str) -> int | None:
        """Return the process id of the living holder of a job, or None."""
        with self._reading() as connection:
            owner, silent = rows.owner_of(connection, job_id)
        return owner.pid if owner and is_alive(owner, here=myself().machine, silent=silent) else None

    def _take(self, job_id: str, owner: Owner, *, wait: float, cancel: Cancel | None) -> Job:
        end = time.monotonic() + wait
        while True:
            with self._writing() as connection:
                other, silent = rows.owner_of(connection, job_id)
                if other is None or not is_alive(other, here=owner.machine, silent=silent):
                    rows.put_lease(connection, job_id, owner)
                    self._held[job_id] = owner
                    return _recovered(connection, job_id)
            if cancel is not None and cancel.is_set():
                raise CancelledError("Stopped on request.")
            if time.monotonic() >= end:
                raise JobBusyError(
                    f"Job {job_id} is being worked on by process {other.pid}.", hint="Wait for it, or stop it."
                )
            time.sleep(_POLL)

    def _require_lease(self, connection: sqlite3.Connection, job_id: str) -> None:
        mine, (owner, _) = self._held.get(job_id), rows.owner_of(connection, job_id)
        if mine is None or owner is None or owner.holding != mine.holding:
            raise LedgerError(f"Job {job_id} is not leased here, or the lease was taken over.")

    def _beat(self) -> None:
        with self._lock:
            if self._beating is None:
                self._beating = threading.Thread(target=self._keep_beating, name="ledger-lease", daemon=True)
                self._beating.start()

    def _keep_beating(self) -> None:
        while not self._closed.wait(BEAT):
            try:
                with self._writing() as connection:
                    for owner in self._held.values():
                        connection.execute("UPDATE leases SET beat = ? WHERE holding = ?", (time.time(), owner.holding))
            except LedgerError:
                # The next change will say so to someone who can act on it.
                continue

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, database.said(self.path), database.transaction(self._connection):
            yield self._connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, database.said(self.path):
            yield self._connection


def _recovered(connection: sqlite3.Connection, job_id: str) -> Job:
    job = rows.job_of(connection, job_id)
    if job is None:
        raise LedgerError(f"Job {job_id} is not in the ledger.", hint="`preflight jobs` lists them.")
    if job.state is not State.SUBMITTING:
        return job
    cause = "the process that was submitting ended before the answer"
    return rows.move(connection, job_id, Change(to=State.UNKNOWN, at=datetime.now(UTC), cause=cause))
