"""The processes of a cluster, forked from one that has loaded everything: a coordinator, a worker, the scheduler.

    python -m tests.chaos.roles

reads one command a line, as JSON, and answers each with a line: `{"start": ROLE, ...}` with the process id, `{"wait":
PID}` with the exit status or null. Each process has a session of its own and writes to a log.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import dask
import distributed

from preflight.errors import PreflightError
from preflight.ledger import ledger as ledger_module
from preflight.ledger import owner, postgres
from preflight.model.job import Succeeded
from preflight.settings import LedgerUrl, Secret, Settings
from preflight.workflow.batch import run_many
from preflight.workflow.cluster import ClusterExecutor
from preflight.workflow.request import RunRequest
from tests.chaos import media

LEASE = 1.5
"""Seconds without a heartbeat after which a holder counts as dead, in place of a minute."""

BEAT = 0.3
"""Seconds between two heartbeats, in place of ten."""

CONFIGURATION = {
    "distributed.scheduler.worker-ttl": "2s",
    "distributed.scheduler.allowed-failures": 10,
    "distributed.worker.daemon": True,
    "distributed.comm.timeouts.connect": "5s",
    "distributed.admin.log-format": "%(name)s %(message)s",
    "distributed.scheduler.dashboard.status.task-stream-length": 10,
}


def quicken() -> None:
    """Make this process's leases and retries as short as the tests are."""
    owner.STALE_AFTER = LEASE
    ledger_module.BEAT_INTERVAL = BEAT
    postgres.RETRY_FOR = 8.0
    postgres.SESSION_SETTINGS |= {"idle_in_transaction_session_timeout": "1s", "lock_timeout": "4s"}


class Twice(Executor):
    """Has every call made twice at a time, as a scheduler does that took a worker for lost."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return the promise of the second call."""
        self._executor.submit(fn, *args, **kwargs)
        return self._executor.submit(fn, *args, **kwargs)


def settings_of(values: dict[str, Any]) -> Settings:
    """Return settings that were sent as JSON."""
    kinds = {"home": Path, "access_key_secret": Secret, "s3_secret": Secret, "ledger_url": LedgerUrl}
    return Settings(**{name: kinds.get(name, lambda value: value)(value) for name, value in values.items()})


def coordinator(
    *, videos: list[str], output: str, settings: dict[str, Any], scheduler: str, skew: float, twice: bool, jobs: int
) -> None:
    """Run videos on the cluster, with a clock that is `skew` seconds off."""
    quicken()
    media.install()
    _skew_clock(skew)
    paths, request = [Path(video) for video in videos], RunRequest(output=Path(output))
    with ExitStack() as stack:
        executor: Executor = stack.enter_context(ClusterExecutor(scheduler))
        if twice:
            executor = Twice(executor)
        made = settings_of(settings)
        for result in run_many(paths, request=request, settings=made, jobs=jobs, executor=executor):
            done = isinstance(result, Succeeded)
            print(type(result).__name__, result.source, "" if done else getattr(result, "error", ""), flush=True)  # noqa: T201


def _skew_clock(skew: float) -> None:
    """Have the ledger of this process get a time that is `skew` seconds off."""

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=skew)

    ledger_module.datetime = Skewed  # type: ignore[misc]


def scheduler(*, port: int) -> None:
    """Serve as the cluster's scheduler."""

    async def serve() -> None:
        async with distributed.Scheduler(host="127.0.0.1", port=port, dashboard=False) as running:
            await running.finished()

    asyncio.run(serve())


def worker(*, address: str, folder: str) -> None:
    """Serve as a worker with one thread."""

    async def serve() -> None:
        async with distributed.Worker(
            address, nthreads=1, local_directory=folder, dashboard=False, death_timeout=20
        ) as running:
            await running.finished()

    asyncio.run(serve())


ROLES: dict[str, Callable[..., None]] = {"coordinator": coordinator, "scheduler": scheduler, "worker": worker}


def _start(role: str, log: str, arguments: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, target in ((nothing, 0), (descriptor, 1), (descriptor, 2)):
            os.dup2(number, target)
        faulthandler.register(signal.SIGUSR1)
        ROLES[role](**arguments)
        code = 0
    except PreflightError as error:
        print("ended:", error, flush=True)  # noqa: T201
        code = int(error.exit_code)
    except BaseException:  # noqa: BLE001 - it is read in the log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve commands until stdin ends."""
    dask.config.set(CONFIGURATION)
    for line in sys.stdin:
        command = json.loads(line)
        if "start" in command:
            answer: Any = _start(command["start"], command["log"], command["arguments"])
        else:
            try:
                pid, status = os.waitpid(command["wait"], os.WNOHANG)
                answer = os.waitstatus_to_exitcode(status) if pid else None
            except ChildProcessError:
                answer = -1
        print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
