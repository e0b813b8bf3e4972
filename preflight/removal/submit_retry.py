"""Submit, and submit again only what provably was not accepted."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from preflight.errors import RateLimitError, ServiceError, UnreachableError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.job import RemovalOptions, SecretUrl, Task
from preflight.removal.client import RemovalClient
from preflight.removal.rate import LONGEST_PAUSE, sleep_until

TRIES_WHEN_LIMITED = 10
TRIES_WHEN_UNREACHABLE = 5
TRIES_WHEN_FAILING = 3
"""How often 501/429, DNS/refused/TLS trouble, and the service's own 500 or 1001 may come before that ends the try."""


def _nothing(*_: object) -> None:
    """Keep no books."""


_ANSWERED = {500, 1001}


def pause_before_retry(error: ServiceError, tries: int, chance: float) -> float | None:
    """Return the seconds after which to submit again when `error` came for the `tries`th time; None for never. Pure.

    `chance` in 0..1 is the jitter. An error whose outcome is unknown is never followed by a second submit.
    """
    if error.outcome_unknown or not error.retryable:
        return None
    backoff = min(30.0, 2.0 ** (tries - 1)) * (0.75 + chance / 2)
    if isinstance(error, RateLimitError):
        if tries >= TRIES_WHEN_LIMITED:
            return None
        return backoff if error.retry_after is None else min(LONGEST_PAUSE, error.retry_after)
    if isinstance(error, UnreachableError):
        return backoff if tries < TRIES_WHEN_UNREACHABLE else None
    return backoff if error.code in _ANSWERED and tries < TRIES_WHEN_FAILING else None


def send(
    client: RemovalClient,
    url: SecretUrl,
    options: RemovalOptions,
    *,
    before: Callable[[], object] = _nothing,
    refused: Callable[[ServiceError], object] = _nothing,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Task:
    """Submit at the pace that the service allows, patiently, and return the accepted task.

    `before` is called right before each submit, `refused` right after one that provably was not accepted: who keeps
    books knows at any moment, pauses included, whether a submit may be under way.

    Raises the last error when patience ends, SubmitUnknownError at once, and CancelledError between two tries.
    """
    tries: Counter[type[ServiceError]] = Counter()
    while True:
        client.limiter.acquire(cancel)
        before()
        try:
            task = client.submit(url, options)
        except ServiceError as error:
            if not error.outcome_unknown:
                refused(error)
            # Patience with one trouble is not used up by another.
            tries[type(error)] += 1
            pause = pause_before_retry(error, tries[type(error)], random.random())  # noqa: S311
            if isinstance(error, RateLimitError):
                client.limiter.refused(error.retry_after)
            if pause is None:
                raise
            listener(Progress(stage=Stage.SUBMIT, done=tries.total(), unit="tries", note=error.message))
            sleep_until(time.monotonic() + pause, cancel, "waiting to submit again")
        else:
            client.limiter.accepted()
            return task
