"""What an administrator should know of the ledger's PostgreSQL server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from preflight.ledger.backend import LedgerCheck

if TYPE_CHECKING:
    import psycopg

MOST_SKEW = 5.0
"""Seconds between this machine's clock and the server's that are reported. No lease depends on it; times in `jobs show`
do."""

OLDEST_MAINTAINED = 140000
"""Oldest major version that the PostgreSQL project maintains in 2026 (postgresql.org/support/versioning)."""


def checks(connection: psycopg.Connection[dict[str, Any]]) -> list[LedgerCheck]:
    """Return the version, the durability of commits, the clock and the state of the dead rows."""
    before = time.time()
    row = connection.execute(
        "SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8 AS clock, current_setting('fsync') AS fsync, "
        "current_setting('full_page_writes') AS full_page_writes, "
        "current_setting('synchronous_commit') AS commit_mode, "
        "current_setting('synchronous_standby_names') AS standbys, "
        "(SELECT count(*) FROM pg_stat_replication) AS replicas, "
        "(SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS commit_default, "
        "current_setting('autovacuum') AS autovacuum"
    ).fetchone()
    after = time.time()
    assert row is not None  # noqa: S101 - a SELECT without a table has one row
    skew = (before + after) / 2 - row["clock"]
    return [
        _version(connection.info.server_version),
        LedgerCheck(
            name="synchronous_commit",
            ok=row["commit_mode"] not in {"off", "local"} and row["fsync"] == row["full_page_writes"] == "on",
            seen=f"{row['commit_mode']} (the server's default is {row['commit_default']}); fsync is {row['fsync']}, "
            f"full_page_writes is {row['full_page_writes']}",
            mend="Set synchronous_commit, fsync and full_page_writes to on: a submit must be durable before it leaves.",
        ),
        LedgerCheck(
            name="replicas",
            ok=not row["replicas"] or bool(row["standbys"]),
            seen=f"{row['replicas']}, synchronous_standby_names is {row['standbys']!r}",
            mend="Name one in synchronous_standby_names: an asynchronous replica can lose a submit at fail-over.",
        ),
        LedgerCheck(
            name="clock",
            ok=abs(skew) <= MOST_SKEW,
            seen=f"this machine is {skew:+.1f} s off the server",
            mend="Set the clocks (NTP). Leases go by the server's clock alone; times in the history do not.",
        ),
        LedgerCheck(
            name="autovacuum",
            ok=row["autovacuum"] == "on",
            seen=row["autovacuum"],
            mend="Set autovacuum to on: claims slow down with dead rows.",
        ),
    ]


def _version(number: int) -> LedgerCheck:
    return LedgerCheck(
        name="version",
        ok=number >= OLDEST_MAINTAINED,
        seen=f"PostgreSQL {number // 10000}.{number % 10000}",
        mend="Upgrade the server: this version is no longer maintained.",
    )
