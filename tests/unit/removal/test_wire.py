import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import (
    ContentRejectedError,
    CredentialsError,
    CreditError,
    GatewayError,
    InputRejectedError,
    JobFailedError,
    MalformedReplyError,
    RateLimitError,
    ServiceError,
    SubmitUnknownError,
)
from preflight.model.job import SecretUrl, TaskState
from preflight.removal import error_replies, wire
from tests import odd_replies

URL = "https://host/clip.mp4?Expires=1&Signature=hush"


def reply(body: Any, status: int = 200, **headers: str) -> wire.Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.Reply(status=status, body=content, headers={k.replace("_", "-"): v for k, v in headers.items()})


def ok(data: Any) -> wire.Reply:
    return reply({"resCode": 200, "success": True, "resMessage": "", "requestId": "r1", "data": data})


def code(number: int) -> wire.Reply:
    return reply({"resCode": number, "success": False, "resMessage": "why", "requestId": "r1", "data": None})


@pytest.mark.parametrize(
    "body",
    [
        {"resCode": 200, "success": True, "requestId": "r1", "data": {"result": {"taskId": "t"}}},
        {"resCode": 200, "requestId": "r1", "data": {"taskId": "t"}},
        {"resCode": "200", "request_id": "r1", "data": '{"result": {"taskId": "t"}}'},
        {"code": "0", "RequestId": "r1", "data": {"TaskID": "t"}},
        {"code": 0, "request_id": "r1", "taskId": "t"},
    ],
)
def test_every_shape_of_acceptance_is_read(body: dict[str, Any]) -> None:
    task = wire.read_submit(reply(body))
    assert (task.task_id, task.request_id, task.state) == ("t", "r1", TaskState.PENDING)


@pytest.mark.parametrize(
    ("number", "kind", "retryable"),
    [
        (501, RateLimitError, True),
        (700, InputRejectedError, False),
        (701, InputRejectedError, False),
        (702, InputRejectedError, False),
        (703, InputRejectedError, False),
        (801, JobFailedError, False),
        (1000, ContentRejectedError, False),
        (1001, ServiceError, True),
        (1002, ContentRejectedError, False),
    ],
)
def test_documented_codes_refuse_a_submit(number: int, kind: type[ServiceError], retryable: bool) -> None:
    with pytest.raises(kind, match=f"{number}: why") as caught:
        wire.read_submit(code(number))
    error = caught.value
    assert (type(error), error.code, error.request_id) == (kind, number, "r1")
    assert (error.retryable, error.outcome_unknown) == (retryable, False)


@pytest.mark.parametrize(
    ("name", "kind", "status", "raised"),
    [
        ("IncompleteSignature", "ISV", 400, CredentialsError),
        ("IllegalTimestamp", "ISV", 200, CredentialsError),
        ("NoResource", "ISP", 200, CreditError),
        ("ApiCallLimit", "ISV", 200, RateLimitError),
        ("ApiCallLimit", "", 200, RateLimitError),
        ("ApiCallLimit", "ISP", 200, SubmitUnknownError),
        ("IllegalTimestamp", "SYSTEM", 400, SubmitUnknownError),
        ("InvalidParameter", "ISV", 400, GatewayError),
        ("ServiceTimeout", "ISP", 200, SubmitUnknownError),
        ("Whatever", "SYSTEM", 500, SubmitUnknownError),
        ("Whatever", "", 404, GatewayError),
    ],
)
def test_gateway_names_refuse_a_submit(name: str, kind: str, status: int, raised: type[ServiceError]) -> None:
    body = {"type": kind, "code": name, "message": "m", "request_id": "r1"}
    with pytest.raises(raised, match=name) as caught:
        wire.read_submit(reply(body, status))
    assert (type(caught.value), caught.value.code, caught.value.request_id) == (raised, name, "r1")
    assert caught.value.outcome_unknown is (raised is SubmitUnknownError)


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (200, b"", SubmitUnknownError),
        (200, b'{"resCode": 200, "data": {"result": {"ta', SubmitUnknownError),
        (200, b"<html>", SubmitUnknownError),
        (200, b'{"resCode": 200, "data": {}}', SubmitUnknownError),
        (200, b"{}", SubmitUnknownError),
        (302, b"", SubmitUnknownError),
        (502, b"<html>", SubmitUnknownError),
        (504, b"", SubmitUnknownError),
        (500, b'{"resCode": 200, "data": {"taskId": "cut', SubmitUnknownError),
        (400, b"", GatewayError),
        (404, b"<html>", GatewayError),
        (403, b"", CredentialsError),
        (429, b"", RateLimitError),
        (429, b'{"type": "ISP", "code": "x"}', RateLimitError),
    ],
)
def test_submit_answers_in_no_known_shape(status: int, body: bytes, raised: type[ServiceError]) -> None:
    with pytest.raises(raised):
        wire.read_submit(reply(body, status))


