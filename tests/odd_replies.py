"""Replies to a submit that a service may give after it has accepted the job: some name the task, some only puzzle.

Each is made for one task id. `NAMING` ones hold it somewhere; of `SILENT` ones nobody can tell what became of the
submit; `REFUSING` ones prove that nothing was accepted. All of them together are what the scenario generator lets its
service say.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OddReply:
    """A reply: HTTP status, headers and body; `announced` is a Content-Length above the body's when it is cut."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None


Maker = Callable[[str], OddReply]


def _json(value: Callable[[str], Any], status: int = 200, **headers: str) -> Maker:
    return lambda task: OddReply(status=status, body=json.dumps(value(task)).encode(), headers=headers)


def _raw(text: Callable[[str], str | bytes], status: int = 200, **headers: str) -> Maker:
    def make(task: str) -> OddReply:
        body = text(task)
        return OddReply(status=status, body=body.encode() if isinstance(body, str) else body, headers=headers)

    return make


def _cut(text: Callable[[str], str], missing: int) -> Maker:
    return lambda task: OddReply(body=text(task).encode(), announced=len(text(task).encode()) + missing)


def _result(task: str) -> dict[str, Any]:
    return {"result": {"taskId": task}}


def _service(code: Any, status: int = 200, **more: Any) -> Maker:
    return _json(lambda task: {"resCode": code, "requestId": "r", "data": _result(task), **more}, status)


def _gateway(kind: str, code: str, message: str, status: int = 200, *, naming: bool = False) -> Maker:
    def value(task: str) -> dict[str, Any]:
        named = {"data": _result(task)} if naming else {}
        return {"type": kind, "code": code, "message": message, "request_id": "r", **named}

    return _json(value, status)


_GZIPPED = {"Content-Encoding": "gzip"}


def _zipped(*, told: bool, cut: int = 0) -> Maker:
    def make(task: str) -> OddReply:
        body = gzip.compress(json.dumps({"resCode": 200, "data": _result(task)}).encode())
        return OddReply(body=body[: len(body) - cut], headers=_GZIPPED if told else {})

    return make


NAMING: dict[str, Maker] = {
    "code 500": _service(500),
    "code 501": _service(501),
    "code 1001": _service(1001),
    "code 801": _service(801),
    "code 702": _service(702),
    "code 0": _service(0),
    "code 201": _service(201),
    "code 999": _service(999),
    "code -1": _service(-1),
    "code null": _service(None),
    "code as text": _service("200"),
    "code of 400 digits": _service(int("9" * 400)),
    "code as object": _service({"value": 200}),
    "code 200 with HTTP 500": _service(200, 500),
    "code 200 with HTTP 502": _service(200, 502),
    "code 200 with HTTP 400": _service(200, 400),
    "code 200 with HTTP 404": _service(200, 404),
    "code 200 with HTTP 429": _service(200, 429),
    "code 200 with HTTP 302": _service(200, 302),
    "code 200 with HTTP 201": _service(200, 201),
    "code 200 with HTTP 403": _service(200, 403),
    "success false": _service(200, success=False, resMessage="failed"),
    "success of 400 digits": _service(200, success=int("1" * 400)),
    "ISP throttling with task": _gateway("ISP", "ServiceError", "throttling", naming=True),
    "SYSTEM exhausted with task": _gateway("SYSTEM", "ServiceError", "resources exhausted", naming=True),
    "ISP token with task": _gateway("ISP", "InvalidTokenState", "token", naming=True),
    "SYSTEM timestamp with task": _gateway("SYSTEM", "TimestampService", "timestamp", 500, naming=True),
    "ISV with task": _gateway("ISV", "InvalidParameter", "videoUrl", 400, naming=True),
    "task at the top": _json(lambda task: {"taskId": task}),
    "task in data": _json(lambda task: {"resCode": 200, "data": {"taskId": task}}),
    "task with underscore": _json(lambda task: {"code": "0", "data": {"task_id": task}}),
    "task in capitals": _json(lambda task: {"CODE": 200, "DATA": {"TASKID": task}}),
    "task in a list": _json(lambda task: {"data": [{"taskId": task}]}),
    "task in an unknown object": _json(lambda task: {"outcome": {"job": {"taskId": task}}}),
    "task in JSON text": _json(lambda task: {"resCode": 200, "data": json.dumps(_result(task))}),
    "task in JSON text twice": _json(lambda task: {"data": json.dumps({"result": json.dumps({"taskId": task})})}),
    "task behind an empty one": _json(lambda task: {"taskId": "", "data": {"taskId": task}}),
    "task behind a null": _json(lambda task: {"data": {"taskId": None}, "x": {"taskId": task}}),
    "control characters beside": _json(lambda task: {"taskId": task, "resMessage": "\x1b[31m\x00\x07"}),
    "lone surrogate beside": _json(lambda task: {"taskId": task, "resMessage": "\ud800", "requestId": "\udfff"}),
    "long message beside": _json(lambda task: {"taskId": task, "resMessage": "x" * 100_000}),
    "deep nesting beside": _json(lambda task: {"taskId": task, "deep": json.loads("[" * 100 + "]" * 100)}),
    "digits beside": _json(lambda task: {"taskId": task, "progress": int("7" * 400), "resCode": 200}),
    "task in XML": _raw(lambda task: f"<r><code>0</code><taskId>{task}</taskId></r>"),
    "task in a page": _raw(lambda task: f"<html>accepted, taskId: {task} </html>"),
    "task in JSONP": _raw(lambda task: f'callback({{"resCode":200,"data":{{"taskId":"{task}"}}}})'),
    "two JSON documents": _raw(lambda task: json.dumps({"taskId": task}) + "{}"),
    "byte order mark": _raw(lambda task: b"\xef\xbb\xbf" + json.dumps({"taskId": task}).encode()),
    "UTF-16": _raw(lambda task: json.dumps({"taskId": task}).encode("utf-16")),
    "bad UTF-8 beside": _raw(lambda task: b'{"taskId": "' + task.encode() + b'", "m": "\xff\xfe"}'),
    "gzip": _zipped(told=True),
    "gzip that is not told": _zipped(told=False),
    "gzip without its end": _zipped(told=True, cut=8),
    "gzip that is none": _json(lambda task: {"taskId": task}, **_GZIPPED),
    "deflate": _raw(lambda t: zlib.compress(json.dumps({"taskId": t}).encode()), **{"Content-Encoding": "deflate"}),
    "unknown encoding": _json(lambda task: {"taskId": task}, **{"Content-Encoding": "zz"}),
    "cut behind the task": _cut(lambda task: f'{{"resCode": 200, "data": {{"result": {{"taskId": "{task}"', 4),
    "wrong content type": _json(lambda task: {"taskId": task}, **{"Content-Type": "image/png"}),
    "number too long for Python": _raw(lambda t: f'{{"taskId": "{t}", "x": {"9" * 5000}}}'),
}

