"""The schema of the ledger in PostgreSQL: one migration a version, run in order and inside one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from preflight.errors import LedgerError
from preflight.ledger.states import CLAIMABLE

if TYPE_CHECKING:
    import psycopg

_MIGRATION_LOCK = 0x70726566
"""Key of the advisory lock under which one process at a time migrates ("pref")."""

_STATES = ", ".join(f"'{state}'" for state in sorted(CLAIMABLE))

# Times are texts in ISO 8601 and UTC, as in SQLite; with the collation "C" they sort by time.
# Rows of jobs change a dozen times: room in each page keeps their versions together, and dead ones are removed early.
_VERSION_1 = f"""
    CREATE TABLE jobs (
        id TEXT COLLATE "C" PRIMARY KEY, grp TEXT COLLATE "C" NOT NULL, digest TEXT NOT NULL, parameters TEXT NOT NULL,
        account TEXT NOT NULL, source BYTEA NOT NULL, segment INTEGER NOT NULL, segments INTEGER NOT NULL,
        state TEXT COLLATE "C" NOT NULL, attempt INTEGER NOT NULL, task_id TEXT, key TEXT, url TEXT, file BYTEA,
        target BYTEA, code TEXT, message TEXT, request TEXT NOT NULL DEFAULT '{{}}',
        created TEXT COLLATE "C" NOT NULL, updated TEXT COLLATE "C" NOT NULL, open INTEGER NOT NULL DEFAULT 1,
        epoch BIGINT NOT NULL DEFAULT 0, sent TEXT, cost BIGINT NOT NULL DEFAULT 0
    ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
    CREATE INDEX jobs_group ON jobs (grp);
    CREATE INDEX jobs_listed ON jobs (created, id);
    CREATE INDEX jobs_state ON jobs (state, created, id);
    CREATE INDEX jobs_updated ON jobs (updated, id);
    CREATE INDEX jobs_open ON jobs (created, id) WHERE open = 1;
    CREATE INDEX jobs_claimable ON jobs (created, id) WHERE open = 1 AND state IN ({_STATES});
    CREATE INDEX jobs_open_source ON jobs (source) WHERE open = 1;
    CREATE INDEX jobs_open_key ON jobs (key) WHERE open = 1 AND key IS NOT NULL;
    CREATE INDEX jobs_open_target ON jobs (target) WHERE open = 1 AND target IS NOT NULL;
    CREATE INDEX jobs_task ON jobs (task_id) WHERE task_id IS NOT NULL;
    CREATE TABLE transitions (
        seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job TEXT COLLATE "C" NOT NULL,
        at TEXT NOT NULL, origin TEXT, state TEXT NOT NULL, cause TEXT NOT NULL, attempt INTEGER NOT NULL,
        task_id TEXT, code TEXT
    );
    CREATE INDEX transitions_job ON transitions (job, seq);
    CREATE TABLE holders (
        id TEXT COLLATE "C" PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
        beat DOUBLE PRECISION NOT NULL, checked INTEGER NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50);
    CREATE TABLE leases (
        job TEXT COLLATE "C" PRIMARY KEY, holder TEXT COLLATE "C" NOT NULL, epoch BIGINT NOT NULL
    ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
    CREATE INDEX leases_holder ON leases (holder);
    CREATE TABLE uploads (
        endpoint TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, upload_id TEXT NOT NULL,
        part_size BIGINT NOT NULL, size BIGINT NOT NULL, sha256 TEXT NOT NULL, token TEXT NOT NULL,
        PRIMARY KEY (endpoint, bucket, key)
    );
    CREATE INDEX uploads_id ON uploads (upload_id);
    CREATE TABLE accounts (
        account TEXT PRIMARY KEY, pace DOUBLE PRECISION, free_at DOUBLE PRECISION NOT NULL DEFAULT 0,
        pauses BIGINT NOT NULL DEFAULT 0, spent BIGINT NOT NULL DEFAULT 0, budget BIGINT
    ) WITH (fillfactor = 50);
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1,)
"""SQL statements of each version."""


def migrate(connection: psycopg.Connection[dict[str, Any]], name: str) -> None:
    """Bring the schema of the database `name` to the newest version. Raises LedgerError for that of a newer preflight.

    The table `ledger_version` counts the migrations that were run.
    """
    if _version(connection) == len(MIGRATIONS):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute("CREATE TABLE IF NOT EXISTS ledger_version (version INTEGER NOT NULL)")
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise LedgerError(f"The ledger {name} was written by a newer preflight.", hint="Upgrade preflight.")
        for script in MIGRATIONS[version:]:
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement.encode())
        connection.execute("DELETE FROM ledger_version")
        connection.execute("INSERT INTO ledger_version VALUES (%s)", (len(MIGRATIONS),))


def _version(connection: psycopg.Connection[dict[str, Any]]) -> int:
    """Return how many migrations were run."""
    there = connection.execute("SELECT to_regclass('ledger_version') IS NOT NULL AS there").fetchone()
    if not there or not there["there"]:
        return 0
    row = connection.execute("SELECT max(version) AS version FROM ledger_version").fetchone()
    return int(row["version"] or 0) if row else 0
