"""Every documented answer to a submit, given by the service on order, and what the client makes of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import (
    ContentRejectedError,
    CreditError,
    InputRejectedError,
    JobFailedError,
    RateLimitError,
    ServiceError,
    UsageError,
)
from preflight.model.job import RemovalOptions, TaskState
from preflight.removal import RemovalClient
from preflight.removal.submit_retry import send
from preflight.server.stack import LocalStack
from preflight.settings import Settings
from tests.service_stack import local_stack, put

ANSWERS: list[tuple[str, type[ServiceError], bool]] = [
    ("500", ServiceError, True),
    ("501", RateLimitError, True),
    ("700", InputRejectedError, False),
    ("701", InputRejectedError, False),
    ("702", InputRejectedError, False),
    ("703", InputRejectedError, False),
    ("801", JobFailedError, False),
    ("1000", ContentRejectedError, False),
    ("1001", ServiceError, True),
    ("1002", ContentRejectedError, False),
    ("NoResource", CreditError, False),
]


def resending(stack: LocalStack) -> Settings:
    return replace(stack.settings, resend_after_500=True)


def test_every_documented_answer_is_read_for_what_it_is(tmp_path: Path) -> None:
    orders = tuple(answer for answer, _, _ in ANSWERS)
    with local_stack(tmp_path, answers=orders) as stack, RemovalClient(resending(stack)) as client:
        url = put(stack.settings, "clip.mp4", b"video")
        for answer, kind, retryable in ANSWERS:
            with pytest.raises(kind) as caught:
                client.submit(url, RemovalOptions())
            error = caught.value
            assert (type(error), str(error.code)) == (kind, answer)
            assert (error.retryable, error.outcome_unknown) == (retryable, False)
            assert error.request_id
        assert client.wait(client.submit(url, RemovalOptions()).task_id, deadline=60).state is TaskState.DONE


def test_answers_that_pass_are_outlived(tmp_path: Path) -> None:
    orders = ("501:2", "500", "1001")
    with local_stack(tmp_path, answers=orders) as stack, RemovalClient(resending(stack)) as client:
        notes: list[str] = []
        url = put(stack.settings, "clip.mp4", b"video")
        task = send(client, url, RemovalOptions(), listener=lambda progress: notes.append(progress.note))
        assert client.wait(task.task_id, deadline=60).state is TaskState.DONE
    assert [note.split()[3] for note in notes] == ["501:", "501:", "500:", "1001:"]


@pytest.mark.parametrize("order", ["404", "501:", "501:0", "501:x", "501:99999", ""])
def test_order_for_an_unknown_answer_is_refused(tmp_path: Path, order: str) -> None:
    with pytest.raises(UsageError, match="rehearse"), local_stack(tmp_path, answers=(order,)):
        pass
