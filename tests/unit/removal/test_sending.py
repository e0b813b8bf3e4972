import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight import errors
from preflight.errors import (
    CredentialsError,
    CreditError,
    GatewayError,
    InputRejectedError,
    JobFailedError,
    RateLimitError,
    ServiceError,
    SubmitUnknownError,
    UnreachableError,
)
from preflight.removal.rate import LONGEST_INTERVAL, LONGEST_PAUSE, SHORTEST_INTERVAL, SubmitRate
from preflight.removal.submit_retry import pause_before_retry

SERVICE_ERRORS = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, ServiceError)]


def tries(error: ServiceError) -> int:
    """Return how often a submit that always brings `error` is made."""
    made = 1
    while pause_before_retry(error, made, 0.5) is not None:
        made += 1
    return made


def limited(retry_after: float | None = None) -> RateLimitError:
    error = RateLimitError("slow", code=501)
    error.retry_after = retry_after
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (limited(), 10),
        (UnreachableError("refused"), 5),
        (ServiceError("system error", code=500, retryable=True), 3),
        (ServiceError("content control failed", code=1001, retryable=True), 3),
        (ServiceError("what else", code=9999), 1),
        (SubmitUnknownError("sent"), 1),
        (CredentialsError("signature"), 1),
        (CreditError("quota"), 1),
        (InputRejectedError("702", code=702), 1),
        (JobFailedError("801", code=801), 1),
        (GatewayError("behind", retryable=True), 1),
    ],
)
def test_tries_are_few_and_only_for_what_was_not_accepted(error: ServiceError, expected: int) -> None:
    assert tries(error) == expected


@given(
    st.sampled_from(SERVICE_ERRORS),
    st.sampled_from([None, 500, 501, 1001, 801, "X"]),
    st.booleans(),
    st.integers(1, 20),
    st.floats(0, 1),
)
def test_unknown_outcome_is_never_sent_again(
    kind: type[ServiceError], code: int | str | None, retryable: bool, made: int, chance: float
) -> None:
    error = kind("x", code=code, retryable=retryable)
    error.outcome_unknown = True
    assert pause_before_retry(error, made, chance) is None


@given(st.integers(1, 9), st.floats(0, 1), st.none() | st.floats(0, 10**9))
def test_pauses_are_bounded(made: int, chance: float, retry_after: float | None) -> None:
    pause = pause_before_retry(limited(retry_after), made, chance)
    assert pause is not None
    assert 0 <= pause <= LONGEST_PAUSE


def test_turns_keep_the_interval() -> None:
    rate, turns = SubmitRate(interval=0.2), []
    for _ in range(4):
        rate, turn = rate.take(10.0)
        turns.append(round(turn, 6))
    assert turns == [10.0, 10.2, 10.4, 10.6]


def test_refusal_halves_the_rate_and_holds_everybody() -> None:
    rate = SubmitRate(interval=0.2).refused(100.0, 7.0)
    assert rate.interval == 0.4
    assert rate.take(100.0)[1] == 107.0


@given(st.lists(st.booleans() | st.floats(0, 10**6), max_size=200))
def test_rate_stays_within_bounds(answers: list[bool | float]) -> None:
    rate = SubmitRate()
    for answer in answers:
        rate = rate.accepted() if answer is True else rate.refused(0.0, None if answer is False else answer)
        assert SHORTEST_INTERVAL <= rate.interval <= LONGEST_INTERVAL
        assert rate.free_at <= max(LONGEST_PAUSE, LONGEST_INTERVAL)
