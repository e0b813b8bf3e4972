"""The ledger's rows as values, and values as rows; each function runs inside the caller's transaction."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from preflight.errors import LedgerError
from preflight.ledger.owner import Owner, is_alive, this_machine, went_down
from preflight.ledger.states import Change, Job, State, apply

_COLUMNS = (
    "id, grp, digest, parameters, account, source, segment, segments, state, attempt, task_id, key, url, file, "
    "target, code, message, request, created, updated, open, sent"
)


def job_of(connection: sqlite3.Connection, job_id: str) -> Job | None:
    """Return the job with this id, or None."""
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return _job(row) if row else None


Page = tuple[datetime, str]
"""Creation time and id of the last job of a page."""


def with_prefix(connection: sqlite3.Connection, prefix: str, *, limit: int) -> list[Job]:
    """Return up to `limit` jobs whose id starts with `prefix`."""
    # A range uses the index where LIKE would not, and takes no wildcard.
    query = "SELECT * FROM jobs WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
    return [_job(row) for row in connection.execute(query, (prefix, prefix + "\U0010ffff", limit))]


def in_group(connection: sqlite3.Connection, group: str) -> list[Job]:
    """Return the jobs of one group, their segments in order."""
    query = "SELECT * FROM jobs WHERE grp = ? ORDER BY created, segment"
    return [_job(row) for row in connection.execute(query, (group,))]


def page(
    connection: sqlite3.Connection, *, state: str | None, only_open: bool, after: Page | None, limit: int
) -> list[Job]:
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
    return [_job(row) for row in connection.execute(query, (*values, limit))]


def updated_since(connection: sqlite3.Connection, after: Page, *, limit: int) -> list[Job]:
    """Return the next `limit` jobs in the order of their last change, behind `after` (time of a change and id)."""
    query = "SELECT * FROM jobs WHERE (updated, id) > (?, ?) ORDER BY updated, id LIMIT ?"
    return [_job(row) for row in connection.execute(query, (after[0].isoformat(), after[1], limit))]


def open_of_source(connection: sqlite3.Connection, source: Path) -> list[Job]:
    """Return the open jobs of one source, oldest first."""
    query = "SELECT * FROM jobs WHERE source = ? AND open = 1 ORDER BY created, segment"
    return [_job(row) for row in connection.execute(query, (os.fsencode(source),))]


def of_task(connection: sqlite3.Connection, task_id: str) -> list[Job]:
    """Return the jobs with this task id."""
    query = "SELECT * FROM jobs WHERE task_id = ? ORDER BY created, id"
    return [_job(row) for row in connection.execute(query, (_storable(task_id),))]


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many jobs are in each state. The time grows with the number of jobs."""
    query = "SELECT state, count(*) FROM jobs GROUP BY state"
    return {row[0]: row[1] for row in connection.execute(query)}


def is_needed(connection: sqlite3.Connection, key: str) -> bool:
    """Return whether the service may still fetch the object `key` for some job."""
    states = (State.UPLOADED, State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.UNKNOWN)
    marks = ", ".join("?" * len(states))
    query = f"SELECT 1 FROM jobs WHERE key = ? AND open = 1 AND state IN ({marks}) LIMIT 1"  # noqa: S608
    return connection.execute(query, (key, *states)).fetchone() is not None


def is_contested(connection: sqlite3.Connection, target: Path, group: str) -> bool:
    """Return whether another group's finished file is on its way to the same place."""
    query = "SELECT 1 FROM jobs WHERE target = ? AND open = 1 AND grp <> ? AND state IN (?, ?) LIMIT 1"
    states = (State.DONE, State.FETCHED)
    return connection.execute(query, (os.fsencode(target), group, *states)).fetchone() is not None


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
            _storable(job.task_id),
            None if job.code is None else str(job.code),
        ),
    )


def move(connection: sqlite3.Connection, job_id: str, change: Change) -> Job:
    """Apply `change` to a job and write it with its history. Raises LedgerError."""
    job = job_of(connection, job_id)
    if job is None:
        raise missing(job_id)
    moved = apply(job, change)
    put(connection, moved)
    note(connection, moved, job.state, change.cause)
    return moved


def owner_of(connection: sqlite3.Connection, job_id: str) -> tuple[Owner | None, float, int]:
    """Return who holds a job, the seconds since the last heartbeat, and the epoch of the lease."""
    query = "SELECT holders.*, epoch FROM leases JOIN holders ON holders.id = leases.holder WHERE job = ?"
    row = connection.execute(query, (job_id,)).fetchone()
    if row is None:
        return None, 0.0, 0
    return _owner(row), time.time() - row["beat"], row["epoch"]


def put_owner(connection: sqlite3.Connection, owner: Owner) -> None:
    """Write the heartbeat of `owner`."""
    connection.execute(
        "INSERT INTO holders (id, machine, pid, started, beat) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET beat = excluded.beat",
        (owner.id, owner.machine, owner.pid, owner.started, time.time()),
    )


def remove_owner(connection: sqlite3.Connection, owner: Owner) -> None:
    """Forget an owner that holds no lease."""
    query = "DELETE FROM holders WHERE id = ? AND NOT EXISTS (SELECT 1 FROM leases WHERE holder = ?)"
    connection.execute(query, (owner.id, owner.id))


def put_lease(connection: sqlite3.Connection, job_id: str, owner: Owner) -> int:
    """Make `owner` the holder of a job and return the new epoch, which fences the writes of earlier holders."""
    connection.execute("UPDATE jobs SET epoch = epoch + 1 WHERE id = ?", (job_id,))
    row = connection.execute("SELECT epoch FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise missing(job_id)
    connection.execute(
        "INSERT OR REPLACE INTO leases (job, holder, epoch) VALUES (?, ?, ?)", (job_id, owner.id, row["epoch"])
    )
    return int(row["epoch"])


def remove_lease(connection: sqlite3.Connection, job_id: str, owner: Owner, epoch: int) -> None:
    """Release a job, unless another owner has taken it over."""
    connection.execute("DELETE FROM leases WHERE job = ? AND holder = ? AND epoch = ?", (job_id, owner.id, epoch))


def remove_leases(connection: sqlite3.Connection, owner: Owner) -> None:
    """Release every job of `owner`."""
    connection.execute("DELETE FROM leases WHERE holder = ?", (owner.id,))


def has_unchecked_crash(connection: sqlite3.Connection) -> bool:
    """Return whether a machine went down with the ledger open, and the file was not checked since."""
    here, now = this_machine(), time.time()
    found = connection.execute("SELECT * FROM holders WHERE checked = 0").fetchall()
    return any(went_down(_owner(row), here=here, silent=now - row["beat"]) for row in found)


def mark_crashes_checked(connection: sqlite3.Connection) -> None:
    """Note that the file was checked after the crashes that are known so far."""
    connection.execute("UPDATE holders SET checked = 1")


def remove_dead_owners(connection: sqlite3.Connection) -> None:
    """Forget owners that are dead and hold no lease."""
    here, now = this_machine(), time.time()
    idle = "SELECT * FROM holders WHERE NOT EXISTS (SELECT 1 FROM leases WHERE holder = holders.id)"
    for row in connection.execute(idle).fetchall():
        if not is_alive(_owner(row), here=here, silent=now - row["beat"]):
            connection.execute("DELETE FROM holders WHERE id = ?", (row["id"],))


def _owner(row: sqlite3.Row) -> Owner:
    return Owner(machine=row["machine"], pid=row["pid"], started=row["started"], id=row["id"])


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


def _job(row: sqlite3.Row) -> Job:
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
