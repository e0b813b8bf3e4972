"""Worker processes: tasks in, results out, in any number, killed when the work is left."""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import IO, Any, Protocol

from preflight.errors import PreflightError, ToolError
from preflight.tools import process

_LENGTH = struct.Struct("<Q")


class PoolTask(Protocol):
    """Something that can be sent to a worker and run there."""

    def run(self) -> Any:
        """Do it and return the result."""
        ...


class Pool:
    """Runs tasks on worker processes. Results do not depend on how many there are."""

    def __init__(self, workers: list[process.Running]) -> None:
        self._idle: SimpleQueue[process.Running] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(max_workers=len(workers))
        self.size = len(workers)

    def submit(self, task: PoolTask) -> Future[Any]:
        """Start a task; its future raises the error that the task raised."""
        return self._threads.submit(self._run, task)

    def _run(self, task: PoolTask) -> Any:
        worker = self._idle.get()
        try:
            send(worker.stdin, task)
            worker.stdin.flush()
            answer = receive(worker.stdout)
        except (EOFError, OSError) as error:
            raise ToolError(f"A worker process died: {worker.stderr_tail[-300:] or error}") from error
        finally:
            self._idle.put(worker)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        """Drop what has not started and wait for the threads, whose workers must be gone or idle."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def default_workers() -> int:
    """Return how many workers suit this machine: one a core, at most four, since each takes memory."""
    return max(1, min(4, os.cpu_count() or 1))


@contextmanager
def workers(count: int | None = None) -> Iterator[Pool]:
    """Start `count` worker processes for the block; they are killed when it is left."""
    argv = [sys.executable, "-m", "preflight.engine.parallel.worker"]
    paths = os.pathsep.join(path for path in sys.path if path)
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                process.start(
                    argv,
                    stdin=process.PIPE,
                    stdout=process.PIPE,
                    env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
                )
            )
            for _ in range(count or default_workers())
        ]
        pool = Pool(started)
        try:
            yield pool
        finally:
            for worker in started:
                worker.kill()
            pool.close()


def send(pipe: IO[bytes], value: Any) -> None:
    """Write a value, its length first."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)


def receive(pipe: IO[bytes]) -> Any:
    """Read a value that `send` wrote. Raises EOFError at the end."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("The pipe has ended.")
    return pickle.loads(pipe.read(_LENGTH.unpack(head)[0]))  # noqa: S301 - the other end is our own process


def answer(task: PoolTask) -> Any:
    """Run a task and return its result, or the error it raised."""
    try:
        return task.run()
    except PreflightError as error:
        return error
    except Exception as error:  # noqa: BLE001 - it is raised again on the other side
        return ToolError(f"{type(task).__name__} failed: {type(error).__name__}: {error}")