@pytest.mark.parametrize("task", ["t-1", "9" * 400, "x" * 2000, "1.5e300"])
@pytest.mark.parametrize("name", odd_replies.NAMING)
def test_task_id_is_found_whatever_stands_beside_it(name: str, task: str) -> None:
    odd = odd_replies.NAMING[name](task)
    answer = wire.Reply(status=odd.status, body=odd.body, headers={k.lower(): v for k, v in odd.headers.items()})
    if odd.announced is None:
        assert wire.read_submit(answer).task_id == task
    assert wire.find_task_id(answer) == task


@pytest.mark.parametrize("name", odd_replies.SILENT)
def test_reply_that_decides_nothing_is_unknown(name: str) -> None:
    odd = odd_replies.SILENT[name]("task-1")
    assert wire.find_task_id(reply(odd.body, odd.status)) is None
    with pytest.raises(SubmitUnknownError):
        wire.read_submit(reply(odd.body, odd.status))


@pytest.mark.parametrize("name", odd_replies.REFUSING)
def test_refusal_is_known_to_have_accepted_nothing(name: str) -> None:
    odd = odd_replies.REFUSING[name]("task-1")
    with pytest.raises(ServiceError) as caught:
        wire.read_submit(reply(odd.body, odd.status))
    assert (caught.value.outcome_unknown, caught.value.retryable) == (False, True)


def test_system_error_is_refused_only_by_setting() -> None:
    with pytest.raises(SubmitUnknownError):
        wire.read_submit(code(500))
    with pytest.raises(ServiceError) as caught:
        wire.read_submit(code(500), resend_after_500=True)
    assert (type(caught.value), caught.value.outcome_unknown) == (ServiceError, False)


@pytest.mark.parametrize("written", ["123", "-5", "12345678901234567890", "1.25", "1e400", '"\\ud800x"', '"a\\u0007b"'])
def test_task_id_is_kept_as_it_is_written(written: str) -> None:
    body = f'{{"resCode": 200, "data": {{"taskId": {written}}}}}'.encode()
    expected = json.loads(written) if written.startswith('"') else written
    assert wire.read_submit(reply(body)).task_id == expected


def test_success_false_says_nothing_of_a_task() -> None:
    body = {"resCode": 200, "success": False, "resMessage": "no"}
    with pytest.raises(MalformedReplyError) as caught:
        wire.read_query(reply(body), "t")
    assert caught.value.retryable
    assert wire.read_query(reply({**body, "data": {"videoUrl": URL}}), "t").state is TaskState.DONE


def test_huge_numbers_are_no_progress_and_no_code() -> None:
    body = {"resCode": 200, "data": {"progress": int("7" * 400), "taskStatus": "running"}}
    assert wire.read_query(reply(body), "t").progress == 1.0