SILENT: dict[str, Maker] = {
    "nothing": _raw(lambda _: ""),
    "a page": _raw(lambda _: "<html>log in</html>"),
    "code 500 alone": _json(lambda _: {"resCode": 500, "resMessage": "system error"}),
    "code 0 alone": _json(lambda _: {"resCode": 0}),
    "code 201 alone": _json(lambda _: {"resCode": 201}),
    "code 999 alone": _json(lambda _: {"resCode": 999}),
    "code 200 without a task": _json(lambda _: {"resCode": 200, "success": True, "data": {}}),
    "code 200 with task null": _json(lambda _: {"resCode": 200, "data": {"taskId": None}}),
    "code 200 with task 0": _json(lambda _: {"resCode": 200, "data": {"taskId": 0}}),
    "success false alone": _json(lambda _: {"resCode": 200, "success": False}),
    "ISP throttling": _gateway("ISP", "Throttling", "throttling"),
    "ISP call limit": _gateway("ISP", "ServiceCallLimit", "the service limits calls", 400),
    "SYSTEM exhausted": _gateway("SYSTEM", "ServiceError", "threads exhausted"),
    "SYSTEM token": _gateway("SYSTEM", "TokenServiceError", "token", 400),
    "SYSTEM timestamp": _gateway("SYSTEM", "TimestampServiceError", "timestamp"),
    "unknown name without a type": _gateway("", "Whatever", "?"),
    "HTTP 500": _raw(lambda _: "", 500),
    "HTTP 502": _raw(lambda _: "<html>", 502),
    "HTTP 504": _raw(lambda _: "", 504),
    "HTTP 302": _raw(lambda _: "", 302),
    "HTTP 408": _raw(lambda _: "", 408),
    "HTTP 409": _raw(lambda _: "{}", 409),
    "an array": _json(lambda _: [1, 2]),
    "cut inside the task": _cut(lambda task: f'{{"resCode": 200, "data": {{"result": {{"taskId": "{task[:-1]}', 9),
    "cut before the task": _cut(lambda _: '{"resCode": 200, "da', 40),
    "two megabytes": _raw(lambda _: "x" * (2 << 20)),
}

REFUSING: dict[str, Maker] = {
    "code 501 alone": _json(lambda _: {"resCode": 501, "resMessage": "rate limit exceed"}),
    "code 1001 alone": _json(lambda _: {"resCode": 1001}),
    "HTTP 429": _raw(lambda _: "", 429, **{"Retry-After": "0"}),
    "ISV call limit": _gateway("ISV", "ApiCallLimit", "too many", 400),
}
"""Each is followed by another submit."""
