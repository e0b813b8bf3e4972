"""Many waits at once, polled from one thread; more threads join only while a slow network makes polls late."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from preflight.errors import CancelledError
from preflight.events import Cancel, Listener, ignore
from preflight.model.job import Task
from preflight.removal import poll_schedule
from preflight.removal.client import RemovalClient, progress_of
from preflight.settings import Settings

LANES = 8
"""Threads that poll. One makes some hundred polls a second when the service answers in milliseconds."""

LATE = 2.0
"""Seconds by which a poll may be late before another thread joins."""

POLLS_PER_SECOND = 64.0
"""Polls of all waits together: 4% of a core at 0.6 ms each, and no burden for a service whose rate is not published.

Up to 1,900 waits are polled at the usual pace; 10,000 every 156 s each.
"""

CANCEL_INTERVAL = 0.25
"""Seconds between two looks at the cancel flags."""

CLOSE_TIMEOUT = 0.5
"""Seconds that closing waits for the polling threads."""

BUNCH_PER_WAIT = 0.0005
"""Seconds of sleep between two bunches of polls for each open wait: polls in a bunch cost half of single ones."""

LONGEST_BUNCH = 0.5
"""Seconds of sleep between two bunches, however many waits are open."""


@dataclass(slots=True, kw_only=True)
class _Watch:
    """One wait: where it stands and who is told."""

    state: poll_schedule.WaitState
    listener: Listener
    cancel: Cancel | None
    future: Future[Task] = field(default_factory=Future)


class TaskPoller:
    """Waits for any number of tasks of one service. A context manager; on exit, open waits end with CancelledError.

    `watch` and `wait` may be called from any thread. Listeners are called from the polling threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pace = poll_schedule.Backoff(first=settings.poll_first, last=settings.poll_last)
        self._due: list[tuple[float, int, _Watch]] = []
        self._count = itertools.count()
        self._flags: dict[int, Cancel] = {}
        self._changed = threading.Condition()
        self._lanes: list[threading.Thread] = []
        self._closing = False
        # Settings without an account fail here, in the caller's thread.
        RemovalClient(settings).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all waits and the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        end = time.monotonic() + CLOSE_TIMEOUT
        for lane in self._lanes:
            # A poll that the service does not answer must not hold up the end; its thread is a daemon.
            lane.join(max(0.0, end - time.monotonic()))
        for _, _, watch in self._due:
            _fail(watch, _stopped(watch))

    def watch(
        self, task_id: str, *, deadline: float | None = None, listener: Listener = ignore, cancel: Cancel | None = None
    ) -> Future[Task]:
        """Return a future that gets the done task, or the error that `RemovalClient.wait` would raise."""
        limit = self._settings.deadline if deadline is None else deadline
        state = poll_schedule.WaitState(task_id=task_id, deadline=time.monotonic() + limit, pace=self._pace)
        watch = _Watch(state=state, listener=listener, cancel=cancel)
        with self._changed:
            self._put(time.monotonic(), watch)
            if not self._lanes:
                self._add_lane()
        return watch.future

    def wait(
        self, task_id: str, *, deadline: float | None = None, listener: Listener = ignore, cancel: Cancel | None = None
    ) -> Task:
        """Do what `RemovalClient.wait` does, with the polls made for all waits together."""
        return self.watch(task_id, deadline=deadline, listener=listener, cancel=cancel).result()

    def _put(self, at: float, watch: _Watch) -> None:
        heapq.heappush(self._due, (at, next(self._count), watch))
        if watch.cancel is not None:
            self._flags[id(watch.cancel)] = watch.cancel
        self._changed.notify()

    def _add_lane(self) -> None:
        lane = threading.Thread(target=self._run, name=f"preflight-wait-{len(self._lanes)}", daemon=True)
        self._lanes.append(lane)
        lane.start()

    def _run(self) -> None:
        with RemovalClient(self._settings) as client:
            while (watch := self._next()) is not None:
                try:
                    self._poll(client, watch)
                except BaseException as error:  # noqa: BLE001 - a listener's error belongs to who waits, not to the lane
                    _fail(watch, error)

    def _next(self) -> _Watch | None:
        """Return the watch whose poll is due, sleeping until there is one; None at the end."""
        with self._changed:
            while not self._closing:
                self._drop_cancelled()
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    at, _, watch = heapq.heappop(self._due)
                    if now - at > LATE and len(self._lanes) < LANES:
                        self._add_lane()
                    return watch
                left = max(self._due[0][0] - now, self._bunch()) if self._due else None
                # Nothing wakes a lane when a flag is set, so it looks now and then.
                self._changed.wait(min(CANCEL_INTERVAL, left) if left is not None and self._flags else left)
        return None

    def _bunch(self) -> float:
        return min(LONGEST_BUNCH, len(self._due) * BUNCH_PER_WAIT)

    def _drop_cancelled(self) -> None:
        raised = [key for key, flag in self._flags.items() if flag.is_set()]
        if not raised:
            return
        kept = []
        for entry in self._due:
            watch = entry[2]
            if watch.cancel is not None and watch.cancel.is_set():
                _fail(watch, _stopped(watch))
            else:
                kept.append(entry)
        heapq.heapify(kept)
        self._due = kept
        for key in raised:
            del self._flags[key]

    def _poll(self, client: RemovalClient, watch: _Watch) -> None:
        event, chance = client.ask(watch.state.task_id), random.random()  # noqa: S311 - jitter
        watch.state, action = poll_schedule.next_action(watch.state, event, now=time.monotonic(), chance=chance)
        watch.listener(progress_of(watch.state, event))
        match action:
            case poll_schedule.Done(task=task):
                with suppress(InvalidStateError):
                    watch.future.set_result(task)
            case poll_schedule.GiveUp(error=error):
                _fail(watch, error)
            case poll_schedule.PollAt(time=at):
                with self._changed:
                    stretched = time.monotonic() + len(self._due) / POLLS_PER_SECOND
                    self._put(min(max(at, stretched), watch.state.deadline), watch)


def _fail(watch: _Watch, error: BaseException) -> None:
    """End a wait with an error, unless it has ended already."""
    with suppress(InvalidStateError):
        watch.future.set_exception(error)


def _stopped(watch: _Watch) -> CancelledError:
    return CancelledError(
        f"Stopped while waiting for task {watch.state.task_id}.",
        hint="It goes on at the service: `preflight resume` picks it up.",
    )
