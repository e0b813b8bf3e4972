"""The rate of submits: one for all threads of a process and one account, learnt from the service's answers.

The platform publishes no rate for this API. The rate starts at a modest guess, halves at 501 or 429, and rises slowly
while submits are accepted (additive-increase/multiplicative-decrease on a logarithmic scale).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, replace

from preflight.errors import CancelledError
from preflight.events import Cancel

FIRST_INTERVAL = 0.2
"""Seconds between two submits at the start: 5 a second."""

SHORTEST_INTERVAL = 0.05
"""Seconds between two submits at the fastest: 20 a second."""

LONGEST_INTERVAL = 60.0
"""Seconds between two submits at the slowest."""

LONGEST_PAUSE = 120.0
"""Seconds. A longer Retry-After is cut to this: the next answer will repeat it."""

SPEED_UP = 0.9
"""Factor on the interval after each accepted submit: seven of them double the rate."""

CANCEL_POLL_INTERVAL = 0.1
"""Seconds between two looks at the cancel flag while sleeping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRate:
    """The seconds between two submits (`interval`), and the monotonic time from which the next one may leave. Pure.

    `pauses` counts the refusals, so that a waiting thread notices a new one.
    """

    interval: float = FIRST_INTERVAL
    free_at: float = 0.0
    pauses: int = 0

    def take(self, now: float) -> tuple[SubmitRate, float]:
        """Return the rate after a submit was given its turn, and the time of that turn."""
        turn = max(now, self.free_at)
        return replace(self, free_at=turn + self.interval), turn

    def accepted(self) -> SubmitRate:
        """Return the rate after the service took a submit."""
        return replace(self, interval=max(SHORTEST_INTERVAL, self.interval * SPEED_UP))

    def refused(self, now: float, retry_after: float | None) -> SubmitRate:
        """Return the rate after 501 or 429: twice as slow, and nobody asks before the pause is over."""
        interval = min(LONGEST_INTERVAL, self.interval * 2)
        pause = min(LONGEST_PAUSE, retry_after if retry_after is not None else interval)
        return SubmitRate(interval=interval, free_at=max(self.free_at, now + pause), pauses=self.pauses + 1)


class RateLimiter:
    """A submit rate shared by the threads of this process."""

    def __init__(self) -> None:
        self._rate = SubmitRate()
        self._lock = threading.Lock()

    @property
    def rate(self) -> SubmitRate:
        """The rate as it is now."""
        with self._lock:
            return self._rate

    def turns(self) -> Generator[float, None, None]:
        """Yield the monotonic time at which to continue until this submit may leave."""
        while True:
            with self._lock:
                self._rate, turn = self._rate.take(time.monotonic())
                pauses = self._rate.pauses
            if turn > time.monotonic():
                yield turn
            with self._lock:
                # A refusal that came meanwhile holds for this submit as well.
                if pauses == self._rate.pauses:
                    return

    def accepted(self) -> None:
        """Note that the service took a submit."""
        with self._lock:
            self._rate = self._rate.accepted()

    def refused(self, retry_after: float | None) -> None:
        """Note that the service said 501 or 429."""
        with self._lock:
            self._rate = self._rate.refused(time.monotonic(), retry_after)


_limiters: dict[tuple[str, str], RateLimiter] = {}
_limiters_lock = threading.Lock()


def shared_limiter(base: str, key: str) -> RateLimiter:
    """Return the rate limiter that all clients of this process share for one service and account."""
    with _limiters_lock:
        return _limiters.setdefault((base, key), RateLimiter())


def sleep_until(at: float, cancel: Cancel | None, doing: str = "waiting") -> None:
    """Sleep until `at` on the monotonic clock. Raises CancelledError soon after `cancel` is set."""
    while (left := at - time.monotonic()) > 0:
        if cancel is not None and cancel.is_set():
            raise CancelledError(f"Stopped while {doing}.", hint="`preflight resume` goes on from there.")
        time.sleep(min(left, CANCEL_POLL_INTERVAL))
