"""The service's tasks: one SQLite row and one folder each, so that they outlive the service.

Several services may share a home (two runs at once do). A task belongs to the service that took it; the owner holds a
lock on a file for as long as it lives, so that another one can tell a dead owner's tasks and take them over.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.errors import ToolError
from preflight.model.job import RemovalOptions
from preflight.server import request_params
from preflight.server.home_folder import PRIVATE, make_private, try_lock

SUBMITTED, RUNNING, FINISHED, FAILED = "submitted", "running", "finished", "failed"

KEEP_SECONDS = 7 * 86400.0
"""How long a task and its result are kept. The platform's own lifetime of results is not published."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, status TEXT NOT NULL, source TEXT NOT NULL, options TEXT NOT NULL,
  crashes INTEGER NOT NULL DEFAULT 0, code INTEGER, message TEXT, quality TEXT, created REAL NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """One task. `status` is one of the platform's values; `source` is the fetched video, `result` the output."""

    id: str
    status: str
    source: Path
    result: Path
    options: RemovalOptions
    crashes: int = 0
    code: int | None = None
    message: str | None = None
    quality: dict[str, Any] | None = None


class TaskStore:
    """The tasks under `home`. Safe to use from several threads and processes."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "tasks"
        self._locks = home / "owners"
        self._owner = secrets.token_hex(8)
        self._mutex = threading.Lock()
        try:
            for folder in (home, self._folder, self._locks):
                make_private(folder)
            self._db = _open(home / "tasks.sqlite")
            lock = try_lock(self._lock_path(self._owner))
        except (OSError, sqlite3.Error) as error:
            raise ToolError(
                f"The local service can't keep its tasks in {home}: {error}.",
                hint="Make room or mend the folder's permissions; a damaged tasks.sqlite there may be deleted.",
            ) from error
        assert lock is not None  # noqa: S101 - nobody else knows the name
        self._lock = lock

    def close(self) -> None:
        """Give up the tasks that are not finished, so that the next service takes them at once."""
        self._db.close()
        self._lock.close()
        self._lock_path(self._owner).unlink(missing_ok=True)

    def folder(self, task_id: str) -> Path:
        """Return the folder of a task, made when missing."""
        path = self._folder / task_id
        path.mkdir(mode=PRIVATE, exist_ok=True)
        return path

    def discard(self, task_id: str) -> None:
        """Remove a task's folder."""
        shutil.rmtree(self._folder / task_id, ignore_errors=True)

    def tidy(self, task: StoredTask) -> None:
        """Remove all but the result: the source, and what a killed worker left half-made."""
        for path in self.folder(task.id).iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path != task.result:
                path.unlink(missing_ok=True)

    def add(self, task_id: str, source: Path, options: RemovalOptions) -> None:
        """Store a new task of ours, waiting; durable when this returns.

        Args:
            task_id: the task.
            source: URL of the video.
            options: what to remove, as the request has it.
        """
        self._do(
            "INSERT INTO tasks (id, owner, status, source, options, created) VALUES (?, ?, ?, ?, ?, ?)",
            task_id,
            self._owner,
            SUBMITTED,
            source.name,
            options.canonical(),
            time.time(),
        )

    def get(self, task_id: str) -> StoredTask | None:
        """Return a task, whoever owns it."""
        rows = self._do(f"{_SELECT} WHERE id = ?", task_id)
        return self._task(rows[0]) if rows else None

    def waiting(self) -> int:
        """Return how many tasks of ours are not finished."""
        sql = "SELECT count(*) FROM tasks WHERE owner = ? AND status IN (?, ?)"
        return int(self._do(sql, self._owner, SUBMITTED, RUNNING)[0][0])

    def take(self) -> StoredTask | None:
        """Return our oldest task that is not finished, now running, or None. For one runner only.

        One that runs already was left by the runner when something went wrong, such as a full disk.
        """
        sql = """UPDATE tasks SET status = ? WHERE id =
            (SELECT id FROM tasks WHERE owner = ? AND status IN (?, ?) ORDER BY created, rowid LIMIT 1) RETURNING id"""
        rows = self._do(sql, RUNNING, self._owner, SUBMITTED, RUNNING)
        return self.get(rows[0][0]) if rows else None

    def finish(self, task_id: str, quality: dict[str, Any]) -> None:
        """Mark a task finished.

        Args:
            task_id: the task.
            quality: figures of the result.
        """
        self._do("UPDATE tasks SET status = ?, quality = ? WHERE id = ?", FINISHED, json.dumps(quality), task_id)

    def fail(self, task_id: str, code: int, message: str) -> None:
        """Mark a task failed with a documented code.

        Args:
            task_id: the task.
            code: a documented code.
            message: for people.
        """
        sql = "UPDATE tasks SET status = ?, code = ?, message = ? WHERE id = ?"
        self._do(sql, FAILED, code, message, task_id)

    def put_back(self, task_id: str, *, crashed: bool) -> None:
        """Let a running task wait again; `crashed` counts against it.

        Args:
            task_id: the task.
            crashed: the engine ended without an answer.
        """
        self._do("UPDATE tasks SET status = ?, crashes = crashes + ? WHERE id = ?", SUBMITTED, int(crashed), task_id)

    def adopt(self) -> int:
        """Take over the unfinished tasks of services that are gone; return how many."""
        adopted = 0
        sql = "SELECT DISTINCT owner FROM tasks WHERE status IN (?, ?) AND owner != ?"
        for (owner,) in self._do(sql, SUBMITTED, RUNNING, self._owner):
            lock = try_lock(self._lock_path(owner))
            if lock is None:
                continue
            with lock:
                update = "UPDATE tasks SET owner = ?, status = ? WHERE owner = ? AND status IN (?, ?) RETURNING id"
                adopted += len(self._do(update, self._owner, SUBMITTED, owner, SUBMITTED, RUNNING))
                self._lock_path(owner).unlink(missing_ok=True)
        return adopted

    def clean(self, *, now: float) -> None:
        """Forget finished tasks older than KEEP_SECONDS, and folders that belong to no task since a crash."""
        sql = "DELETE FROM tasks WHERE created < ? AND status IN (?, ?)"
        self._do(sql, now - KEEP_SECONDS, FINISHED, FAILED)
        known = {row[0] for row in self._do("SELECT id FROM tasks")}
        for path in self._folder.iterdir():
            # A younger folder may belong to a video that another service is fetching just now.
            if path.name not in known and path.stat().st_mtime < now - 3600:
                self.discard(path.name)

    def _do(self, sql: str, *values: Any) -> list[Any]:
        with self._mutex:
            return self._db.execute(sql, values).fetchall()

    def _task(self, row: tuple[Any, ...]) -> StoredTask:
        task_id, status, source, options, crashes, code, message, quality = row
        folder = self._folder / task_id
        return StoredTask(
            id=task_id,
            status=status,
            source=folder / source,
            result=folder / "result.mp4",
            options=request_params.options(json.loads(options)),
            crashes=crashes,
            code=code,
            message=message,
            quality=json.loads(quality) if quality else None,
        )

    def _lock_path(self, owner: str) -> Path:
        return self._locks / f"{owner}.lock"


def _open(database: Path) -> sqlite3.Connection:
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


_SELECT = "SELECT id, status, source, options, crashes, code, message, quality FROM tasks"
