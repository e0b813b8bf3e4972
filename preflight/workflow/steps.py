"""The work on one video as steps between which it only waits: a generator that yields what it waits for.

A caller with one video waits in its own thread (`complete`); the scheduler of a batch gives the thread to another video
meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import BrokenExecutor, Executor, Future
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import wait as future_wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from preflight.errors import CancelledError, PreflightError, ToolError
from preflight.events import Cancel, Listener, Progress, ignore
from preflight.model.job import Task
from preflight.settings import Settings

CANCEL_POLL_INTERVAL = 0.1
"""Seconds between two looks at the cancel flag while waiting."""

Service = Callable[[Settings], AbstractContextManager[Settings]]
"""Gives settings whose service can be reached for the time of a `with` block."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Wait until `time` on the monotonic clock."""

    time: float
    reason: str = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForTasks:
    """Wait until every task is done, has failed, or has reached the deadline of `settings`, which name the service."""

    task_ids: tuple[str, ...]
    settings: Settings
    listener: Listener = ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class ForCall:
    """Have `executor` make a call, and wait until it has ended."""

    call: Callable[[], Any]
    executor: Executor

    def submit(self) -> Future[Any]:
        """Hand the call over; a refusal of the executor is in the future that is returned."""
        try:
            return self.executor.submit(self.call)
        except RuntimeError as error:
            # Broken, or shut down.
            refused: Future[Any] = Future()
            refused.set_exception(BrokenExecutor(str(error)))
            return refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a call returned, or the exception that it raised."""

    value: Any = None
    error: BaseException | None = None

    @classmethod
    def of(cls, future: Future[Any]) -> Returned:
        """Return what came of a call that has ended."""
        try:
            return cls(value=future.result())
        except FutureCancelledError:
            return cls(error=CancelledError("Stopped on request.", hint="`preflight resume` continues."))
        except BrokenExecutor as error:
            hint = "`preflight resume` continues; nothing is paid for twice."
            return cls(error=ToolError(f"The executor lost the work on this video: {error}", hint=hint, retryable=True))
        except BaseException as error:  # noqa: BLE001 - it is raised where the value is asked for
            return cls(error=error)


Wait = Until | ForTasks | ForCall
Outcome = Task | PreflightError
"""What came of waiting for a task: the done task, or the error that its wait ended with."""

Outcomes = tuple[Any, ...]
"""() after `Until`, an `Outcome` for each task of `ForTasks`, one `Returned` after `ForCall`."""

Steps = Generator[Wait, Outcomes, _T]
"""Work that yields what it waits for, gets what came of it (see `Outcomes`) and returns its result."""


def complete(steps: Steps[_T], *, cancel: Cancel | None = None) -> _T:
    """Take all steps in this thread and return their result. Raises what they raise."""
    outcomes: Outcomes = ()
    try:
        while True:
            try:
                wait = steps.send(outcomes) if outcomes else next(steps)
            except StopIteration as end:
                result: _T = end.value
                return result
            outcomes = _wait_here(wait, cancel)
    finally:
        steps.close()


def _wait_here(wait: Wait, cancel: Cancel | None) -> Outcomes:
    if isinstance(wait, Until):
        while (left := wait.time - time.monotonic()) > 0:
            _require_going(cancel, wait.reason)
            time.sleep(min(left, CANCEL_POLL_INTERVAL))
        return ()
    if isinstance(wait, ForCall):
        future = wait.submit()
        while not future_wait([future], timeout=CANCEL_POLL_INTERVAL).done:
            _require_going(cancel, "waiting for the executor")
        return (Returned.of(future),)
    return _wait_for_tasks(wait, cancel)


def _require_going(cancel: Cancel | None, reason: str) -> None:
    if cancel is not None and cancel.is_set():
        raise CancelledError(f"Stopped while {reason}.", hint="`preflight resume` continues from there.")


def _wait_for_tasks(wait: ForTasks, cancel: Cancel | None) -> Outcomes:
    from preflight.removal import RemovalClient

    outcomes: list[Outcome] = []
    with RemovalClient(wait.settings) as client:
        for task_id in wait.task_ids:
            try:
                outcomes.append(client.wait(task_id, listener=wait.listener, cancel=cancel))
            except CancelledError:
                raise
            except PreflightError as error:
                outcomes.append(error)
    return tuple(outcomes)


def guarded(listener: Listener) -> Listener:
    """Return a listener whose own failure does not end the work: progress is a courtesy.

    A PreflightError passes through, so that a listener can stop the work on purpose.
    """

    def listen(progress: Progress) -> None:
        try:
            listener(progress)
        except PreflightError:
            raise
        except Exception:  # noqa: BLE001 - whatever a caller's function raises
            return

    return listener if listener is ignore else listen
