"""The ledger of paid jobs: every intent is durable here before its effect."""

from __future__ import annotations

import heapq
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict, Unpack

from preflight.errors import CancelledError, JobBusyError, LedgerError, UsageError
from preflight.events import Cancel
from preflight.ledger import database, rows
from preflight.ledger.owner import BEAT_INTERVAL, current_owner, is_alive
from preflight.ledger.states import Change, Job, State, identify
from preflight.ledger.upload_log import UploadLog
from preflight.model.job import SecretUrl

LEASE_POLL_INTERVAL = 0.25
"""Seconds between two attempts to take a lease that another owner holds."""

FIRST_PAGE_SIZE = 50
"""Jobs that are read at first: a caller may want no more than a screen of them."""

PAGE_SIZE = 500
"""Jobs that are read at a time later: about 1 MB, and 10 ms in which the ledger's lock is held."""

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
    sent: str | None


class Ledger:
    """An open ledger, for all threads of a process. Use it as a context manager.

    A job is changed only while its lease is held here. No method's cost grows with the number of jobs, except that of
    `count`, `verify` and a full iteration. Every method raises LedgerError when the file is locked, damaged or
    read-only. `uploads` remembers multipart uploads that were begun.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._owner = current_owner()
        self._epochs: dict[str, int] = {}
        self._unreleased: dict[str, int] = {}
        self._closed = threading.Event()
        self._connection = database.connect(path)
        self._heart: threading.Thread | None = None
        self.uploads = UploadLog(self._reading, self._writing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._heart is not None:
            self._heart.join()
            # The end is clean either way: a dead owner without leases is forgotten by the next one.
            with suppress(LedgerError):
                self._retry_releases()
                with self._writing() as connection:
                    rows.remove_owner(connection, self._owner)
        self._connection.close()

    def verify(self) -> None:
        """Read the whole file and raise LedgerError when it is damaged. The time grows with the number of jobs."""
        with self._reading() as connection:
            database.verify(connection, self.path)

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

        `request` is the JSON of what a later process needs to continue, without secrets; the last one is kept.
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
            found = rows.with_prefix(connection, job_id, limit=2) if job_id else []
        if len(found) != 1:
            what = "No job" if not found else "More than one job"
            raise UsageError(f"{what} has an id that starts with {job_id!r}.", hint="`preflight jobs` lists them.")
        return found[0]

    def find(self, digest: str, parameters: str, account: str) -> tuple[Job, ...]:
        """Return the known jobs of this content, parameters and account: the segments in order, () when none."""
        _, group = identify(digest, parameters, account)
        return self.group(group)

    def group(self, group: str) -> tuple[Job, ...]:
        """Return the jobs of one video, its segments in order."""
        with self._reading() as connection:
            return tuple(rows.in_group(connection, group))

    def iterate(self, *, states: Iterable[State] = (), only_open: bool = False) -> Iterator[Job]:
        """Yield jobs, oldest first, a page at a time: of the given states, or all when none are given.

        `only_open` leaves out those with nothing left to do. Memory and the time to the first job don't depend on how
        many there are; jobs that change meanwhile may be met in either state.
        """
        wanted = sorted(set(states))
        streams = [self._pages(state, only_open=only_open) for state in wanted or (None,)]
        yield from heapq.merge(*streams, key=lambda job: (job.created.isoformat(), job.id))

    def _pages(self, state: State | None, *, only_open: bool) -> Iterator[Job]:
        after: rows.Page | None = None
        limit = FIRST_PAGE_SIZE
        while True:
            with self._reading() as connection:
                page = rows.page(connection, state=state, only_open=only_open, after=after, limit=limit)
            yield from page
            if len(page) < limit:
                return
            after = (page[-1].created, page[-1].id)
            limit = min(PAGE_SIZE, 2 * limit)

    def jobs(self, *, states: Iterable[State] = ()) -> tuple[Job, ...]:
        """Return all jobs of the given states at once, oldest first; `iterate` is for many."""
        return tuple(self.iterate(states=states))

    def changes(self, after: tuple[datetime, str] | None = None) -> Iterator[Job]:
        """Yield the jobs that changed after the change `after` (its time and job id), in the order of the changes."""
        last = after or (datetime.min.replace(tzinfo=UTC), "")
        while True:
            with self._reading() as connection:
                page = rows.updated_since(connection, last, limit=PAGE_SIZE)
            yield from page
            if len(page) < PAGE_SIZE:
                return
            last = (page[-1].updated, page[-1].id)

    def count(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        with self._reading() as connection:
            return rows.count(connection)

    def open_jobs_of(self, source: Path) -> tuple[Job, ...]:
        """Return the jobs of `source` with something left to do, oldest first."""
        with self._reading() as connection:
            return tuple(rows.open_of_source(connection, source))

    def of_task(self, task_id: str) -> tuple[Job, ...]:
        """Return the jobs with this task id; more than one only for different accounts."""
        with self._reading() as connection:
            return tuple(rows.of_task(connection, task_id))

    def is_object_needed(self, key: str) -> bool:
        """Return whether a job that has not ended may still need the uploaded object `key` to be fetched."""
        with self._reading() as connection:
            return rows.is_needed(connection, key)

    def is_contested(self, target: Path, group: str) -> bool:
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
                    task_id=rows.restored_task_id(row["task_id"]),
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
        """Settle a leased `unknown` or `mismatched` job by a person's word: queued, submitted (its id) or cancelled.

        A task id that was given before may have been a wrong one, so such a job can be settled again until it is done.
        Raises UsageError for any other job.
        """
        job = self.get(job_id)
        if job.state not in {State.UNKNOWN, State.MISMATCHED} and not self._has_given_task(job):
            raise UsageError(
                f"Job {job.id} is {job.state}, neither unknown nor mismatched.", hint="There is nothing to settle."
            )
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
        end = time.monotonic() + wait
        while True:
            try:
                job = self.acquire(job_id)
                break
            except JobBusyError:
                if cancel is not None and cancel.is_set():
                    raise CancelledError("Stopped on request.") from None
                if time.monotonic() >= end:
                    raise
            time.sleep(LEASE_POLL_INTERVAL)
        try:
            yield job
        finally:
            self.release(job_id)

    def acquire(self, job_id: str) -> Job:
        """Take the lease of a job and return the job as it is now. Raises JobBusyError at once; see `lease`."""
        self._retry_releases()
        with self._writing() as connection:
            other, silent, _ = rows.owner_of(connection, job_id)
            if other is not None and is_alive(other, here=self._owner.machine, silent=silent):
                raise JobBusyError(
                    f"Job {job_id} is being worked on by process {other.pid}.", hint="Wait for it, or stop it."
                )
            if self._heart is None:
                rows.remove_dead_owners(connection)
                rows.put_owner(connection, self._owner)
            epoch = rows.put_lease(connection, job_id, self._owner)
            job = _recovered(connection, job_id)
            self._start_heartbeat()
        self._epochs[job_id] = epoch
        return job

    def release(self, job_id: str) -> None:
        """Give a lease back. What can't be written now is written with the next heartbeat."""
        epoch = self._epochs.pop(job_id, None)
        if epoch is None:
            return
        try:
            with self._writing() as connection:
                rows.remove_lease(connection, job_id, self._owner, epoch)
        except LedgerError:
            self._unreleased[job_id] = epoch

    def release_all(self) -> None:
        """Give back every lease that is held here, in one transaction: ten thousand of them within a second."""
        with self._lock:
            self._epochs.clear()
            self._unreleased.clear()
            with self._writing() as connection:
                rows.remove_leases(connection, self._owner)

    def holder(self, job_id: str) -> int | None:
        """Return the process id of the living holder of a job, or None."""
        with self._reading() as connection:
            owner, silent, _ = rows.owner_of(connection, job_id)
        return owner.pid if owner and is_alive(owner, here=self._owner.machine, silent=silent) else None

    def _require_lease(self, connection: sqlite3.Connection, job_id: str) -> None:
        owner, _, epoch = rows.owner_of(connection, job_id)
        if owner is None or owner.id != self._owner.id or epoch != self._epochs.get(job_id):
            raise LedgerError(f"Job {job_id} is not leased here, or the lease was taken over.")

    def _retry_releases(self) -> None:
        with self._lock:
            if self._unreleased:
                with self._writing() as connection:
                    for job_id, epoch in self._unreleased.items():
                        rows.remove_lease(connection, job_id, self._owner, epoch)
                self._unreleased.clear()

    def _start_heartbeat(self) -> None:
        if self._heart is None:
            self._heart = threading.Thread(target=self._keep_beating, name="ledger-heartbeat", daemon=True)
            self._heart.start()

    def _keep_beating(self) -> None:
        while not self._closed.wait(BEAT_INTERVAL):
            # The next change tells the error to a caller who can act on it.
            with suppress(LedgerError):
                self._retry_releases()
                with self._writing() as connection:
                    rows.put_owner(connection, self._owner)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, database.translated_errors(self.path), database.transaction(self._connection):
            yield self._connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, database.translated_errors(self.path):
            yield self._connection


def _recovered(connection: sqlite3.Connection, job_id: str) -> Job:
    job = rows.job_of(connection, job_id)
    if job is None:
        raise rows.missing(job_id)
    if job.state is not State.SUBMITTING:
        return job
    cause = "the process that was submitting ended before the answer"
    return rows.move(connection, job_id, Change(to=State.UNKNOWN, at=datetime.now(UTC), cause=cause))
