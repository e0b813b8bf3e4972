"""Between the ledger's rows and its values; each function runs inside the caller's transaction."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from preflight.errors import LedgerError
from preflight.ledger.owner import Owner
from preflight.ledger.states import Change, Job, State, apply

_COLUMNS = (
    "id, grp, digest, parameters, account, source, segment, segments, state, attempt, task_id, key, url, file, "
    "target, code, message, request, created, updated"
)


def job_of(connection: sqlite3.Connection, job_id: str) -> Job | None:
    """Return the job with this id, or None."""
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return _job(row) if row else None


def jobs(
    connection: sqlite3.Connection, *, states: Sequence[str] = (), group: str | None = None, prefix: str = ""
) -> list[Job]:
    """Return the jobs of these states, this group and this beginning of the id, oldest first."""
    where, values = ["TRUE"], list[str]()
    if states:
        where.append(f"state IN ({', '.join('?' * len(states))})")
        values += states
    if group is not None:
        where.append("grp = ?")
        values.append(group)
    if prefix:
        # A range uses the index where LIKE would not, and takes no wildcard.
        where.append("id >= ? AND id < ?")
        values += [prefix, prefix + "\U0010ffff"]
    query = f"SELECT * FROM jobs WHERE {' AND '.join(where)} ORDER BY created, grp, segment"  # noqa: S608
    return [_job(row) for row in connection.execute(query, values)]


def is_needed(connection: sqlite3.Connection, key: str) -> bool:
    """Return whether the service may still fetch the object `key` for some job."""
    states = (State.UPLOADED, State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.UNKNOWN)
    marks = ", ".join("?" * len(states))
    query = f"SELECT 1 FROM jobs WHERE key = ? AND state IN ({marks}) LIMIT 1"  # noqa: S608
    return connection.execute(query, (key, *states)).fetchone() is not None


def is_contested(connection: sqlite3.Connection, target: Path, group: str) -> bool:
    """Return whether another group's finished file is on its way to the same place."""
    query = "SELECT 1 FROM jobs WHERE target = ? AND grp <> ? AND state = ? AND file IS NOT target LIMIT 1"
    return connection.execute(query, (os.fsencode(target), group, State.FETCHED)).fetchone() is not None


def put(connection: sqlite3.Connection, job: Job) -> None:
    """Insert or replace the row of a job."""
    values = (
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
        job.task_id,
        job.key,
        job.url,
        os.fsencode(job.file) if job.file else None,
        os.fsencode(job.target) if job.target else None,
        None if job.code is None else str(job.code),
        job.message,
        job.request,
        job.created.isoformat(),
        job.updated.isoformat(),
    )
    names = [name.strip() for name in _COLUMNS.split(",")]
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    marks = ", ".join("?" for _ in names)
    connection.execute(
        f"INSERT INTO jobs ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {updates}",  # noqa: S608
        values,
    )


def note(connection: sqlite3.Connection, job: Job, origin: State | None, cause: str) -> None:
    """Add to the history that `job` came from `origin`, and why."""
    connection.execute(
        "INSERT INTO transitions (job, at, origin, state, cause, attempt, task_id, code) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job.id,
            job.updated.isoformat(),
            origin,
            job.state,
            cause,
            job.attempt,
            job.task_id,
            None if job.code is None else str(job.code),
        ),
    )


def move(connection: sqlite3.Connection, job_id: str, change: Change) -> Job:
    """Apply `change` to a job and write it with its history. Raises LedgerError."""
    job = job_of(connection, job_id)
    if job is None:
        raise LedgerError(f"Job {job_id} is not in the ledger.", hint="`preflight jobs` lists them.")
    moved = apply(job, change)
    put(connection, moved)
    note(connection, moved, job.state, change.cause)
    return moved


def owner_of(connection: sqlite3.Connection, job_id: str) -> tuple[Owner | None, float]:
    """Return who holds a job and for how many seconds there was no sign of life."""
    row = connection.execute("SELECT * FROM leases WHERE job = ?", (job_id,)).fetchone()
    if row is None:
        return None, 0.0
    owner = Owner(machine=row["machine"], pid=row["pid"], started=row["started"], holding=row["holding"])
    return owner, time.time() - row["beat"]


def put_lease(connection: sqlite3.Connection, job_id: str, owner: Owner) -> None:
    """Make `owner` the holder of a job."""
    connection.execute(
        "INSERT OR REPLACE INTO leases (job, machine, pid, started, holding, beat) VALUES (?, ?, ?, ?, ?, ?)",
        (job_id, owner.machine, owner.pid, owner.started, owner.holding, time.time()),
    )


def code(text: str | None) -> int | str | None:
    """Return a service code as it came: a number, or a gateway's word."""
    return int(text) if text is not None and text.lstrip("-").isdigit() else text


def _job(row: sqlite3.Row) -> Job:
    values: dict[str, Any] = dict(row)
    values["group"] = values.pop("grp")
    values["state"] = State(values["state"])
    values["source"] = Path(os.fsdecode(values["source"]))
    for name in ("file", "target"):
        values[name] = Path(os.fsdecode(values[name])) if values[name] else None
    values["code"] = code(values["code"])
    values["created"] = datetime.fromisoformat(values["created"])
    values["updated"] = datetime.fromisoformat(values["updated"])
    return Job(**values)