def test_rate_limit_says_how_long() -> None:
    with pytest.raises(RateLimitError) as caught:
        wire.read_submit(reply(b"", 429, retry_after="7"))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"videoUrl": URL}, TaskState.DONE),
        ({"result": {"videoUrl": URL}}, TaskState.DONE),
        ({"taskStatus": "finished", "videoUrl": URL}, TaskState.DONE),
        ({"Status": "COMPLETED", "videoUrl": URL}, TaskState.DONE),
        ({"taskStatus": "running", "videoUrl": URL}, TaskState.DONE),
        ({"taskStatus": "submitted"}, TaskState.PENDING),
        ({"status": "IN_PROGRESS", "videoUrl": None}, TaskState.PENDING),
        ({"STATUS": "QUEUED", "videoUrl": ""}, TaskState.PENDING),
        ({"taskStatus": "brand-new word"}, TaskState.PENDING),
        ({}, TaskState.PENDING),
        (None, TaskState.PENDING),
        ({"taskStatus": "failed", "videoUrl": URL}, TaskState.FAILED),
        ({"Status": "FAILED", "failReason": "broken"}, TaskState.FAILED),
    ],
)
def test_task_states(data: Any, state: TaskState) -> None:
    task = wire.read_query(ok(data), "t")
    assert (task.task_id, task.state, task.request_id) == ("t", state, "r1")
    assert task.video_url == (SecretUrl(URL) if state is TaskState.DONE else None)


def test_finished_without_url_is_no_success() -> None:
    with pytest.raises(MalformedReplyError):
        wire.read_query(ok({"taskStatus": "finished"}), "t")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "javascript:1", "http://", "http://[", "x.mp4"])
def test_result_url_has_to_be_http(url: str) -> None:
    with pytest.raises(MalformedReplyError):
        wire.read_query(ok({"videoUrl": url}), "t")


@pytest.mark.parametrize("number", [700, 701, 702, 703, 801, 1000, 1002])
def test_final_codes_are_a_failed_task(number: int) -> None:
    task = wire.read_query(code(number), "t")
    assert (task.state, task.code, task.request_id) == (TaskState.FAILED, number, "r1")
    error = error_replies.of_task(task)
    assert (type(error), error.code, str(number) in error.message) == (
        error_replies.DOCUMENTED[number][0],
        number,
        True,
    )


@pytest.mark.parametrize("number", [500, 501, 1001])
def test_passing_codes_say_nothing_of_the_task(number: int) -> None:
    with pytest.raises(ServiceError) as caught:
        wire.read_query(code(number), "t")
    assert caught.value.retryable


def test_failed_task_without_code_is_a_failed_job() -> None:
    error = error_replies.of_task(wire.read_query(ok({"taskStatus": "failed", "reason": "broken"}), "t"))
    assert isinstance(error, JobFailedError)
    assert "broken" in error.message


def test_server_texts_are_cleaned() -> None:
    body = {"resCode": 702, "resMessage": f"can't read {URL}\x1b[31m\n" + "x" * 5000}
    with pytest.raises(InputRejectedError) as caught:
        wire.read_submit(reply(body))
    assert "hush" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(caught.value.message) < 400


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([200, "0", URL, "failed"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resCode", "code", "type", "data", "result", "taskId", "taskStatus", "videoUrl", "message", "x"]
            ),
            inner,
            max_size=6,
        )
    ),
)


@given(st.integers(100, 599), anything.map(lambda value: json.dumps(value).encode()) | st.binary())
def test_any_reply_is_a_value_or_a_typed_error(status: int, body: bytes) -> None:
    answer = reply(body, status)
    with suppress(ServiceError):
        assert wire.read_submit(answer).task_id
    with suppress(ServiceError):
        task = wire.read_query(answer, "t")
        assert (task.state is TaskState.DONE) == (task.video_url is not None)


@given(st.text())
def test_any_header_is_a_number_or_none(text: str) -> None:
    answer = reply(b"", retry_after=text, date=text)
    assert answer.retry_after is None or answer.retry_after >= 0
    assert answer.server_time is None or isinstance(answer.server_time, float)
