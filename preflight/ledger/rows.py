"""The ledger's rows as values, and values as rows; each function runs inside the caller's transaction."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from preflight.errors import LedgerError
from preflight.ledger import accounts
from preflight.ledger.backend import Row, Session
from preflight.ledger.states import CLAIMABLE, Change, Job, State, apply, spending

_NAMES = (
    "id", "grp", "digest", "parameters", "account", "source", "segment", "segments", "state", "attempt", "task_id",
    "key", "url", "file", "target", "code", "message", "request", "created", "updated", "open", "sent",
    "cost",
)  # fmt: skip


def job_of(session: Session, job_id: str) -> Job | None:
    """Return the job with this id, or None."""
    row = session.one("SELECT * FROM jobs WHERE id = ?", (job_id,))
    return _job(row) if row else None


def locked(session: Session, job_id: str) -> tuple[Job, int]:
    """Return a job and its epoch, and keep others from changing it in this transaction. Raises LedgerError."""
    row = session.one(f"SELECT * FROM jobs WHERE id = ?{session.lock}", (job_id,))  # noqa: S608
    if row is None:
        raise missing(job_id)
    return _job(row), int(row["epoch"])


def claimable(session: Session, alive: list[str], *, limit: int) -> list[Job]:
    """Return up to `limit` open jobs that none of the holders `alive` has, oldest first, locked for this transaction.

    Those that another process is just taking are left out, so that no process waits for another one.
    """
    held = "FALSE"
    if alive:
        held = f"leases.holder IN ({', '.join('?' for _ in alive)})"
    states = ", ".join(f"'{state}'" for state in sorted(CLAIMABLE))
    query = (
        f"SELECT * FROM jobs WHERE open = 1 AND state IN ({states}) AND NOT EXISTS "  # noqa: S608
        f"(SELECT 1 FROM leases WHERE leases.job = jobs.id AND {held}) "
        f"ORDER BY created, id LIMIT ?{session.skip_locked}"
    )
    return [_job(row) for row in session.all(query, (*alive, limit))]


Page = tuple[datetime, str]
"""Creation time and id of the last job of a page."""


def with_prefix(session: Session, prefix: str, *, limit: int) -> list[Job]:
    """Return up to `limit` jobs whose id starts with `prefix`."""
    # A range uses the index where LIKE would not, and takes no wildcard.
    query = "SELECT * FROM jobs WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
    return [_job(row) for row in session.all(query, (prefix, prefix + "\U0010ffff", limit))]


def in_group(session: Session, group: str) -> list[Job]:
    """Return the jobs of one group, their segments in order."""
    query = "SELECT * FROM jobs WHERE grp = ? ORDER BY created, segment"
    return [_job(row) for row in session.all(query, (group,))]


def page(session: Session, *, state: str | None, only_open: bool, after: Page | None, limit: int) -> list[Job]:
    """Return the next `limit` jobs in the order of their creation, behind the job `after`.

    Each combination of filters has an index that holds the jobs in this order, so a page costs the same everywhere.
    """
    where, values = ["TRUE"], list[str | int]()
    if state is not None:
        where.append("state = ?")
        values.append(state)
    if only_open:
        where.append("open = 1")
    if after is not None:
        where.append("(created, id) > (?, ?)")
        values += [after[0].isoformat(), after[1]]
    query = f"SELECT * FROM jobs WHERE {' AND '.join(where)} ORDER BY created, id LIMIT ?"  # noqa: S608
    return [_job(row) for row in session.all(query, (*values, limit))]


def updated_since(session: Session, after: Page, *, limit: int) -> list[Job]:
    """Return the next `limit` jobs in the order of their last change, behind `after` (time of a change and id)."""
    query = "SELECT * FROM jobs WHERE (updated, id) > (?, ?) ORDER BY updated, id LIMIT ?"
    return [_job(row) for row in session.all(query, (after[0].isoformat(), after[1], limit))]


def open_of_source(session: Session, source: Path) -> list[Job]:
    """Return the open jobs of one source, oldest first."""
    query = "SELECT * FROM jobs WHERE source = ? AND open = 1 ORDER BY created, segment"
    return [_job(row) for row in session.all(query, (os.fsencode(source),))]


def of_task(session: Session, task_id: str) -> list[Job]:
    """Return the jobs with this task id."""
    query = "SELECT * FROM jobs WHERE task_id = ? ORDER BY created, id"
    return [_job(row) for row in session.all(query, (_storable(task_id),))]


def count(session: Session) -> dict[str, int]:
    """Return how many jobs are in each state. The time grows with the number of jobs."""
    query = "SELECT state, count(*) AS number FROM jobs GROUP BY state"
    return {row["state"]: row["number"] for row in session.all(query)}


def is_needed(session: Session, key: str) -> bool:
    """Return whether the service may still fetch the object `key` for some job."""
    states = (State.UPLOADED, State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.UNKNOWN)
    marks = ", ".join("?" * len(states))
    query = f"SELECT 1 FROM jobs WHERE key = ? AND open = 1 AND state IN ({marks}) LIMIT 1"  # noqa: S608
    return session.one(query, (key, *states)) is not None


def is_contested(session: Session, target: Path, group: str) -> bool:
    """Return whether another group's finished file is on its way to the same place."""
    query = "SELECT 1 FROM jobs WHERE target = ? AND open = 1 AND grp <> ? AND state IN (?, ?) LIMIT 1"
    states = (State.DONE, State.FETCHED)
    return session.one(query, (os.fsencode(target), group, *states)) is not None


