import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import CredentialsError, DeadlineError, GatewayError, JobFailedError, RateLimitError, ServiceError
from preflight.model.job import SecretUrl, Task, TaskState
from preflight.removal.poll_schedule import Backoff, Done, GiveUp, PollAt, WaitState, next_action

PENDING = Task(task_id="t")
DONE = Task(task_id="t", state=TaskState.DONE, video_url=SecretUrl("https://h/x"))
FAILED = Task(task_id="t", state=TaskState.FAILED, code=801)


def waiting(deadline: float = 600.0) -> WaitState:
    return WaitState(task_id="t", deadline=deadline)


def intervals(count: int, chance: float) -> list[float]:
    state, now, found = waiting(10_000), 0.0, []
    for _ in range(count):
        state, action = next_action(state, PENDING, now=now, chance=chance)
        assert isinstance(action, PollAt)
        found.append(action.time - now)
        now = action.time
    return found


def test_backs_off_from_two_to_thirty_seconds() -> None:
    found = intervals(12, 0.5)
    assert found[0] == 2
    assert found == sorted(found)
    assert found[-1] == 30


@given(st.floats(0, 1), st.integers(0, 10**6))
def test_jitter_is_bounded(chance: float, polls: int) -> None:
    assert 1 <= Backoff().interval(polls, chance) <= Backoff().last


def test_done_ends_it() -> None:
    assert next_action(waiting(), DONE, now=0, chance=0)[1] == Done(task=DONE)


def test_result_at_the_deadline_counts() -> None:
    assert next_action(waiting(10), DONE, now=11, chance=0)[1] == Done(task=DONE)


def test_failed_job_ends_it() -> None:
    action = next_action(waiting(), FAILED, now=0, chance=0)[1]
    assert isinstance(action, GiveUp)
    assert isinstance(action.error, JobFailedError)


def test_last_poll_falls_on_the_deadline() -> None:
    assert next_action(waiting(10), PENDING, now=9.5, chance=0.5)[1] == PollAt(time=10)


@pytest.mark.parametrize("event", [PENDING, ServiceError("down", retryable=True)])
def test_deadline_keeps_the_task_id(event: Task | ServiceError) -> None:
    action = next_action(waiting(10), event, now=10, chance=0.5)[1]
    assert isinstance(action, GiveUp)
    assert isinstance(action.error, DeadlineError)
    assert action.error.task_id == "t"


def test_bad_credentials_end_it_at_once() -> None:
    error = CredentialsError("wrong")
    assert next_action(waiting(), error, now=0, chance=0)[1] == GiveUp(error=error)


def test_network_trouble_is_outlived() -> None:
    state, now = waiting(600), 0.0
    for _ in range(20):
        state, action = next_action(state, ServiceError("down", retryable=True), now=now, chance=0.5)
        assert isinstance(action, PollAt)
        now = action.time
    assert next_action(state, DONE, now=now, chance=0.5)[1] == Done(task=DONE)


def test_rate_limit_is_respected() -> None:
    error = RateLimitError("slow down")
    error.retry_after = 60.0
    assert next_action(waiting(), error, now=0, chance=0.5)[1] == PollAt(time=60)


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (ServiceError("content control failed", code=1001, retryable=True), 5),
        (GatewayError("no such task", code="InvalidTaskId"), 3),
    ],
)
def test_some_refusals_count_only_in_a_row(error: ServiceError, times: int) -> None:
    state = waiting()
    for event in [error] * (times - 1) + [PENDING] + [error] * (times - 1):
        state, action = next_action(state, event, now=0, chance=0)
        assert isinstance(action, PollAt)
    assert next_action(state, error, now=0, chance=0)[1] == GiveUp(error=error)


@given(
    st.lists(st.sampled_from([PENDING, ServiceError("down", retryable=True)]), min_size=1, max_size=60),
    st.floats(1, 900),
    st.floats(0, 1),
)
def test_wait_never_polls_past_its_deadline(events: list[Task | ServiceError], deadline: float, chance: float) -> None:
    state, now = waiting(deadline), 0.0
    for event in events:
        state, action = next_action(state, event, now=now, chance=chance)
        if isinstance(action, GiveUp):
            assert now >= deadline
            return
        assert isinstance(action, PollAt)
        assert now < action.time <= deadline
        now = action.time
