"""The work on one video as steps between which it only waits: a generator that yields what it waits for.

A caller with one video waits in its own thread (`complete`); the scheduler of a batch gives the thread to another video
meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from preflight.errors import CancelledError, PreflightError
from preflight.events import Cancel, Listener, Progress, ignore
from preflight.model.job import Task
from preflight.settings import Settings

CANCEL_POLL_INTERVAL = 0.1
"""Seconds between two looks at the cancel flag while waiting."""

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


Wait = Until | ForTasks
Outcome = Task | PreflightError
"""What came of waiting for a task: the done task, or the error that its wait ended with."""

Outcomes = tuple[Outcome, ...]
Steps = Generator[Wait, Outcomes, _T]
"""Work that yields what it waits for, gets the outcomes of the tasks (() after `Until`) and returns its result."""


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
            if cancel is not None and cancel.is_set():
                raise CancelledError(f"Stopped while {wait.reason}.", hint="`preflight resume` continues from there.")
            time.sleep(min(left, CANCEL_POLL_INTERVAL))
        return ()
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
