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
_CLOCK = "Set this machine's clock; `preflight doctor` shows how far it is off."


def of_code(
    code: int, message: str, *, request_id: str | None = None, retry_after: float | None = None
) -> ServiceError:
    """Return the error for the service's own `resCode`; an undocumented one is a plain ServiceError."""
    kind, meaning, hint = DOCUMENTED.get(code, (ServiceError, "an undocumented code", None))
    error = kind(
        f"The service answered {code}: {message or meaning}.".replace("..", "."),
        hint=hint,
        code=code,
        request_id=request_id,
        retryable=code in {500, 501, 1001},
    )
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after
    return error


def of_gateway(name: str, kind: str, message: str, *, status: int, request_id: str | None = None) -> ServiceError:
    """Return the error for the gateway's `code` and `type` (ISV: the caller's fault; ISP, SYSTEM: behind the gateway).

    Names: the platform's samples (IncompleteSignature, IllegalTimestamp, NoResource) and its sister gateways. Only
    what the gateway itself refuses is provably not accepted; what went wrong behind it leaves the outcome unknown.
    """
    text = f"The gateway refused the call: {name}{f' ({message})' if message else ''}."
    word = name.lower()
    if "noresource" in word or "exhausted" in message.lower():
        return CreditError(
            text, hint="The quota is used up: buy more, or use --trial.", code=name, request_id=request_id
        )
    if "timestamp" in word:
        return CredentialsError(text, hint=_CLOCK, code=name, request_id=request_id)
    if any(part in word for part in ("signature", "appkey", "apikey", "accesskey", "token", "permission", "forbidden")):
        return CredentialsError(text, hint=_ACCOUNT, code=name, request_id=request_id)
    if any(part in word for part in ("calllimit", "flowcontrol", "throttl", "qps", "ratelimit")):
        return RateLimitError(text, hint=_LATER, code=name, request_id=request_id)
    behind = kind.upper() != "ISV" and not 400 <= status < 500
    hint = _LATER if behind else _TASK if "task" in word else _CALL
    error = GatewayError(text, code=name, request_id=request_id, retryable=behind, hint=hint)
    error.outcome_unknown = behind
    return error


def of_http(status: int, *, retry_after: float | None = None, request_id: str | None = None) -> ServiceError:
    """Return the error for a reply in neither shape. Below 400 or from 500 on, the outcome of a submit is unknown."""
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
    if 400 <= status < 500:
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
