"""What is true of the ledger in PostgreSQL only: a server that restarts, connections that break, its set-up."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from preflight.errors import LedgerError, UsageError
from preflight.ledger import Ledger, State, postgres, postgres_schema
from preflight.ledger.backend import Session
from preflight.ledger.location import open_backend
from preflight.ledger.postgres import shown
from preflight.settings import LedgerUrl, Settings, load_settings
from tests.postgres import Server, server


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that a test may stop."""
    with server() as running:
        yield running


def kill_sessions(running: Server) -> None:
    running.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'preflight' AND pid <> pg_backend_pid()"
    )


def test_killed_connections_are_replaced(postgres: Server) -> None:
    with Ledger(postgres.new_database()) as ledger:
        job = ledger.claim("d", "p", "a", source=Path("v"))
        with ledger.lease(job.id):
            kill_sessions(postgres)
            assert ledger.advance(job.id, State.FIXED, cause="test").state is State.FIXED
        assert [step.state for step in ledger.history(job.id)] == ["queued", "fixed"]


def test_transaction_that_loses_its_connection_is_repeated_whole(postgres: Server) -> None:
    database = postgres.new_database()
    with Ledger(database) as ledger, closing(open_backend(database)) as backend:
        first = ledger.claim("d", "p", "a", source=Path("v"))
        calls = []

        def work(session: Session) -> None:
            calls.append(1)
            session.run("UPDATE jobs SET message = 'half' WHERE id = ?", (first.id,))
            if len(calls) == 1:
                kill_sessions(postgres)
            session.run("UPDATE jobs SET key = 'whole' WHERE id = ?", (first.id,))

        backend.write(work)
        assert len(calls) == 2
        assert ledger.get(first.id).key == "whole"


def test_restart_of_the_server_is_waited_for(own_server: Server) -> None:
    with Ledger(own_server.new_database()) as ledger:
        job = ledger.claim("d", "p", "a", source=Path("v"))
        with ledger.lease(job.id):
            own_server.stop("immediate")
            starting = threading.Timer(0.5, own_server.start)
            starting.start()
            assert ledger.advance(job.id, State.FIXED, cause="test").state is State.FIXED
            starting.join()


def test_server_out_of_reach_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "RETRY_FOR", 0.0)
    with pytest.raises(LedgerError, match="can't be used") as caught:
        Ledger(LedgerUrl("postgresql://me:TOPSECRET@127.0.0.1:9/ledger"))
    assert caught.value.retryable
    assert "TOPSECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me:TOPSECRET@[bad/ledger", "postgresql://me:TOPSECRET@127.0.0.1/l?sslmode=odd&x=%zz"]
)
def test_bad_address_shows_no_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "RETRY_FOR", 0.0)
    with pytest.raises(LedgerError) as caught:
        Ledger(LedgerUrl(url))
    assert "TOPSECRET" not in str(caught.value)


def test_setting_hides_its_password_and_is_checked() -> None:
    settings = load_settings(environment={"PREFLIGHT_LEDGER": "postgresql://me:TOPSECRET@db.example:5433/jobs?x=1"})
    assert "TOPSECRET" not in repr(settings)
    assert isinstance(settings.ledger, LedgerUrl)
    assert shown(settings.ledger) == "postgresql://me@db.example:5433/jobs"
    with pytest.raises(UsageError, match="PREFLIGHT_LEDGER"):
        Settings(ledger_url=LedgerUrl("mysql://x"))


def test_schema_of_a_newer_preflight_is_left_alone(postgres: Server) -> None:
    url = postgres.new_database()
    with Ledger(url):
        pass
    with psycopg.connect(str(url), autocommit=True) as connection:
        connection.execute("UPDATE ledger_version SET version = %s", (len(postgres_schema.MIGRATIONS) + 1,))
    with pytest.raises(LedgerError, match="newer"):
        Ledger(url)


def test_tables_are_made_once_by_many_processes_at_a_time(postgres: Server) -> None:
    url = postgres.new_database()
    errors: list[BaseException] = []

    def connect() -> None:
        try:
            Ledger(url).close()
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=connect) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_submit_is_durable_whatever_the_default_is(postgres: Server) -> None:
    url = postgres.new_database()
    with psycopg.connect(str(url), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    with Ledger(url) as ledger:
        checks = {check.name: check for check in ledger.checks()}
        assert checks["synchronous_commit"].ok
        assert checks["synchronous_commit"].seen.startswith("on (the server's default is off)")
        assert checks["version"].ok
        assert checks["clock"].ok


def test_skew_of_this_clock_is_told_and_moves_no_lease(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgres.new_database()
    with Ledger(url) as ledger, Ledger(url) as other:
        job = ledger.claim("d", "p", "a", source=Path("v"))
        with ledger.lease(job.id):
            monkeypatch.setattr("time.time", lambda: 4e9)
            assert other.holder(job.id) is not None
            assert not {check.name: check for check in other.checks()}["clock"].ok
            monkeypatch.undo()


def test_texts_that_the_server_has_no_form_for_are_kept_readable(postgres: Server) -> None:
    with Ledger(postgres.new_database()) as ledger:
        job = ledger.claim("d", "p", "a", source=Path("v"))
        with ledger.lease(job.id):
            ledger.advance(job.id, State.FAILED, cause="odd \0 and \udc80", message="a\0b")
        assert ledger.get(job.id).message == "a\ufffdb"
