"""The rate of submits of one account, shared by every process that uses its ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

from preflight.ledger import Ledger
from preflight.ledger.accounts import SubmitPace
from preflight.removal.rate import RateLimiter, SubmitRate

_T = TypeVar("_T")


class SharedRate(RateLimiter):
    """A submit rate whose state is a row of the ledger; times are the database's, so that all processes agree."""

    def __init__(self, ledger: Ledger, account: str) -> None:
        super().__init__()
        self._ledger = ledger
        self._account = account

    def turns(self) -> Generator[float, None, None]:
        """Yield the monotonic time at which to continue until this submit may leave."""
        while True:
            pause, pauses = self._change(_taken)
            if pause <= 0:
                return
            yield time.monotonic() + pause
            # A refusal that came meanwhile, here or elsewhere, holds for this submit as well.
            if self._change(lambda rate, _: (rate, rate.pauses)) == pauses:
                return

    def accepted(self) -> None:
        """Note that the service took a submit."""
        self._change(lambda rate, _: (rate.accepted(), None))

    def refused(self, retry_after: float | None) -> None:
        """Note that the service said 501 or 429."""
        self._change(lambda rate, now: (rate.refused(now, retry_after), None))

    def _change(self, change: Callable[[SubmitRate, float], tuple[SubmitRate, _T]]) -> _T:
        def work(pace: SubmitPace | None, now: float) -> tuple[SubmitPace, _T]:
            rate = (
                SubmitRate()
                if pace is None
                else SubmitRate(interval=pace.interval, free_at=pace.free_at, pauses=pace.pauses)
            )
            new, result = change(rate, now)
            return SubmitPace(interval=new.interval, free_at=new.free_at, pauses=new.pauses), result

        return self._ledger.accounts.change_pace(self._account, work)


def _taken(rate: SubmitRate, now: float) -> tuple[SubmitRate, tuple[float, int]]:
    new, turn = rate.take(now)
    return new, (turn - now, new.pauses)
