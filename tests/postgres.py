"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port of the loopback."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from preflight.settings import LedgerUrl

QUICK = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "32MB", "max_connections": "60"}
"""Settings that hardly cost anything and change no promise."""


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which(name)
    assert path, f"{name} is missing: install the package postgresql"
    return path


def user() -> str | None:
    """Return whom the server runs as: it refuses to run as root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


class Server:
    """A server that can be stopped, killed and started again."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] = QUICK) -> None:
        self.folder = folder
        self.settings = dict(settings)
        self.data = folder / "data"
        self.user = user()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if self.user:
            shutil.chown(folder, self.user)
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "preflight", "--no-locale", "-E", "UTF8", "-N")

    def _run(self, name: str, *arguments: str, check: bool = True) -> None:
        done = subprocess.run(
            [program(name), *arguments],
            user=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout.decode()

    def start(self) -> None:
        """Start the server and wait for it."""
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        options += f" -p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-o", options, "-w", "-t", "60", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: "fast" ends its sessions, "immediate" is a crash."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "-t", "60", "stop", check=False)

    def url(self, database: str = "postgres") -> LedgerUrl:
        """Return the address of a database."""
        return LedgerUrl(f"postgresql://preflight@127.0.0.1:{self.port}/{database}")

    def new_database(self) -> LedgerUrl:
        """Make an empty database and return its address."""
        name = f"ledger_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Execute a statement as an administrator and return its rows."""
        with psycopg.connect(str(self.url(database)), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []


@contextmanager
def server(*, settings: Mapping[str, str] = QUICK) -> Iterator[Server]:
    """Start a server for a block; nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="preflight-postgres-"))
    made = Server(folder, settings=settings)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
