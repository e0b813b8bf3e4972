from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from preflight.errors import LedgerError
from preflight.ledger.states import ACCEPTED, MOVES, Change, Job, State, apply, identify
from preflight.model.job import SecretUrl

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = Job(id="a", group="a", digest="d", parameters="{}", account="me", source=Path("v.mp4"), created=NOW, updated=NOW)


def change(to: State, **facts: object) -> Change:
    return Change(to=to, at=NOW, cause="test", **facts)  # type: ignore[arg-type]


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(State)


@given(st.sampled_from(State), st.sampled_from(State))
def test_only_listed_moves_are_made(origin: State, to: State) -> None:
    job = replace(JOB, state=origin, task_id="t", file=Path("f"))
    if to in MOVES[origin] or to is origin:
        assert apply(job, change(to, task_id="t", file=Path("f"))).state is to
    else:
        with pytest.raises(LedgerError):
            apply(job, change(to, task_id="t", file=Path("f")))


def test_unknown_is_left_only_by_a_person() -> None:
    unknown = replace(JOB, state=State.UNKNOWN)
    for to in set(State) - {State.UNKNOWN}:
        with pytest.raises(LedgerError):
            apply(unknown, change(to, task_id="t", file=Path("f")))
    assert apply(unknown, change(State.SUBMITTED, task_id="t", by_person=True)).task_id == "t"
    assert apply(unknown, change(State.CANCELLED, by_person=True)).state is State.CANCELLED
    assert apply(unknown, change(State.QUEUED, by_person=True)).attempt == 2


@pytest.mark.parametrize("state", sorted(ACCEPTED))
def test_accepted_needs_a_task_id(state: State) -> None:
    origin = next(s for s in MOVES if state in MOVES[s])
    with pytest.raises(LedgerError, match="task id"):
        apply(replace(JOB, state=origin), change(state, file=Path("f")))


def test_queued_again_is_a_clean_attempt() -> None:
    failed = replace(JOB, state=State.FAILED, task_id="t", code=801, key="k", message="no")
    again = apply(failed, change(State.QUEUED))
    assert (again.attempt, again.task_id, again.code, again.key, again.message) == (2, None, None, None, None)


def test_result_url_loses_its_query() -> None:
    url = SecretUrl("https://user:pass@cdn.example/r.mp4?Signature=secret#x")
    done = apply(replace(JOB, state=State.RUNNING, task_id="t"), change(State.DONE, url=url))
    assert done.url == "https://cdn.example/r.mp4"


def test_a_cause_is_required() -> None:
    with pytest.raises(LedgerError, match="cause"):
        apply(JOB, Change(to=State.FIXED, at=NOW, cause=""))


def test_refusal_of_a_checked_file_is_a_disagreement() -> None:
    assert replace(JOB, state=State.FAILED, code=703).disagreement
    assert not replace(JOB, state=State.FAILED, code=801).disagreement


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.integers(1, 4), st.integers(1, 4))
def test_ids_tell_jobs_apart(digest: str, parameters: str, account: str, segment: int, segments: int) -> None:
    job, group = identify(digest, parameters, account, segment, segments)
    other, same_group = identify(digest, parameters, account, segment + 1, segments + 1)
    assert job != other
    assert group == same_group
    assert identify(digest + "x", parameters, account)[1] != group


class PaidOnce(RuleBasedStateMachine):
    """Whatever moves the program makes, one attempt submits once and an accepted job is never submitted again."""

    def __init__(self) -> None:
        super().__init__()
        self.job = JOB
        self.may_be_accepted: set[int] = set()

    @rule(to=st.sampled_from(State), task=st.sampled_from([None, "t1", "t2"]), person=st.booleans())
    def move(self, to: State, task: str | None, person: bool) -> None:
        before = self.job
        try:
            self.job = apply(before, change(to, task_id=task, file=Path("f"), by_person=person))
        except LedgerError:
            return
        if before.state is State.SUBMITTING and to in {State.SUBMITTED, State.UNKNOWN}:
            self.may_be_accepted.add(before.attempt)
        if to is State.SUBMITTING and before.state is not State.SUBMITTING:
            assert before.attempt not in self.may_be_accepted
        if before.state is State.UNKNOWN and to is not State.UNKNOWN:
            assert person

    @invariant()
    def accepted_has_a_task(self) -> None:
        assert self.job.state not in ACCEPTED or self.job.task_id


TestPaidOnce = PaidOnce.TestCase
