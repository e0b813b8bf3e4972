"""Replies of the API -> values or typed errors. Pure, and total: any status and any bytes end in one of the two.

The base document names the fields; where it is silent (how "in progress" looks) every shape that the platform's other
pages show is read, and nothing unknown is ever taken for success.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from preflight.errors import MalformedReplyError, ServiceError, SubmitUnknownError
from preflight.model.job import SecretUrl, Task, TaskState
from preflight.removal import error_replies

_DONE = {"finished", "completed", "success", "succeeded"}
_FAILED = {"failed", "fail", "failure", "error", "canceled", "cancelled", "expired"}
_TRANSIENT = {500, 501, 1001}
_TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back over HTTP. Header names in `headers` are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait, or None. Only the header's seconds form is used."""
        text = self.headers.get("retry-after", "").strip()
        return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) else None

    @property
    def server_time(self) -> float | None:
        """The server's clock in seconds since the epoch, from the `Date` header, or None."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).timestamp()
        except (ValueError, OverflowError, OSError):
            return None


def clean(text: Any) -> str:
    """Return a server's text fit for a message: one short line, the query strings of URLs hidden."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[:4000]).split())
    return re.sub(r"(https?://[^\s?\"'<>]*)\?[^\s\"'<>]*", r"\1?[hidden]", line)[:_TEXT_LIMIT]


def read_submit(reply: Reply) -> Task:
    """Return the accepted task.

    Raises the ServiceError that the reply stands for. A reply that neither accepts nor refuses is SubmitUnknownError:
    the job may exist. So is a gateway's report that it lost touch with the service behind it.
    """
    try:
        fields = _success(reply)
    except ServiceError as error:
        if error.outcome_unknown:
            raise _unknown(f"The answer to the submit decides nothing: {error.message}", error) from None
        raise
    task_id = _scalar(_first(_layers(fields), "taskid"))
    if task_id is None:
        raise _unknown(
            "The service accepted the submit without naming a task id.", None, request_id=_request_id(fields)
        )
    return Task(task_id=task_id, request_id=_request_id(fields))


def read_query(reply: Reply, task_id: str) -> Task:
    """Return the state of `task_id`.

    A reply that says the job failed is a Task too. Raises ServiceError for everything that says nothing of the job;
    `retryable` then tells whether asking again may help.
    """
    try:
        fields = _success(reply)
    except ServiceError as error:
        if isinstance(error.code, int) and error.code in error_replies.DOCUMENTED and error.code not in _TRANSIENT:
            return Task(
                task_id=task_id,
                state=TaskState.FAILED,
                code=error.code,
                message=error.message,
                request_id=error.request_id,
            )
        raise
    return _task(fields, task_id)


def _task(fields: dict[str, Any], task_id: str) -> Task:
    layers = _layers(fields)
    status = _scalar(_first(layers, "taskstatus", "status"))
    word = (status or "").lower()
    url = _first(layers, "videourl")
    state = TaskState.PENDING
    if word in _FAILED:
        state = TaskState.FAILED
    elif isinstance(url, str) and url:
        if urlsplit_or_none(url) is None:
            raise MalformedReplyError("The service's result URL is not http(s).", request_id=_request_id(fields))
        state = TaskState.DONE
    elif word in _DONE:
        raise MalformedReplyError(
            f"The service calls the task {status!r} and names no result URL.",
            request_id=_request_id(fields),
            retryable=True,
        )
    reason = _first(layers, "failreason", "errormessage", "errormsg", "reason", "message", "resmessage")
    return Task(
        task_id=task_id,
        state=state,
        status=clean(status) if status is not None else None,
        video_url=SecretUrl(str(url)) if state is TaskState.DONE else None,
        code=_number(_first(layers, "errorcode", "failcode")) if state is TaskState.FAILED else None,
        message=clean(reason) if state is TaskState.FAILED and reason else None,
        request_id=_request_id(fields),
        progress=_share(_first(layers, "progress")),
        quality=_nested(_first(layers, "quality")) or None,
    )


def urlsplit_or_none(url: str) -> str | None:
    """Return the host of an http(s) URL, or None for anything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts.hostname if usable else None


def _success(reply: Reply) -> dict[str, Any]:
    """Return the fields of a successful reply in either shape, or raise the error that the reply stands for."""
    fields = _object(reply.body)
    if fields is None:
        raise error_replies.of_http(reply.status, retry_after=reply.retry_after)
    top = _lower(fields)
    code = _number(top.get("rescode"))
    if code is None and reply.status < 400 and str(top.get("code")) in {"0", "200"}:
        code = 200
    message = clean(top.get("resmessage") or top.get("message") or "")
    if code == 200 and reply.status < 400:
        return fields
    if isinstance(code, int) and code != 200:
        raise error_replies.of_code(code, message, request_id=_request_id(fields), retry_after=reply.retry_after)
    name = _scalar(top.get("code"))
    if name is not None and reply.status != 429:
        kind = clean(top.get("type") or "")
        raise error_replies.of_gateway(clean(name), kind, message, status=reply.status, request_id=_request_id(fields))
    raise error_replies.of_http(reply.status, retry_after=reply.retry_after, request_id=_request_id(fields))


def _unknown(message: str, cause: ServiceError | None, request_id: str | None = None) -> SubmitUnknownError:
    return SubmitUnknownError(
        message,
        hint="It may have been accepted, so it is not sent again; `preflight jobs resolve` settles it.",
        code=cause.code if cause else None,
        request_id=cause.request_id if cause else request_id,
    )


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _lower(fields: dict[str, Any]) -> dict[str, Any]:
    return {name.lower().replace("_", ""): value for name, value in fields.items()}


def _layers(fields: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return `data.result`, `data` and the reply itself, innermost first; each may be a JSON text or missing."""
    outer = _lower(fields)
    data = _lower(_nested(outer.get("data")))
    return (_lower(_nested(data.get("result"))), data, outer)


def _nested(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = _object(value.encode("utf-8", "replace"))
    return value if isinstance(value, dict) else {}


def _first(layers: tuple[dict[str, Any], ...], *names: str) -> Any:
    for name in names:
        for layer in layers:
            if layer.get(name) not in (None, ""):
                return layer[name]
    return None


def _scalar(value: Any) -> str | None:
    """Return a non-empty text or number as text, else None."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)[:_TEXT_LIMIT] or None


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _share(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return min(1.0, max(0.0, float(value))) if usable else None


def _request_id(fields: dict[str, Any]) -> str | None:
    found = _scalar(_lower(fields).get("requestid"))
    return clean(found) if found else None
