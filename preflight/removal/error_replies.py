"""Which error a refusal stands for: the documented codes, the gateway's names, and bare HTTP statuses. Pure."""

from __future__ import annotations

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
)
from preflight.model.job import Task

_CHECK = "Run `preflight check` on the file; if it passes, report the disagreement with the request id."
_LATER = "Try again later."

DOCUMENTED: dict[int, tuple[type[ServiceError], str, str | None]] = {
    500: (ServiceError, "system error", _LATER),
    501: (RateLimitError, "rate limit exceeded", _LATER),
    700: (InputRejectedError, "video duration exceeds the limit", _CHECK),
    701: (InputRejectedError, "the video file size exceeds the limit", _CHECK),
    702: (InputRejectedError, "video format not supported", _CHECK),
    703: (InputRejectedError, "video resolution is not supported", _CHECK),
    801: (JobFailedError, "model failed", "Submit again; if it fails again, report the request id to the service."),
    1000: (ContentRejectedError, "content has sensitive data", "Send another video."),
    1001: (ServiceError, "content control failed", _LATER),
    1002: (ContentRejectedError, "content risk filter failed", "Ask the service's support, with the request id."),
}
"""The API page's "Error Code" table. 700-703 mean other things on sibling APIs."""

_ACCOUNT = "Check AIDGE_ACCESS_KEY_NAME and AIDGE_ACCESS_KEY_SECRET with `preflight doctor`."
_TASK = "Check the task id, and the account with `preflight doctor`: another account does not know the task."
_CALL = "Run `preflight doctor`; if it finds nothing, report the request id to the service."
_FORM = (
    "The service may want another request form: set request_form to nested or string (docs/api.md); nothing was "
    "accepted, so the video can be sent again."
)
_CLOCK = "Set this machine's clock; `preflight doctor` shows how far it is off."


def of_code(
    code: int, message: str, *, request_id: str | None = None, retry_after: float | None = None
) -> ServiceError:
    """Return the error for the service's own `resCode`. An undocumented one leaves the outcome of a submit unknown."""
    kind, meaning, hint = DOCUMENTED.get(code, (ServiceError, "an undocumented code", None))
    error = kind(
        f"The service answered {code}: {message or meaning}.".replace("..", "."),
        hint=hint,
        code=code,
        request_id=request_id,
        retryable=code in {500, 501, 1001},
    )
    error.outcome_unknown = code not in DOCUMENTED
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after
    return error


def contradictory(message: str, *, request_id: str | None = None) -> ServiceError:
    """Return the error for a reply with the code of success and `success: false`: it decides nothing."""
    error = MalformedReplyError(
        f"The service answered 200 and calls that no success{f': {message}' if message else ''}.",
        hint=_LATER,
        code=200,
        request_id=request_id,
        retryable=True,
    )
    error.outcome_unknown = True
    return error


def of_gateway(name: str, kind: str, message: str, *, status: int, request_id: str | None = None) -> ServiceError:
    """Return the error for the gateway's `code` and `type`, which decides whether a submit was refused.

    ISV is the caller's fault: the gateway itself refused the call. ISP and SYSTEM are trouble behind the gateway, which
    leaves the outcome unknown whatever the code or the message says. Without a type the HTTP status and the names of
    the platform's samples (IncompleteSignature, IllegalTimestamp, NoResource) decide.
    """
    if name == NO_RESOURCE or is_refusal(name, kind, status):
        return _refusal(name, message, request_id)
    error = GatewayError(
        f"The gateway lost touch with the service: {name}{f' ({message})' if message else ''}.",
        code=name,
        request_id=request_id,
        retryable=True,
        hint=_LATER,
    )
    error.outcome_unknown = True
    return error


def is_refusal(name: str, kind: str, status: int) -> bool:
    """Return whether the gateway's error proves that the call went no further than the gateway."""
    if kind:
        return kind.upper() == "ISV"
    return 400 <= status < 500 or name in _GATEWAY_CODES


def _refusal(name: str, message: str, request_id: str | None) -> ServiceError:
    text = f"The gateway refused the call: {name}{f' ({message})' if message else ''}."
    word = name.lower()
    for parts, error_class, hint in _REFUSALS:
        if any(part in word for part in parts):
            return error_class(text, hint=hint, code=name, request_id=request_id)
    return GatewayError(text, code=name, request_id=request_id, retryable=False, hint=_CALL)


_PROXY_TROUBLE = frozenset({408, 409, 423, 424, 425, 499})
"""HTTP statuses below 500 that a proxy may send after it has passed the call on: time-outs and conflicts."""

NO_RESOURCE = "NoResource"
"""The gateway's code when the quota is used up (platform's samples, which show it without a type)."""

_GATEWAY_CODES = frozenset(
    {NO_RESOURCE, "IncompleteSignature", "IllegalTimestamp", "InvalidAppKey", "IllegalAccessToken", "ApiCallLimit"}
)
"""Codes that only a gateway gives, before it passes a call on (platform's samples and its sister gateways)."""

_REFUSALS: tuple[tuple[tuple[str, ...], type[ServiceError], str], ...] = (
    (("noresource",), CreditError, "The quota is used up: buy more, or use --trial."),
    (("timestamp",), CredentialsError, _CLOCK),
    (
        ("signature", "appkey", "apikey", "accesskey", "token", "permission", "forbidden"),
        CredentialsError,
        _ACCOUNT,
    ),
    (("calllimit", "flowcontrol", "throttl", "qps", "ratelimit"), RateLimitError, _LATER),
    (("task",), GatewayError, _TASK),
    (("param",), GatewayError, _FORM),
)
"""Parts of the code of a refusal, the error it stands for, and the next step."""


def of_http(status: int, *, retry_after: float | None = None, request_id: str | None = None) -> ServiceError:
    """Return the error for a reply in neither shape.

    A 4xx refuses the call, but for those that a proxy may send after it has passed the call on; any other status leaves
    the outcome of a submit unknown.
    """
    if status == 429:
        limited = RateLimitError(
            "The service answered HTTP 429: too many requests.", hint=_LATER, code=429, request_id=request_id
        )
        limited.retry_after = retry_after
        return limited
    if status in {401, 403, 407}:
        return CredentialsError(
            f"The service answered HTTP {status}.", hint=_ACCOUNT, code=status, request_id=request_id
        )
    if 400 <= status < 500 and status not in _PROXY_TROUBLE:
        return GatewayError(
            f"The service answered HTTP {status} without saying why.",
            hint="Check api_domain, submit_path and query_path with `preflight doctor`.",
            code=status,
            request_id=request_id,
        )
    error = MalformedReplyError(
        f"The service answered HTTP {status} in none of the documented shapes.",
        hint=_LATER,
        code=status,
        request_id=request_id,
        retryable=True,
    )
    error.outcome_unknown = True
    return error


def of_task(task: Task) -> ServiceError:
    """Return the error that a failed task stands for; without a code it is a JobFailedError."""
    if isinstance(task.code, int) and task.code in DOCUMENTED:
        error = of_code(task.code, "", request_id=task.request_id)
        error.message = task.message or error.message
        error.args = (error.message,)
        return error
    return JobFailedError(
        f"Task {task.task_id} failed: {task.message or 'the service gives no reason'}.",
        hint="Submit again; if it fails again, report the task id to the service.",
        code=task.code,
        request_id=task.request_id,
    )
