"""Answers that a person orders beforehand, to test replies of the platform that this service never gives by itself."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable

from preflight.errors import UsageError
from preflight.server.responses import MESSAGES, RefusalError, declined, exhausted

NO_RESOURCE = "NoResource"
"""The gateway's answer when the quota is used up (the platform's samples)."""

_LIMIT = 10_000
"""Times that one answer can be ordered."""


def parse(orders: Iterable[str]) -> tuple[str, ...]:
    """Return one answer for each submit to come, from orders such as `501:2` or `NoResource`. Raises UsageError."""
    known = {NO_RESOURCE, *map(str, MESSAGES)}
    answers: list[str] = []
    for order in orders:
        answer, colon, count = order.partition(":")
        times = int(count) if re.fullmatch(r"\d{1,5}", count, re.ASCII) else 0 if colon else 1
        if answer not in known or not 0 < times <= _LIMIT:
            raise UsageError(
                f"{order!r} is not an answer to rehearse.",
                hint=f"Write CODE or CODE:TIMES with a code of {', '.join(sorted(known))}.",
            )
        answers += [answer] * times
    return tuple(answers)


class Rehearsal:
    """Gives each ordered answer to one submit, in order. Safe to use from several threads."""

    def __init__(self, orders: Iterable[str]) -> None:
        self._answers = deque(parse(orders))
        self._lock = threading.Lock()

    def next(self) -> RefusalError | None:
        """Return the answer that is due, or None when none is left."""
        with self._lock:
            answer = self._answers.popleft() if self._answers else None
        if answer is None:
            return None
        if answer == NO_RESOURCE:
            return exhausted()
        return declined(int(answer), retry_after=1 if answer == "501" else None)
