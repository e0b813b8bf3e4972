from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.settings import LedgerUrl
from tests.postgres import Server, server

Location = Path | LedgerUrl


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server for all tests of this process."""
    with server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """The place of an empty ledger, once for each back end."""
    if request.param == "sqlite":
        return tmp_path / "home" / "ledger.sqlite3"
    running: Server = request.getfixturevalue("postgres")
    return running.new_database()
