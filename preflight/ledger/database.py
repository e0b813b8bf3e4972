"""The SQLite file of the ledger: opened private and durable, migrated, its errors with the next step."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preflight.errors import LedgerError
from preflight.ledger import migrations, rows

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another process's transaction."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the ledger at `path`; it is created when it does not exist. Raises LedgerError.

    The cost does not depend on the number of jobs. The whole file is checked only when a machine went down while the
    ledger was open; a process that was killed can't damage it.
    """
    with translated_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Created before SQLite sees it, so that it is never readable to others; its -wal and -shm files follow it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise LedgerError(
                f"The ledger {path} can't be opened: {error.strerror}.",
                hint="Correct the permissions, or set PREFLIGHT_HOME to a folder that can be written.",
            ) from error
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
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
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != len(migrations.MIGRATIONS):
        with transaction(connection):
            migrations.migrate(connection, path)
    if rows.has_unchecked_crash(connection):
        verify(connection, path)
        with transaction(connection):
            rows.mark_crashes_checked(connection)


def verify(connection: sqlite3.Connection, path: Path) -> None:
    """Read the whole file and raise LedgerError when it is damaged. The time grows with the file."""
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _corrupt(path, verdict)


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
def translated_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into a LedgerError with the next step."""
    try:
        yield
    except sqlite3.Error as error:
        # Extended codes carry the primary one in the low byte (sqlite.org/rescode.html).
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _corrupt(path, error) from error
        hint, retryable = _NEXT_STEPS.get(primary, ("Run `preflight doctor`.", False))
        raise LedgerError(f"The ledger {path} can't be used: {error}.", hint=hint, retryable=retryable) from error


_NEXT_STEPS = {
    sqlite3.SQLITE_BUSY: ("Another process keeps it locked; try again when it is done.", True),
    sqlite3.SQLITE_LOCKED: ("Another process keeps it locked; try again when it is done.", True),
    sqlite3.SQLITE_READONLY: ("Make it writable, or set PREFLIGHT_HOME to another folder.", False),
    sqlite3.SQLITE_CANTOPEN: ("Make it writable, or set PREFLIGHT_HOME to another folder.", False),
    sqlite3.SQLITE_FULL: ("Free some space on its disk.", True),
    sqlite3.SQLITE_IOERR: ("Check the disk that it is on.", True),
}
