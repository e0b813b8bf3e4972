"""The SQLite file of the ledger: opened private and durable, migrated, its errors with the next step."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from preflight.errors import LedgerError
from preflight.ledger import holders, migrations
from preflight.ledger.backend import LedgerCheck, Row, Session

_T = TypeVar("_T")

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another process's transaction."""


class SqliteSession(Session):
    """The transaction of one connection to the file."""

    # Not `unixepoch('subsec')`, which SQLite has since 3.42 only.
    clock = "((julianday('now') - 2440587.5) * 86400.0)"
    # A writing transaction is the only one.
    lock = ""
    skip_locked = ""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return every row of an answer."""
        return self._connection.execute(query, tuple(values)).fetchall()

    def run(self, query: str, values: Sequence[object] = ()) -> int:
        """Execute a statement and return the number of rows that it changed."""
        return self._connection.execute(query, tuple(values)).rowcount

    def run_many(self, query: str, values: Sequence[Sequence[object]]) -> None:
        """Execute a statement once for each sequence of values."""
        self._connection.executemany(query, values)


class SqliteBackend:
    """The ledger in one file of this machine."""

    is_shared = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._lock = threading.RLock()
        self._connection = connect(path)
        self._session = SqliteSession(self._connection)

    def read(self, work: Callable[[Session], _T]) -> _T:
        """Return what `work` reads."""
        with self._lock, translated_errors(self.path):
            return work(self._session)

    def write(self, work: Callable[[Session], _T]) -> _T:
        """Return what `work` returns; all that it wrote is durable then, or none of it happened."""
        with self._lock, translated_errors(self.path), transaction(self._connection):
            return work(self._session)

    def verify(self) -> None:
        """Read the whole file and raise LedgerError when it is damaged. The time grows with the file."""
        with self._lock, translated_errors(self.path):
            verify(self._connection, self.path)

    def checks(self) -> list[LedgerCheck]:
        """Return nothing: the file is set up by its connections."""
        return []

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connection.close()


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
    session = SqliteSession(connection)
    if holders.has_unchecked_crash(session):
        verify(connection, path)
        with transaction(connection):
            holders.mark_crashes_checked(session)


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
