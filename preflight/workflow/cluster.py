"""Media work on many machines: an executor on top of a Dask cluster.

Dask moves pieces of work that may be repeated, and repeats them when a worker is lost. What must not happen twice, the
submit, is not among them. Only a few tasks a worker are handed over at a time, the others wait here, so that a million
videos never make a million tasks.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from preflight.errors import ToolError, ToolMissingError, UsageError

if TYPE_CHECKING:
    from distributed import Client, LocalCluster
    from distributed import Future as DaskFuture

TASKS_PER_THREAD = 3
"""Tasks handed over for each thread of a worker: one runs, the others keep it from waiting for the next."""

CONNECT_TIMEOUT = 15.0
"""Seconds to wait for the scheduler, or for the first worker."""

RECONNECT_FOR = 60.0
"""Seconds for which a scheduler that went away is looked for: a supervisor restarts it within them."""

RETRIES = 3
"""Times that a task is made again after the loss of its worker or of the scheduler."""

LOOK_INTERVAL = 2.0
"""Seconds between two looks at the number of workers."""

_T = TypeVar("_T")


_IGNORE_INTERRUPTS = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
"""What a worker of this machine does first: Ctrl-C reaches all processes of a terminal, and it is this one's to end
them."""


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Have processes that are started in the block ignore Ctrl-C from their first moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(slots=True, eq=False)
class _Call:
    """A piece of work, the promise of what it returns, and how many times it was lost."""

    work: Callable[[], Any]
    promise: Future[Any]
    losses: int = 0
    remote: DaskFuture | None = field(default=None)


class ClusterExecutor(Executor):
    """Runs calls on the workers of a Dask cluster. Use it as a context manager.

    Args:
        address: `tcp://HOST:PORT` (or `tls://`) of a scheduler, or `local:N` for N processes of this machine.

    Raises:
        UsageError: The address is neither.
        ToolMissingError: The `cluster` extra is not installed.
        ToolError: There is no scheduler at the address, or it has no worker.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._local: LocalCluster | None = None
        self._waiting: deque[_Call] = deque()
        self._handed: set[_Call] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._client = self._connect()
        try:
            self._threads = self._count_threads()
        except BaseException:
            self._close_cluster()
            raise
        self._looked = time.monotonic()
        self._dispatcher = threading.Thread(target=self._dispatch, name="preflight-cluster", daemon=True)
        self._dispatcher.start()

    @property
    def threads(self) -> int:
        """How many tasks the workers run at a moment."""
        return self._threads

    @property
    def outstanding(self) -> int:
        """How many tasks the scheduler has now."""
        return len(self._handed)

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Have a worker call `fn`. Raises RuntimeError after `shutdown`."""
        call = _Call(work=partial(fn, *args, **kwargs) if args or kwargs else fn, promise=Future())
        with self._changed:
            if self._closing:
                raise RuntimeError("The cluster is shut down.")
            self._waiting.append(call)
            self._changed.notify()
        return call.promise

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the cluster; what was not ended is given up, and the workers of `local:N` end."""
        with self._changed:
            if self._closing:
                return
            if wait and not cancel_futures:
                self._changed.wait_for(lambda: not self._waiting and not self._handed)
            self._closing = True
            left = [*self._waiting, *self._handed]
            self._waiting.clear()
            self._handed.clear()
            self._changed.notify_all()
        for call in left:
            call.promise.cancel()
            if call.remote is not None:
                with suppress(Exception):
                    call.remote.cancel()
        self._dispatcher.join(timeout=CONNECT_TIMEOUT)
        self._close_cluster()

    def __exit__(self, *_: object) -> None:
        # Whoever leaves has all that it wanted, or wants to stop now.
        self.shutdown(cancel_futures=True)

    def _connect(self) -> Client:
        try:
            import distributed
        except ImportError as error:
            raise ToolMissingError(
                "--cluster needs Dask, which is not installed.",
                hint="Run: pip install '.[cluster]' in preflight's folder.",
            ) from error
        kind, _, rest = self._address.partition(":")
        if kind == "local":
            if not rest.isascii() or not rest.isdigit() or not int(rest):
                raise UsageError(f"The cluster is {self._address!r}.", hint="Write local:4 for four processes.")
            if self._local is None:
                with _interrupts_ignored():
                    self._local = distributed.LocalCluster(
                        n_workers=int(rest),
                        threads_per_worker=1,
                        processes=True,
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                        preload=[_IGNORE_INTERRUPTS],
                    )
            return distributed.Client(self._local, set_as_default=False)
        if kind not in {"tcp", "tls"} or not rest.startswith("//"):
            raise UsageError(
                f"The cluster is {self._address!r}.", hint="Write tcp://HOST:8786, or local:4 for four processes here."
            )
        try:
            return distributed.Client(self._address, timeout=CONNECT_TIMEOUT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ToolError(
                f"No Dask scheduler answers at {self._address}: {error}.",
                hint="Start `dask scheduler` there, and `dask worker` on each machine.",
                retryable=True,
            ) from error

    def _count_threads(self) -> int:
        """Return how many tasks the workers run at a moment. Raises ToolError when there is no worker."""
        end = time.monotonic() + CONNECT_TIMEOUT
        while not (threads := int(sum(self._client.nthreads().values()))):
            if time.monotonic() > end:
                raise ToolError(
                    f"The cluster at {self._address} has no worker.",
                    hint=f"Start `dask worker {self._address}` on each machine.",
                    retryable=True,
                )
            time.sleep(0.2)
        return threads

    def _dispatch(self) -> None:
        """Hand over calls while the workers have room for them."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._has_room(), timeout=LOOK_INTERVAL)
                if self._closing:
                    return
                call = self._waiting.popleft() if self._has_room() else None
                if call is not None:
                    self._handed.add(call)
            self._look()
            if call is not None:
                self._hand_over(call)

    def _has_room(self) -> bool:
        return bool(self._waiting) and len(self._handed) < max(1, self._threads) * TASKS_PER_THREAD

    def _look(self) -> None:
        """Learn how many workers there are, and connect again when the scheduler is gone."""
        if time.monotonic() - self._looked < LOOK_INTERVAL:
            return
        self._looked = time.monotonic()
        with suppress(Exception):
            if self._client.status == "closed":
                self._reconnect()
            self._threads = sum(self._client.nthreads().values())

    def _hand_over(self, call: _Call) -> None:
        if not call.promise.running() and not call.promise.set_running_or_notify_cancel():
            self._end(call)
            return
        try:
            if self._client.status == "closed":
                self._reconnect()
            # Two clients that use one key get one task.
            key = f"preflight-{uuid.uuid4()}"
            call.remote = self._client.submit(call.work, key=key, pure=False, retries=0)
            call.remote.add_done_callback(partial(self._take, call))
        except Exception as error:  # noqa: BLE001 - whatever the connection raises
            self._lose(call, error)

    def _reconnect(self) -> None:
        if self._local is not None:
            raise ToolError("The processes of the cluster have ended.", retryable=True)
        end = time.monotonic() + RECONNECT_FOR
        while True:
            try:
                old, self._client = self._client, self._connect()
                with suppress(Exception):
                    old.close(timeout=1)
            except ToolError:
                if time.monotonic() > end or self._closing:
                    raise
                time.sleep(LOOK_INTERVAL / 4)
            else:
                return

    def _take(self, call: _Call, ended: DaskFuture) -> None:
        """Keep the promise of a call with what came of its task."""
        from distributed.scheduler import KilledWorker

        if self._closing:
            return
        try:
            if ended.status == "finished":
                value = ended.result(timeout=CONNECT_TIMEOUT)
                self._end(call)
                call.promise.set_result(value)
                return
            if ended.status == "error":
                error = ended.exception(timeout=CONNECT_TIMEOUT)
                if not isinstance(error, KilledWorker):
                    self._end(call)
                    call.promise.set_exception(error)
                    return
            else:
                error = None
        except Exception as caught:  # noqa: BLE001 - the result is lost with the connection
            error = caught
        self._lose(call, error)

    def _lose(self, call: _Call, error: BaseException | None) -> None:
        """Have a lost call made again, or give it up: it has no effect that can't be repeated."""
        call.losses += 1
        call.remote = None
        with self._changed:
            self._handed.discard(call)
            if not self._closing and call.losses <= RETRIES:
                self._waiting.appendleft(call)
                self._changed.notify()
                return
        if not call.promise.done():
            call.promise.set_exception(BrokenExecutor(str(error or "the scheduler went away")))

    def _end(self, call: _Call) -> None:
        with self._changed:
            self._handed.discard(call)
            if call.remote is not None:
                call.remote.release()
            self._changed.notify_all()

    def _close_cluster(self) -> None:
        with suppress(Exception):
            self._client.close(timeout=2)
        if self._local is not None:
            with suppress(Exception):
                self._local.close(timeout=5)
