"""When to poll a task again, and when to stop. Pure: state, event and time in; new state and action out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from preflight.errors import DeadlineError, GatewayError, PreflightError, ServiceError
from preflight.model.job import Task, TaskState
from preflight.removal import error_replies

SHORTEST_INTERVAL = 1.0
"""Seconds between two polls of one task at the fastest (the platform's advice for its older video tasks)."""

CONTENT_CONTROL = 1001
"""The service's code "content control failed, please retry" (API page, Error Code)."""

CONTENT_CONTROL_LIMIT = 5
"""Times in a row that 1001 has to come before the wait ends with it."""

REFUSAL_LIMIT = 3
"""Times in a row that the gateway has to refuse a poll, as for an unknown task, before the wait ends with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Back-off between polls in seconds: from `first`, times `factor` each, to `last`; `jitter` is a share of it.

    None is longer than `last`: that is how late a finished job is noticed at the latest.
    """

    first: float = 2.0
    last: float = 30.0
    factor: float = 1.5
    jitter: float = 0.2

    def interval(self, polls: int, chance: float) -> float:
        """Return the seconds to wait after the poll number `polls`; `chance` in 0..1 picks the jitter."""
        # The exponent is bounded: a float overflows long before a patient waiter gives up.
        plain = min(self.last, self.first * self.factor ** min(polls, 100))
        jittered = plain * (1 + self.jitter * (2 * chance - 1))
        return min(self.last, max(min(SHORTEST_INTERVAL, self.first), jittered))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitState:
    """What is known of one wait. `deadline` is a time of the caller's clock in seconds."""

    task_id: str
    deadline: float
    pace: Backoff = Backoff()
    polls: int = 0
    refusals: int = 0
    last_trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollAt:
    """Ask again at `time`."""

    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The result is there."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Stop with `error`; the task id stays known."""

    error: PreflightError


Action = PollAt | Done | GiveUp


def next_action(state: WaitState, event: Task | ServiceError, *, now: float, chance: float) -> tuple[WaitState, Action]:
    """Return the new state and the next action after a poll brought `event` at `now`.

    Errors that say nothing of the job are outlived until the deadline; those that no later poll can mend (credentials,
    a broken reply) end the wait at once. Two answers end it only when they come in a row: 1001, "please retry", five
    times, and a refusal by the gateway, such as of a task that it does not know yet, three times.
    """
    if isinstance(event, Task):
        if event.state is TaskState.DONE:
            return state, Done(task=event)
        if event.state is TaskState.FAILED:
            return state, GiveUp(error=error_replies.of_task(event))
        state = replace(state, polls=state.polls + 1, refusals=0, last_trouble=None)
        return state, _next(state, now=now, chance=chance)
    limit = _limit(event)
    refusals = state.refusals + 1 if limit else 0
    state = replace(state, polls=state.polls + 1, refusals=refusals, last_trouble=event.message)
    if refusals >= limit if limit else not event.retryable:
        return state, GiveUp(error=event)
    return state, _next(state, now=now, chance=chance, at_least=getattr(event, "retry_after", None) or 0.0)


def _limit(event: ServiceError) -> int | None:
    """Return how often in a row `event` has to come before it counts, None when it does not have to."""
    if event.code == CONTENT_CONTROL:
        return CONTENT_CONTROL_LIMIT
    return REFUSAL_LIMIT if isinstance(event, GatewayError) and not event.retryable else None


def _next(state: WaitState, *, now: float, chance: float, at_least: float = 0.0) -> Action:
    if now >= state.deadline:
        return GiveUp(error=expired(state))
    pause = max(state.pace.interval(state.polls - 1, chance), min(at_least, 10 * state.pace.last))
    # The last poll falls on the deadline itself, so that a result that came in time is not missed.
    return PollAt(time=min(now + pause, state.deadline))


def expired(state: WaitState) -> DeadlineError:
    """Return the error of a wait that reached its deadline."""
    trouble = f" The last poll failed: {state.last_trouble}" if state.last_trouble else ""
    error = DeadlineError(
        f"Task {state.task_id} is still pending at the deadline.{trouble}",
        hint="It goes on at the service: `preflight resume` or `preflight wait` picks it up.",
    )
    error.task_id = state.task_id
    return error
