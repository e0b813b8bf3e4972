"""What the service answers: the documented shape, and the gateway's for a call that never reaches the service. Pure."""

from __future__ import annotations

import uuid
from typing import Any

MESSAGES = {
    500: "system error",
    501: "rate limit exceed",
    700: "video duration exceeds the limit",
    701: "the video file size exceeds the limit",
    702: "video format not supported",
    703: "video resolution is not supported",
    801: "model failed",
    1000: "content has sensitive data, please try other input",
    1001: "content control failed, please retry",
    1002: "content risk filter failed, please contact us",
}
"""The API page's "Error Code" table, word for word."""


class RefusalError(Exception):
    """An answer other than success: an HTTP status, a body and headers."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(body)
        self.status = status
        self.body = body
        self.headers = headers


def success(data: dict[str, Any]) -> dict[str, Any]:
    """Return the documented reply to a call that succeeded."""
    return {"resCode": 200, "success": True, "resMessage": "", "requestId": _request_id(), "data": data}


def failure(code: int, message: str | None = None, *, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the documented reply with an error code; the message defaults to the documented one.

    Args:
        code: the documented code.
        message: for people.
        data: further facts of the reply.
    """
    return {
        "resCode": code,
        "success": False,
        "resMessage": message or MESSAGES.get(code, "system error"),
        "requestId": _request_id(),
        "data": data or {},
    }


def declined(code: int, message: str | None = None, *, retry_after: int | None = None) -> RefusalError:
    """Return the service's own refusal, to be raised. Like the platform it comes with HTTP 200.

    Args:
        code: the documented code.
        message: for people.
        retry_after: seconds, as a header.
    """
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return RefusalError(200, failure(code, message), headers)


def refused(code: str, message: str, *, status: int = 400) -> RefusalError:
    """Return the gateway's refusal of a caller's mistake, to be raised.

    Args:
        code: the gateway's code.
        message: for people.
        status: of HTTP.
    """
    body = {"type": "ISV", "code": code, "message": message, "request_id": _request_id()}
    return RefusalError(status, body)


def exhausted() -> RefusalError:
    """Return the gateway's answer when no quota is left, to be raised; the samples show it with HTTP 200."""
    message = "calling resources have been exhausted"
    return RefusalError(200, {"type": "ISP", "code": "NoResource", "message": message, "request_id": _request_id()})


def _request_id() -> str:
    return uuid.uuid4().hex
