"""The back end for where a ledger is."""

from __future__ import annotations

from pathlib import Path

from preflight.ledger.backend import Backend
from preflight.ledger.database import SqliteBackend
from preflight.settings import LedgerUrl


def open_backend(location: Path | LedgerUrl) -> Backend:
    """Open the database at `location`. Raises LedgerError, and UsageError when its driver is not installed."""
    if isinstance(location, LedgerUrl):
        # The driver takes longer to load than a check, and most have no such ledger.
        from preflight.ledger.postgres import PostgresBackend

        return PostgresBackend(location)
    return SqliteBackend(location)
