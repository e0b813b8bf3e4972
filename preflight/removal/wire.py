"""Replies of the API as values or typed errors. Pure, and total: any status and any bytes give one of the two.

The base document names the fields; where it says nothing (how "in progress" looks) every shape that the platform's
other pages show is read, and nothing unknown is ever taken for success.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

from preflight.errors import MalformedReplyError, ServiceError, SubmitUnknownError
from preflight.model.job import SecretUrl, Task, TaskState
from preflight.removal import error_replies

BODY_LIMIT = 1 << 20
"""Bytes of a reply that are read, before and after decompression. Documented replies have less than 1,000."""

TEXT_LIMIT = 300
"""Characters of a server's message that are shown. Task ids are never cut."""

DEPTH_LIMIT = 20
"""Levels of nesting, JSON inside JSON texts included, that are searched for a task id. Documented: 2."""

CODE_LIMIT = 10**9
"""Numbers from here on are no result code."""

_DONE = {"finished", "completed", "success", "succeeded"}
_FAILED = {"failed", "fail", "failure", "error", "canceled", "cancelled", "expired"}
_TRANSIENT = {500, 501, 1001}
_SYSTEM_ERROR = 500
_NO_ID = {"", "0", "-1", "null", "none", "undefined", "nil"}
"""What stands in the place of a task id when there is none."""

_ID_IN_JSON = re.compile(r'"task[_-]?id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+(?=[\s,}\]]))', re.IGNORECASE)
_ID_IN_TEXT = re.compile(
    r"task[_-]?id[\\\"'\s]*[:=>][\\\"'\s]*([\w.:/+=-]+)(?=[\\\"'\s,;&<}\]])", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back over HTTP: `body` as it was sent; header names in `headers` are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def content(self) -> bytes:
        """The body without its compression; as it is when it can't be decompressed."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        gzip_magic = self.body.startswith(b"\x1f\x8b")
        if not gzip_magic and encoding not in {"gzip", "x-gzip", "deflate"}:
            return self.body
        # zlib(3): 47 tells gzip and zlib apart by the header, -15 is deflate without one.
        for window_bits in (47, -15):
            try:
                return zlib.decompressobj(window_bits).decompress(self.body, BODY_LIMIT)
            except zlib.error:
                continue
        return self.body

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
    """Return a server's text fit for a message: one short printable line, the query strings of URLs hidden."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[:4000]).split())
    return re.sub(r"(https?://[^\s?\"'<>]*)\?[^\s\"'<>]*", r"\1?[hidden]", line)[:TEXT_LIMIT]


def read_submit(reply: Reply, *, resend_after_500: bool = False) -> Task:
    """Return the accepted task: a task id anywhere in the reply counts, whatever code stands beside it.

    Raises the ServiceError that the reply stands for, when it proves that nothing was accepted: a documented refusal,
    or the gateway's refusal of the caller. Any other reply is SubmitUnknownError: the job may exist. So is the
    service's own 500, unless `resend_after_500`.
    """
    task_id = find_task_id(reply)
    fields = _object(reply.content) or {}
    if task_id is not None:
        return Task(task_id=task_id, request_id=_request_id(fields))
    try:
        _success(reply)
    except ServiceError as error:
        undecided = error.code == _SYSTEM_ERROR and not resend_after_500
        if error.outcome_unknown or undecided:
            raise _unknown(f"The reply to the submit decides nothing: {error.message}", error) from None
        raise
    raise _unknown("The service accepted the submit without naming a task id.", None, request_id=_request_id(fields))


def find_task_id(reply: Reply) -> str | None:
    """Return the task id in a reply of any shape, the documented places first; None when it names none."""
    body = reply.content
    fields = _object(body)
    if fields is not None:
        named = [layer["taskid"] for layer in _layers(fields) if "taskid" in layer]
        return next((text for value in (*named, *_task_ids(fields, 0)) if (text := _id(value)) is not None), None)
    # Cut, garbled, or no JSON at all. An id has to be followed by something: one that is cut is another task's.
    text = body.decode("utf-8", "replace")
    if (match := _ID_IN_JSON.search(text)) is not None:
        try:
            return _id(json.loads(match[1]))
        except ValueError:
            return None
    match = _ID_IN_TEXT.search(text)
    return _id(match[1]) if match else None


def _task_ids(value: Any, depth: int) -> Iterator[Any]:
    if depth > DEPTH_LIMIT:
        return
    if isinstance(value, str) and "task" in value.lower():
        value = _object(value.encode("utf-8", "replace"))
    if isinstance(value, dict):
        for name, inner in value.items():
            if _key(name) == "taskid":
                yield inner
            yield from _task_ids(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _task_ids(inner, depth + 1)


def _id(value: Any) -> str | None:
    text = _scalar(value)
    return None if text is None or text.strip().lower() in _NO_ID else text


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
        if host_of(url) is None:
            raise MalformedReplyError("The service's result URL is not http(s).", request_id=_request_id(fields))
        state = TaskState.DONE
    elif word in _DONE:
        raise MalformedReplyError(
            f"The service calls the task {clean(status)!r} and names no result URL.",
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


def host_of(url: str) -> str | None:
    """Return the host of an http(s) URL that can be requested, or None for anything else."""
    try:
        url.encode()
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts.hostname if usable and url.isprintable() else None


def _success(reply: Reply) -> dict[str, Any]:
    """Return the fields of a successful reply in either shape, or raise the error that the reply stands for."""
    fields = _object(reply.content)
    if fields is None:
        raise error_replies.of_http(reply.status, retry_after=reply.retry_after)
    top = _lower(fields)
    code = _number(top.get("rescode"))
    if code is None and reply.status < 400 and str(top.get("code")) in {"0", "200"}:
        code = 200
    message = clean(top.get("resmessage") or top.get("message") or "")
    if code == 200 and reply.status < 400:
        if str(top.get("success")).lower() == "false" and _first(_layers(fields), "videourl", "taskstatus") is None:
            raise error_replies.contradictory(message, request_id=_request_id(fields))
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
        value = json.loads(body, parse_float=_Decimal)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class _Decimal(float):
    """A number with a fraction or an exponent that remembers how it was written: it may be a task id."""

    written: str

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.written = text
        return made


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _lower(fields: dict[str, Any]) -> dict[str, Any]:
    return {_key(name): value for name, value in fields.items()}


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
    """Return a non-empty text or number as text, as it was written, else None."""
    if isinstance(value, _Decimal):
        return value.written
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and abs(value) < CODE_LIMIT
    return value if usable else None


def _share(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(1, max(0, value)))


def _request_id(fields: dict[str, Any]) -> str | None:
    found = _scalar(_lower(fields).get("requestid"))
    return clean(found) if found else None
