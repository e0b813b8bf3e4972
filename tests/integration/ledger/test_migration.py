"""Ledgers of every earlier version, and of this one, are opened with all that they hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from preflight.ledger import Ledger, State
from preflight.ledger.migrations import MIGRATIONS
from preflight.ledger.states import identify

STORED = Path(__file__).with_name("ledger-2.sql")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A ledger of version 2 with jobs in many states."""
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        for script, _ in MIGRATIONS[:2]:
            connection.executescript(script)
        connection.executescript(STORED.read_text().replace("HOME", str(tmp_path)))
        connection.commit()
    return path


def test_stored_ledger_of_version_2_keeps_its_jobs(stored: Path) -> None:
    for _ in range(2):
        with Ledger(stored) as ledger:
            jobs = {job.digest: job for job in ledger.iterate()}
            assert {digest: job.state for digest, job in jobs.items()} == {
                "done": State.FETCHED,
                "old": State.FETCHED,
                "work": State.FETCHED,
                "slash": State.RUNNING,
                "lost": State.UNKNOWN,
                "refused": State.FAILED,
            }
            assert [job.digest for job in ledger.iterate(only_open=True)] == ["work", "slash", "lost"]
            assert jobs["old"].target == Path("/out/b.cleaned.mp4")
            assert jobs["refused"].code == 703
            assert ledger.uploads.load_upload(endpoint="e", bucket="b", key="k") is not None
            assert ledger.holder(jobs["slash"].id) is None


def test_account_with_another_spelling_keeps_its_paid_jobs(stored: Path) -> None:
    account = "k@api.example.com"
    with Ledger(stored) as ledger:
        (job,) = ledger.find("slash", "p", account)
        assert (job.id, job.account) == (identify("slash", "p", account)[0], account)
        assert [step.cause for step in ledger.history(job.id)] == ["claimed", "sending the file", "accepted"]
        assert ledger.claim("slash", "p", account, source=Path("x")).task_id == "task-4"


def test_ledger_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0][0])
        connection.execute(
            "INSERT INTO jobs (id, grp, digest, parameters, account, source, segment, segments, state, attempt, "
            "created, updated) VALUES ('a1', 'a1', 'd', 'p', 'a', x'76', 1, 1, 'queued', 1, '2026-01-01', '2026-01-01')"
        )
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    with Ledger(path) as ledger:
        assert ledger.get("a1").request == "{}"
        assert ledger.get("a1").target is None
