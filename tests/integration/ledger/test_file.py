"""What is true of the ledger in a file only: its permissions, its damage, its disk."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from preflight.errors import LedgerError
from preflight.ledger import Job, Ledger, State, database
from preflight.ledger.migrations import MIGRATIONS
from preflight.model.job import SecretUrl

DIGEST = "ab" * 32


def claim(ledger: Ledger, digest: str = DIGEST) -> Job:
    return ledger.claim(digest, '{"language":"en"}', "me", source=Path("v.mp4"))


def to_submitting(ledger: Ledger, job: Job) -> None:
    for state in (State.UPLOADING, State.UPLOADED, State.SUBMITTING):
        ledger.advance(job.id, state, cause="test", key="k")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.sqlite3"


def test_files_are_private(path: Path) -> None:
    with Ledger(path) as ledger:
        claim(ledger)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert len(list(path.parent.iterdir())) > 1
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_query_strings_never_reach_the_file(path: Path) -> None:
    with Ledger(path) as ledger:
        job = claim(ledger)
        with ledger.lease(job.id):
            to_submitting(ledger, job)
            ledger.advance(job.id, State.SUBMITTED, cause="accepted", task_id="t")
            ledger.advance(job.id, State.DONE, cause="done", url=SecretUrl("https://h/r.mp4?sig=VERYSECRET"))
        assert not any(b"VERYSECRET" in file.read_bytes() for file in path.parent.iterdir())
        assert ledger.get(job.id).url == "https://h/r.mp4"


def test_damage_is_told_and_how_to_go_on(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, and long enough to be looked at" * 100)
    with pytest.raises(LedgerError, match="damaged") as caught:
        Ledger(path)
    assert "mv " in str(caught.value)


def test_a_spoiled_page_is_found(path: Path) -> None:
    with Ledger(path) as ledger:
        for number in range(200):
            ledger.claim(f"{number:064}", "p", "a", source=Path("v"))
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 4] = os.urandom(4096)
    path.write_bytes(data)
    with pytest.raises(LedgerError, match="damaged"), Ledger(path) as ledger:
        ledger.verify()


def test_a_locked_ledger_is_worth_a_retry(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.ledger.database.BUSY_TIMEOUT", 0.1)
    with Ledger(path) as ledger:
        stranger = sqlite3.connect(path, isolation_level=None)
        stranger.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="locked") as caught:
            claim(ledger)
        stranger.close()
        assert caught.value.retryable
        assert claim(ledger).state is State.QUEUED


def test_an_unusable_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "ledger", tmp_path):
        with pytest.raises(LedgerError, match="can't be opened"):
            Ledger(place)


def test_a_full_disk_is_told_and_nothing_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[sqlite3.Connection] = []
    connect = database.connect

    def connect_and_note(where: Path) -> sqlite3.Connection:
        connections.append(connect(where))
        return connections[-1]

    monkeypatch.setattr(database, "connect", connect_and_note)
    with Ledger(path) as ledger:
        job = claim(ledger)
        connections[0].execute("PRAGMA max_page_count = 1")
        with pytest.raises(LedgerError, match="full") as caught:
            ledger.claim("large", "x" * 1_000_000, "me", source=Path("v.mp4"))
        assert "Free some space" in str(caught.value)
        connections[0].execute("PRAGMA max_page_count = 1000000")
        assert claim(ledger) == job
        with ledger.lease(job.id):
            assert ledger.advance(job.id, State.FIXED, cause="test").state is State.FIXED


def test_a_newer_ledger_is_left_alone(path: Path) -> None:
    with Ledger(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(LedgerError, match="newer"):
        Ledger(path)
