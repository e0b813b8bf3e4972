"""The ledger in a PostgreSQL database, for processes on many machines."""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from preflight.errors import LedgerError, UsageError
from preflight.ledger import postgres_schema
from preflight.ledger.backend import LedgerCheck, Row, Session
from preflight.settings import LedgerUrl

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[dict[str, Any]]

_T = TypeVar("_T")

MOST_CONNECTIONS = 8
"""Connections of one process: as many transactions can be under way at a moment."""

RETRY_FOR = 30.0
"""Seconds for which a lost connection is replaced and the transaction repeated: a database restarts within them."""

RETRY_PAUSE = 0.2
"""Seconds between two attempts."""

CONNECT_TIMEOUT = 10
"""Seconds to wait for a connection."""

SESSION_SETTINGS = {
    # A transaction of a process that was stopped must not keep the rows of others locked.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
}
"""Limits of every connection. The transactions of the ledger take milliseconds."""

LEAST_VERSION = 120000
"""Oldest server that is used, PostgreSQL 12; the tests run 15."""

_RETRIED = ("08", "40", "57P", "53", "25P03", "55P03")
"""Beginnings of SQLSTATE codes after which a transaction is repeated: connection, conflict, shutdown, too many
connections, a transaction that was idle for too long, a lock that was not had (postgresql.org/docs/current,
appendix A)."""


class PostgresSession(Session):
    """The transaction of one connection."""

    # Not now(), which is the time at which the transaction began.
    clock = "EXTRACT(EPOCH FROM clock_timestamp())::float8"
    lock = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return every row of an answer."""
        return [*self._connection.execute(_translated(query), _adapted(values)).fetchall()]

    def run(self, query: str, values: Sequence[object] = ()) -> int:
        """Execute a statement and return the number of rows that it changed."""
        return self._connection.execute(_translated(query), _adapted(values)).rowcount

    def run_many(self, query: str, values: Sequence[Sequence[object]]) -> None:
        """Execute a statement once for each sequence of values."""
        if len(values) == 1:
            self.run(query, values[0])
        elif values:
            with self._connection.cursor() as cursor:
                cursor.executemany(_translated(query), [_adapted(each) for each in values])


class PostgresBackend:
    """The ledger in a database; a few connections are shared by the threads of this process."""

    is_shared = True

    def __init__(self, url: LedgerUrl) -> None:
        self._url = url
        self.name = shown(url)
        self._free: list[Connection] = []
        self._slots = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._closed = False
        _require_driver()
        try:
            self._run(lambda connection: postgres_schema.migrate(connection, self.name))
        except BaseException:
            self.close()
            raise

    def read(self, work: Callable[[Session], _T]) -> _T:
        """Return what `work` reads, from one state of the data."""
        return self.write(work)

    def write(self, work: Callable[[Session], _T]) -> _T:
        """Return what `work` returns; all that it wrote is durable then, or none of it happened."""

        def call(connection: Connection) -> _T:
            with connection.transaction():
                return work(PostgresSession(connection))

        return self._run(call)

    def verify(self) -> None:
        """Read every job once: PostgreSQL checks its pages itself where checksums are on."""
        self.read(lambda session: session.one("SELECT count(*) AS number FROM jobs"))

    def checks(self) -> list[LedgerCheck]:
        """Return what an administrator should know of the server."""
        from preflight.ledger.postgres_checks import checks

        return self._run(checks)

    def close(self) -> None:
        """Close all connections; safe to call twice."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            _discard(connection)

    def _run(self, call: Callable[[Connection], _T]) -> _T:
        """Return what `call` returns; it is repeated on another connection when one is lost. Raises LedgerError."""
        import psycopg

        end = time.monotonic() + RETRY_FOR
        while True:
            try:
                with self._connection() as connection:
                    return call(connection)
            except psycopg.Error as error:
                if not _is_retried(error) or time.monotonic() >= end or self._closed:
                    raise self._translated(error) from None
            time.sleep(RETRY_PAUSE)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._slots:
            with self._lock:
                connection = self._free.pop() if self._free else None
            if connection is None:
                connection = self._connect()
            try:
                yield connection
            except BaseException:
                # Whatever it was, nobody else shall find the connection in the middle of something.
                if connection.closed or connection.pgconn.transaction_status != 0:
                    _discard(connection)
                    raise
                self._put_back(connection)
                raise
            self._put_back(connection)

    def _put_back(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed:
                self._free.append(connection)
                return
        _discard(connection)

    def _connect(self) -> Connection:
        import psycopg
        from psycopg.rows import dict_row

        connection: Connection = psycopg.connect(
            str(self._url),
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=CONNECT_TIMEOUT,
            application_name="preflight",
            # A machine that is gone, and one that was stopped, are noticed in half a minute.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=30000,
        )
        try:
            self._require_version(connection)
            for name, value in SESSION_SETTINGS.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            # An intent must outlive a crash of the server, whatever its default is.
            connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )
        except BaseException:
            _discard(connection)
            raise
        return connection

    def _require_version(self, connection: Connection) -> None:
        version = connection.info.server_version
        if version < LEAST_VERSION:
            raise LedgerError(
                f"The ledger's server {self.name} is PostgreSQL {version // 10000}.",
                hint=f"Use PostgreSQL {LEAST_VERSION // 10000} or newer.",
            )

    def _translated(self, error: psycopg.Error) -> LedgerError:
        """Return the error for people. What the driver says of an address may hold its password."""
        text = re.sub(r"\s+", " ", str(error)).strip() if error.sqlstate or _is_connection_error(error) else ""
        found = re.search(r"//[^/?]*?:([^@/?]+)@", str(self._url))
        for secret in (str(self._url), *((found[1], unquote(found[1])) if found else ())):
            text = text.replace(secret, "[hidden]")
        return LedgerError(
            f"The ledger {self.name} can't be used: {text.rstrip('.') or type(error).__name__}.",
            hint="Check PREFLIGHT_LEDGER and the database; nothing is lost, and `preflight resume` continues.",
            retryable=_is_retried(error),
        )


def shown(url: LedgerUrl) -> str:
    """Return an address as people may see it: without password and parameters."""
    try:
        parts = urlsplit(str(url))
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "postgresql://"
    return f"postgresql://{user}{parts.hostname or ''}{port}{parts.path}"


def _require_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "PREFLIGHT_LEDGER names a PostgreSQL database, and its driver is not installed.",
            hint="Run: pip install '.[cluster]' in preflight's folder.",
        ) from error


def _is_connection_error(error: psycopg.Error) -> bool:
    import psycopg

    return isinstance(error, psycopg.OperationalError)


def _is_retried(error: psycopg.Error) -> bool:
    """Return whether the transaction may be repeated."""
    import psycopg

    if error.sqlstate is None:
        # The connection broke, or there was none; a refused password has no code either.
        text = str(error)
        final = ("authentication failed", "does not exist", "no pg_hba.conf entry", "invalid")
        return isinstance(error, psycopg.OperationalError) and not any(words in text for words in final)
    return error.sqlstate.startswith(_RETRIED)


def _discard(connection: Connection) -> None:
    with suppress(Exception):
        connection.close()


@functools.lru_cache(maxsize=256)
def _translated(query: str) -> bytes:
    """Return a statement with the driver's placeholders."""
    return query.replace("?", "%s").encode()


def _adapted(values: Sequence[object]) -> list[object]:
    """Return values as the server can store them: its texts have no NUL and no lone surrogates."""
    return [_text(value) if isinstance(value, str) else value for value in values]


def _text(value: str) -> str:
    # Also makes a plain text of a member of an enumeration.
    return str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()
