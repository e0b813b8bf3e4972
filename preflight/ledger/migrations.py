"""The schema of the ledger's file: one migration a version, run in order and inside one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from preflight.errors import LedgerError
from preflight.ledger.states import identify
from preflight.settings import normalize_domain

_VERSION_1 = """
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
"""

_VERSION_2 = """
    ALTER TABLE jobs ADD COLUMN request TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE jobs ADD COLUMN target BLOB;
"""

_VERSION_3 = """
    ALTER TABLE jobs ADD COLUMN open INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE jobs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN sent TEXT;
    DROP INDEX jobs_state;
    CREATE INDEX jobs_listed ON jobs (created, id);
    CREATE INDEX jobs_state ON jobs (state, created, id);
    CREATE INDEX jobs_updated ON jobs (updated, id);
    CREATE INDEX jobs_open ON jobs (created, id) WHERE open = 1;
    CREATE INDEX jobs_open_source ON jobs (source) WHERE open = 1;
    CREATE INDEX jobs_open_key ON jobs (key) WHERE open = 1 AND key IS NOT NULL;
    CREATE INDEX jobs_open_target ON jobs (target) WHERE open = 1 AND target IS NOT NULL;
    CREATE INDEX jobs_task ON jobs (task_id) WHERE task_id IS NOT NULL;
    CREATE TABLE holders (
        id TEXT PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, beat REAL NOT NULL,
        checked INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO holders (id, machine, pid, started, beat) SELECT holding, machine, pid, started, beat FROM leases;
    CREATE TABLE held (
        job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE, holder TEXT NOT NULL, epoch INTEGER NOT NULL
    ) STRICT;
    INSERT INTO held (job, holder, epoch) SELECT job, holding, 0 FROM leases;
    DROP TABLE leases;
    ALTER TABLE held RENAME TO leases;
    CREATE INDEX leases_holder ON leases (holder);
"""

_VERSION_4 = """
    ALTER TABLE jobs ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE accounts (
        account TEXT PRIMARY KEY, pace REAL, free_at REAL NOT NULL DEFAULT 0, pauses INTEGER NOT NULL DEFAULT 0,
        spent INTEGER NOT NULL DEFAULT 0, budget INTEGER
    ) STRICT;
"""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema of the ledger at `path` to the newest version, inside the caller's transaction.

    `PRAGMA user_version` counts the migrations that were run. Raises LedgerError for a file of a newer preflight.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise LedgerError(f"The ledger {path} was written by a newer preflight.", hint="Upgrade preflight.")
    for number, (script, convert) in enumerate(MIGRATIONS[version:], version + 1):
        for statement in filter(str.strip, script.split(";")):
            connection.execute(statement)
        if convert is not None:
            convert(connection, path)
        connection.execute(f"PRAGMA user_version = {number}")


def _convert_to_3(connection: sqlite3.Connection, path: Path) -> None:
    _close_finished(connection, work=path.parent.absolute() / "work")
    # The ids of jobs are changed together with the rows that refer to them.
    connection.execute("PRAGMA defer_foreign_keys = ON")
    for (account,) in connection.execute("SELECT DISTINCT account FROM jobs").fetchall():
        key, at, domain = account.rpartition("@")
        while at and "://" in key:
            # Userinfo inside the address has an "@" of its own.
            key, _, more = key.rpartition("@")
            domain = f"{more}@{domain}"
        normal = f"{key}@{normalize_domain(domain)}" if at else account
        if normal != account:
            _rename_account(connection, account, normal)


def _close_finished(connection: sqlite3.Connection, *, work: Path) -> None:
    """Mark jobs with nothing left to do; a fetched file in the `work` folder still has to be restored."""
    connection.execute("UPDATE jobs SET open = 0 WHERE state IN ('failed', 'cancelled')")
    prefix = os.fsencode(work) + b"/"
    connection.execute(
        "UPDATE jobs SET open = 0, target = file "
        "WHERE state = 'fetched' AND file IS NOT NULL AND substr(file, 1, ?) <> ?",
        (len(prefix), prefix),
    )


def _rename_account(connection: sqlite3.Connection, account: str, normal: str) -> None:
    """Give the jobs of `account` the ids that they have under its `normal` spelling, unless these are taken."""
    found = connection.execute(
        "SELECT id, digest, parameters, segment, segments FROM jobs WHERE account = ?", (account,)
    ).fetchall()
    for old, digest, parameters, segment, segments in found:
        new, group = identify(digest, parameters, normal, segment, segments)
        if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (new,)).fetchone():
            continue
        connection.execute("UPDATE jobs SET id = ?, grp = ?, account = ? WHERE id = ?", (new, group, normal, old))
        connection.execute("UPDATE transitions SET job = ? WHERE job = ?", (new, old))
        connection.execute("UPDATE leases SET job = ? WHERE job = ?", (new, old))


MIGRATIONS: tuple[tuple[str, Callable[[sqlite3.Connection, Path], None] | None], ...] = (
    (_VERSION_1, None),
    (_VERSION_2, None),
    (_VERSION_3, _convert_to_3),
    (_VERSION_4, None),
)
"""SQL statements of each version, and a function for what SQL alone can't convert."""
