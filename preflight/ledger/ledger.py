"""The ledger of paid jobs: every intent is durable here before its effect."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict, Unpack

from preflight.errors import CancelledError, JobBusyError, LedgerError, UsageError
from preflight.events import Cancel
from preflight.ledger import holders, rows
from preflight.ledger.accounts import AccountLog
from preflight.ledger.backend import Backend, LedgerCheck, Session
from preflight.ledger.location import open_backend
from preflight.ledger.owner import BEAT_INTERVAL, Owner, current_owner, is_alive
from preflight.ledger.states import Change, Job, State, identify
from preflight.ledger.upload_log import UploadLog
from preflight.model.job import SecretUrl
from preflight.settings import LedgerUrl

_log = logging.getLogger(__name__)


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
    cost: int


class Ledger:
    """An open ledger, for all threads of a process. Use it as a context manager.

    A job is changed only while its lease is held here. No method's cost grows with the number of jobs, except that of
    `count`, `verify` and a full iteration. Every method raises LedgerError when the database is locked, damaged or out
    of reach. `uploads` remembers multipart uploads that were begun, `accounts` the rate and the budget of each account.

    Args:
        location: A file of this machine, or the address of a PostgreSQL database; see `Settings.ledger`.
    """

    def __init__(self, location: Path | LedgerUrl) -> None:
        self._backend: Backend = open_backend(location)
        self._lock = threading.RLock()
        self._owner = current_owner()
        self._epochs: dict[str, int] = {}
        self._unreleased: dict[str, int] = {}
        self._taking: set[str] = set()
        self._closed = threading.Event()
        self._heart: threading.Thread | None = None
        self.uploads = UploadLog(self._backend)
        self.accounts = AccountLog(self._backend)

    @property
    def name(self) -> str:
        """Where the ledger is, without a password."""
        return self._backend.name

    @property
    def is_shared(self) -> bool:
        """True when processes on other machines may use it."""
        return self._backend.is_shared

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger; safe to call twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._heart is not None:
            self._heart.join()
            # The end is clean either way: a dead owner without leases is forgotten by the next one.
            with suppress(LedgerError):
                self._retry_releases()
                self._backend.write(lambda session: holders.remove_owner(session, self._owner))
        self._backend.close()

    def verify(self) -> None:
        """Raise LedgerError when the data are damaged. The time grows with the number of jobs."""
        self._backend.verify()

    def checks(self) -> list[LedgerCheck]:
        """Return what an administrator should know of the database's set-up."""
        return self._backend.checks()

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

        def work(session: Session) -> Job:
            if rows.insert(session, job):
                rows.note(session, job, None, "claimed")
                return job
            found, _ = rows.locked(session, job_id)
            if request is None or found.request == job.request:
                return found
            found = replace(found, request=job.request, source=source)
            rows.update(session, found)
            return found

        known = self._backend.read(lambda session: rows.job_of(session, job_id))
        if known is not None and (request is None or known.request == request):
            return known
        return self._backend.write(work)

    def get(self, job_id: str) -> Job:
        """Return the job whose id starts with `job_id`. Raises UsageError when there is none, or more than one."""
        found = self._backend.read(lambda session: rows.with_prefix(session, job_id, limit=2)) if job_id else []
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
        return tuple(self._backend.read(lambda session: rows.in_group(session, group)))

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
            page = self._backend.read(partial(rows.page, state=state, only_open=only_open, after=after, limit=limit))
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
            page = self._backend.read(partial(rows.updated_since, after=last, limit=PAGE_SIZE))
            yield from page
            if len(page) < PAGE_SIZE:
                return
            last = (page[-1].updated, page[-1].id)

    def count(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        return self._backend.read(rows.count)

    def open_jobs_of(self, source: Path) -> tuple[Job, ...]:
        """Return the jobs of `source` with something left to do, oldest first."""
        return tuple(self._backend.read(lambda session: rows.open_of_source(session, source)))

    def of_task(self, task_id: str) -> tuple[Job, ...]:
        """Return the jobs with this task id; more than one only for different accounts."""
        return tuple(self._backend.read(lambda session: rows.of_task(session, task_id)))

    def is_object_needed(self, key: str) -> bool:
        """Return whether a job that has not ended may still need the uploaded object `key` to be fetched."""
        return self._backend.read(lambda session: rows.is_needed(session, key))

    def is_contested(self, target: Path, group: str) -> bool:
        """Return whether another group's finished file is on its way to `target`."""
        return self._backend.read(lambda session: rows.is_contested(session, target, group))

    def history(self, job_id: str) -> tuple[Transition, ...]:
        """Return every transition of a job in the order it happened."""
        query = "SELECT * FROM transitions WHERE job = ? ORDER BY seq"
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
            for row in self._backend.read(lambda session: session.all(query, (job_id,)))
        )

    def prune(self, before: datetime) -> int:
        """Delete the histories of jobs that have ended and were last changed before this time; return how many.

        The jobs themselves stay: they are what keeps a video from being paid for twice.
        """
        number = 0
        after = (datetime.min.replace(tzinfo=UTC), "")
        while True:
            page = self._backend.write(partial(rows.prune, after=after, before=before, limit=PAGE_SIZE))
            number += page.deleted
            if page.last is None:
                return number
            after = page.last

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

        def work(session: Session) -> None:
            self._held(session, job_id)
            for table, column in (("transitions", "job"), ("leases", "job"), ("jobs", "id")):
                session.run(f"DELETE FROM {table} WHERE {column} = ?", (job_id,))  # noqa: S608

        self._backend.write(work)

    def record_accepted(self, job: Job, task_id: str) -> Job:
        """Record that the service has accepted the submit of `job` as this task, whoever holds the job by now.

        An answer that arrives after the lease was lost settles the job that was declared unknown meanwhile. When the
        job has gone on in another way, the task id is noted in its history. Returns the job as it is then.
        """

        def work(session: Session) -> Job:
            found, epoch = rows.locked(session, job.id)
            at = datetime.now(UTC)
            if epoch == self._epochs.get(job.id) and found.state is not State.UNKNOWN:
                return rows.move(session, found, Change(to=State.SUBMITTED, at=at, cause="accepted", task_id=task_id))
            if found.task_id == task_id:
                return found
            if found.state is State.UNKNOWN and found.attempt == job.attempt:
                late = Change(
                    to=State.SUBMITTED, at=at, cause="accepted; the answer came late", task_id=task_id, is_late=True
                )
                return rows.move(session, found, late)
            other = replace(found, task_id=task_id, updated=at)
            rows.note(session, other, found.state, f"a late answer names the task {task_id}")
            return found

        accepted = self._backend.write(work)
        _log.info("job %s is %s: accepted as task %r", job.id, accepted.state, task_id)
        return accepted

    def _change(self, job_id: str, change: Change) -> Job:
        job = self._backend.write(lambda session: rows.move(session, self._held(session, job_id), change))
        _log.info("job %s is %s: %s", job.id, job.state, change.cause)
        return job

    def _held(self, session: Session, job_id: str) -> Job:
        """Return a job whose lease is held here, locked. Raises LedgerError for any other job."""
        job, epoch = rows.locked(session, job_id)
        if epoch != self._epochs.get(job_id):
            raise LedgerError(f"Job {job_id} is not leased here, or the lease was taken over.")
        return job

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
        with self._taken_alone([job_id]):

            def work(session: Session) -> tuple[Job, int]:
                rows.locked(session, job_id)
                other, silent = holders.owner_of(session, job_id)
                if other is not None and other.id != self._owner.id and self._is_alive(other, silent):
                    raise JobBusyError(
                        f"Job {job_id} is being worked on by process {other.pid}.", hint="Wait for it, or stop it."
                    )
                return self._take(session, [job_id])[0]

            job, epoch = self._backend.write(work)
            self._epochs[job_id] = epoch
        self._start_heartbeat()
        return job

    def acquire_open(self, limit: int) -> list[Job]:
        """Take the leases of up to `limit` open jobs that nobody works on, the oldest first, in one transaction.

        Unknown jobs are left out: only a person settles them. Several processes get different jobs and don't wait for
        each other.
        """
        self._retry_releases()

        def work(session: Session) -> list[tuple[Job, int]]:
            alive = holders.living(session, is_shared=self.is_shared)
            found = rows.claimable(session, [*alive, self._owner.id], limit=limit)
            return self._take(session, [job.id for job in found])

        # No other thread may see a lease of this process whose epoch is not noted yet.
        with self._lock:
            taken = self._backend.write(work)
            self._epochs.update({job.id: epoch for job, epoch in taken})
        if taken:
            self._start_heartbeat()
        return [job for job, _ in taken]

    def _take(self, session: Session, job_ids: list[str]) -> list[tuple[Job, int]]:
        """Make this process the holder of locked jobs that nobody holds; return them and their epochs."""
        if not job_ids:
            return []
        if self._heart is None:
            holders.remove_dead_owners(session, is_shared=self.is_shared)
        # Also later: it is gone when others took a process that was stopped for long for dead.
        holders.put_owner(session, self._owner)
        epochs = holders.put_leases(session, job_ids, self._owner)
        return [(_recovered(session, job_id), epochs[job_id]) for job_id in job_ids]

    @contextmanager
    def _taken_alone(self, job_ids: list[str]) -> Iterator[None]:
        """Keep other threads from jobs that are held here, or are being taken. Raises JobBusyError."""
        with self._lock:
            for job_id in job_ids:
                if job_id in self._epochs or job_id in self._taking:
                    raise JobBusyError(
                        f"Job {job_id} is being worked on by process {self._owner.pid}.",
                        hint="Wait for it, or stop it.",
                    )
            self._taking.update(job_ids)
        try:
            yield
        finally:
            with self._lock:
                self._taking.difference_update(job_ids)

    def release(self, job_id: str) -> None:
        """Give a lease back. What can't be written now is written with the next heartbeat."""
        epoch = self._epochs.pop(job_id, None)
        if epoch is None:
            return
        try:
            self._backend.write(lambda session: holders.remove_lease(session, job_id, self._owner, epoch))
        except LedgerError:
            self._unreleased[job_id] = epoch

    def release_all(self) -> None:
        """Give back every lease that is held here, in one transaction: ten thousand of them within a second."""
        with self._lock:
            self._epochs.clear()
            self._unreleased.clear()
            self._backend.write(lambda session: holders.remove_leases(session, self._owner))

    def holder(self, job_id: str) -> int | None:
        """Return the process id of the living holder of a job, or None."""
        owner, silent = self._backend.read(lambda session: holders.owner_of(session, job_id))
        return owner.pid if owner and self._is_alive(owner, silent) else None

    def _is_alive(self, owner: Owner, silent: float) -> bool:
        return is_alive(owner, here=self._owner.machine, silent=silent, is_shared=self.is_shared)

    def _retry_releases(self) -> None:
        with self._lock:
            waiting = dict(self._unreleased)
        if not waiting:
            return

        def work(session: Session) -> None:
            for job_id, epoch in waiting.items():
                holders.remove_lease(session, job_id, self._owner, epoch)

        self._backend.write(work)
        with self._lock:
            for job_id in waiting:
                self._unreleased.pop(job_id, None)

    def _start_heartbeat(self) -> None:
        with self._lock:
            if self._heart is None:
                self._heart = threading.Thread(target=self._keep_beating, name="ledger-heartbeat", daemon=True)
                self._heart.start()

    def _keep_beating(self) -> None:
        while not self._closed.wait(BEAT_INTERVAL):
            # The next change tells the error to a caller who can act on it.
            with suppress(LedgerError):
                self._retry_releases()
                self._backend.write(lambda session: holders.put_owner(session, self._owner))


def _recovered(session: Session, job_id: str) -> Job:
    job, _ = rows.locked(session, job_id)
    if job.state is not State.SUBMITTING:
        return job
    cause = "the process that was submitting ended before the answer"
    return rows.move(session, job, Change(to=State.UNKNOWN, at=datetime.now(UTC), cause=cause))
