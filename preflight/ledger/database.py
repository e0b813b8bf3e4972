"""The SQLite file: opened private and durable, migrated, checked, its errors said in our words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preflight.errors import LedgerError

BUSY = 10.0
"""Seconds to wait for another process's transaction."""

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY, grp TEXT NOT NULL, digest TEXT NOT NULL, parameters TEXT NOT NULL, account TEXT NOT NULL,
        source BLOB NOT NULL, segment INTEGER NOT NULL, segments INTEGER NOT NULL,
        state TEXT NOT NULL, attempt INTEGER NOT NULL, task_id TEXT, key TEXT, url TEXT, file BLOB, code TEXT,
        message TEXT, created TEXT NOT NULL, updated TEXT NOT NULL,
        UNIQUE (digest, parameters, account, segment, segments)
    ) STRICT;
    CREATE INDEX jobs_state ON jobs (state);
    CREATE INDEX jobs_group ON jobs (grp);
    CREATE TABLE transitions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        at TEXT NOT NULL, origin TEXT, state TEXT NOT NULL, cause TEXT NOT NULL, attempt INTEGER NOT NULL,
        task_id TEXT, code TEXT
    ) STRICT;
    CREATE INDEX transitions_job ON transitions (job, seq);
    CREATE TABLE leases (
        job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
        machine TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, holding TEXT NOT NULL, beat REAL NOT NULL
    ) STRICT;
    CREATE TABLE uploads (
        endpoint TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, upload_id TEXT NOT NULL,
        part_size INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, token TEXT NOT NULL,
        PRIMARY KEY (endpoint, bucket, key)
    ) STRICT;
    """,
    """
    ALTER TABLE jobs ADD COLUMN request TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE jobs ADD COLUMN target BLOB;
    """,
)
"""Each is run once, in order; `user_version` counts those that were."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the ledger at `path`, making it when it is not there. Raises LedgerError."""
    with said(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Made before SQLite sees it, so that it is never readable to others; its -wal and -shm files follow it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise LedgerError(
                f"The ledger {path} can't be opened: {error.strerror}.",
                hint="Mend the permissions, or set PREFLIGHT_HOME to a folder that can be written.",
            ) from error
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    # A commit is on the disk when it returns: an intent must outlive a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _corrupt(path, verdict)
    _migrate(connection, path)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise LedgerError(f"The ledger {path} was written by a newer preflight.", hint="Upgrade preflight.")
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as the one writer: all of it is durable afterwards, or none of it happened."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after a full disk or an I/O error.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _corrupt(path: Path, detail: object) -> LedgerError:
    return LedgerError(
        f"The ledger {path} is damaged ({detail}).",
        hint=f"Move it away with its -wal and -shm files (mv {path} {path}.damaged); jobs in flight are then unknown.",
    )


@contextmanager
def said(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into a LedgerError with the next step."""
    try:
        yield
    except sqlite3.Error as error:
        # Extended codes carry the primary one in the low byte (sqlite.org/rescode.html).
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _corrupt(path, error) from error
        hint, retryable = _NEXT.get(primary, ("Run `preflight doctor`.", False))
        raise LedgerError(f"The ledger {path} can't be used: {error}.", hint=hint, retryable=retryable) from error


_NEXT = {
    sqlite3.SQLITE_BUSY: ("Another process keeps it locked; try again when it is done.", True),
    sqlite3.SQLITE_LOCKED: ("Another process keeps it locked; try again when it is done.", True),
    sqlite3.SQLITE_READONLY: ("Make it writable, or set PREFLIGHT_HOME to another folder.", False),
    sqlite3.SQLITE_CANTOPEN: ("Make it writable, or set PREFLIGHT_HOME to another folder.", False),
    sqlite3.SQLITE_FULL: ("Free some space on its disk.", True),
    sqlite3.SQLITE_IOERR: ("Look at the disk it is on.", True),
}