def insert(session: Session, job: Job) -> bool:
    """Insert the row of a new job; return False when there is one with this id."""
    marks = ", ".join("?" for _ in _NAMES)
    query = f"INSERT INTO jobs ({', '.join(_NAMES)}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING"  # noqa: S608
    return session.run(query, _values(job)) == 1


def update(session: Session, job: Job) -> None:
    """Write the row of a known job."""
    changes = ", ".join(f"{name} = ?" for name in _NAMES[1:])
    session.run(f"UPDATE jobs SET {changes} WHERE id = ?", (*_values(job)[1:], job.id))  # noqa: S608


def _values(job: Job) -> tuple[object, ...]:
    """Return the values of `_NAMES`."""
    return (
        job.id,
        job.group,
        job.digest,
        job.parameters,
        job.account,
        os.fsencode(job.source),
        job.segment,
        job.segments,
        job.state,
        job.attempt,
        _storable(job.task_id),
        job.key,
        job.url,
        os.fsencode(job.file) if job.file else None,
        os.fsencode(job.target) if job.target else None,
        None if job.code is None else str(job.code),
        job.message,
        job.request,
        job.created.isoformat(),
        job.updated.isoformat(),
        int(job.is_open),
        job.sent,
        job.cost,
    )


def note(session: Session, job: Job, origin: State | None, cause: str) -> None:
    """Add to the history that `job` came from `origin`, and why."""
    session.run(
        "INSERT INTO transitions (job, at, origin, state, cause, attempt, task_id, code) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job.id,
            job.updated.isoformat(),
            origin,
            job.state,
            cause,
            job.attempt,
            _storable(job.task_id),
            None if job.code is None else str(job.code),
        ),
    )


def move(session: Session, job: Job, change: Change) -> Job:
    """Apply `change` to a locked job and write it with its history. Raises LedgerError, CreditError."""
    moved = apply(job, change)
    accounts.spend(session, job.account, spending(job, moved))
    update(session, moved)
    note(session, moved, job.state, change.cause)
    return moved


@dataclass(frozen=True, slots=True)
class Pruned:
    """Rows that were `deleted`, and the `last` job that was looked at, None at the end."""

    deleted: int
    last: Page | None


def prune(session: Session, after: Page, before: datetime, *, limit: int) -> Pruned:
    """Delete the histories of the next `limit` jobs that have ended and were last changed before a time."""
    query = (
        "SELECT id, updated FROM jobs WHERE open = 0 AND (updated, id) > (?, ?) AND updated < ? "
        "ORDER BY updated, id LIMIT ?"
    )
    found = session.all(query, (after[0].isoformat(), after[1], before.astimezone(UTC).isoformat(), limit))
    if not found:
        return Pruned(0, None)
    marks = ", ".join("?" for _ in found)
    deleted = session.run(f"DELETE FROM transitions WHERE job IN ({marks})", [row["id"] for row in found])  # noqa: S608
    return Pruned(deleted, (datetime.fromisoformat(found[-1]["updated"]), found[-1]["id"]))


_ESCAPED = "json:"


def _storable(task_id: str | None) -> str | None:
    """Return a task id as SQLite can store it: one with lone surrogates, which UTF-8 has no bytes for, as JSON."""
    if task_id is None:
        return None
    try:
        task_id.encode()
    except UnicodeEncodeError:
        return _ESCAPED + json.dumps(task_id)
    return _ESCAPED + json.dumps(task_id) if "\0" in task_id or task_id.startswith(_ESCAPED) else task_id


def restored_task_id(text: str | None) -> str | None:
    """Return the task id that `text` in the database stands for."""
    return json.loads(text.removeprefix(_ESCAPED)) if text is not None and text.startswith(_ESCAPED) else text


def missing(job_id: str) -> LedgerError:
    """Return the error for an id that is in no row."""
    return LedgerError(f"Job {job_id} is not in the ledger.", hint="`preflight jobs` lists them.")


def code(text: str | None) -> int | str | None:
    """Return a service code as it came: a number, or a gateway's word."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,9}", text) else text


def _job(row: Row) -> Job:
    values: dict[str, Any] = dict(row)
    values["group"] = values.pop("grp")
    values.pop("open")
    values.pop("epoch")
    values["task_id"] = restored_task_id(values["task_id"])
    values["state"] = State(values["state"])
    values["source"] = Path(os.fsdecode(values["source"]))
    for name in ("file", "target"):
        values[name] = Path(os.fsdecode(values[name])) if values[name] else None
    values["code"] = code(values["code"])
    values["created"] = datetime.fromisoformat(values["created"])
    values["updated"] = datetime.fromisoformat(values["updated"])
    return Job(**values)
