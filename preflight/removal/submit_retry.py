"""Submit with retries: a video is submitted again only when the attempt before provably was not accepted."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Generator

from preflight.errors import RateLimitError, ServiceError, UnreachableError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.job import RemovalOptions, SecretUrl, Task
from preflight.removal.client import RemovalClient
from preflight.removal.rate import LONGEST_PAUSE, sleep_until

ATTEMPTS_WHEN_LIMITED = 10
"""Submits that 501 or HTTP 429 may refuse before the error is raised."""

ATTEMPTS_WHEN_UNREACHABLE = 5
"""Submits that may fail with DNS, connection or TLS errors before the error is raised."""

ATTEMPTS_WHEN_FAILING = 3
"""Submits that the service may answer with 1001 (or 500, with `resend_after_500`) before the error is raised."""

LONGEST_BACKOFF = 30.0
"""Seconds between two attempts, unless the server asks for more with Retry-After."""

RETRIED_CODES = frozenset({500, 1001})
"""Codes of the service after which the same submit may succeed."""


def _nothing(*_: object) -> None:
    """Keep no records."""


def pause_before_retry(error: ServiceError, attempts: int, chance: float) -> float | None:
    """Return the seconds before the next submit when `error` ended attempt number `attempts`; None for never. Pure.

    `chance` in 0..1 is the jitter. An error whose outcome is unknown is never followed by a second submit.
    """
    if error.outcome_unknown or not error.retryable:
        return None
    backoff = min(LONGEST_BACKOFF, 2.0 ** (attempts - 1)) * (0.75 + chance / 2)
    if isinstance(error, RateLimitError):
        if attempts >= ATTEMPTS_WHEN_LIMITED:
            return None
        return backoff if error.retry_after is None else min(LONGEST_PAUSE, error.retry_after)
    if isinstance(error, UnreachableError):
        return backoff if attempts < ATTEMPTS_WHEN_UNREACHABLE else None
    return backoff if error.code in RETRIED_CODES and attempts < ATTEMPTS_WHEN_FAILING else None


def submit_steps(
    client: RemovalClient,
    url: SecretUrl,
    options: RemovalOptions,
    *,
    before: Callable[[], object] = _nothing,
    refused: Callable[[ServiceError], object] = _nothing,
    listener: Listener = ignore,
) -> Generator[float, None, Task]:
    """Submit at the rate that the service allows and return the accepted task; yield whenever there is time to wait.

    Each yielded value is the time on the monotonic clock at which to continue, so that a caller with many videos blocks
    no thread meanwhile. `before` is called right before each submit, `refused` right after one that provably was not
    accepted: the caller's records show at any moment whether a submit may be under way.

    Raises the last error when the attempts are used up, and SubmitUnknownError at once.
    """
    attempts: Counter[type[ServiceError]] = Counter()
    while True:
        yield from client.limiter.turns()
        before()
        try:
            task = client.submit(url, options)
        except ServiceError as error:
            if not error.outcome_unknown:
                refused(error)
            # Each kind of error has attempts of its own.
            attempts[type(error)] += 1
            pause = pause_before_retry(error, attempts[type(error)], random.random())  # noqa: S311
            if isinstance(error, RateLimitError):
                client.limiter.refused(error.retry_after)
            if pause is None:
                raise
            listener(Progress(stage=Stage.SUBMIT, done=attempts.total(), unit="tries", note=error.message))
            yield time.monotonic() + pause
        else:
            client.limiter.accepted()
            return task


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
    """Do what `submit_steps` does in the calling thread. Raises CancelledError between two attempts."""
    steps = submit_steps(client, url, options, before=before, refused=refused, listener=listener)
    while True:
        try:
            at = next(steps)
        except StopIteration as end:
            task: Task = end.value
            return task
        sleep_until(at, cancel, "waiting to submit")
