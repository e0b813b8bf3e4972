"""Every error preflight raises, and the exit code each one means.

PreflightError
├── UsageError                  an option, parameter or setting is wrong            (2)
├── InputError                  a file breaks a limit, or can't be read or fixed    (3)
│   └── FileChangedError        the file was replaced or grew while in use
├── ToolError                   ffmpeg or another local tool failed                 (1)
│   ├── ToolMissingError        not found, or lacks an encoder
│   └── DiskFullError           no room for an output
├── StoreError                  the S3 store                                        (5)
│   ├── StoreAccessError        credentials, bucket or permission                   (4)
│   └── ChecksumError           the store holds other bytes than were sent
├── ServiceError                the removal API                                     (5)
│   ├── CredentialsError        signature, key, clock                               (4)
│   ├── CreditError             no quota left                                       (4)
│   ├── RateLimitError          501 or HTTP 429
│   ├── InputRejectedError      700-703 said by the service                         (3)
│   ├── ContentRejectedError    1000, 1002                                          (1)
│   ├── JobFailedError          the accepted job failed (801, status "failed")      (1)
│   ├── GatewayError            the gateway's own error shape
│   ├── UnreachableError        provably never arrived (DNS, refused, TLS)
│   ├── MalformedReplyError     neither shape
│   └── SubmitUnknownError      sent, no answer: may have been accepted             (7)
├── DeadlineError               still pending; the task id is kept                  (6)
├── LedgerError                 the ledger is locked, damaged or out of reach       (1)
│   └── JobBusyError            another process works on the job
└── CancelledError              stopped on request                                  (130)
"""

from __future__ import annotations

from enum import IntEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar


INSTALL_LOCAL = "pip install '.[local]' in preflight's folder"
"""Hint: how to install the packages that the local service and the engine need."""


class ExitCode(IntEnum):
    """What the process says to a script."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    INPUT = 3
    CREDENTIALS = 4
    TROUBLE = 5
    PENDING = 6
    UNKNOWN = 7
    INTERRUPTED = 130


class PreflightError(Exception):
    """The base of all: a sentence that says what and why, and `hint`, the next step.

    `retryable` says whether the same call may succeed later; `outcome_unknown` that the other side may have acted;
    `code` is the service's, `request_id` too. Instances are picklable and `to_dict()` is JSON-ready.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.SOME_FAILED
    retryable: bool = False
    outcome_unknown: bool = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: int | str | None = None,
        request_id: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.request_id = request_id
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON-ready values."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "hint": self.hint,
            "code": self.code,
            "request_id": self.request_id,
            "retryable": self.retryable,
            "outcome_unknown": self.outcome_unknown,
            "exit_code": int(self.exit_code),
        }


def _rebuild(kind: type[PreflightError], message: str, state: dict[str, Any]) -> PreflightError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class UsageError(PreflightError):
    """An option, a parameter of the API or a setting is missing or wrong."""

    exit_code = ExitCode.USAGE


class InputError(PreflightError):
    """A file breaks a limit, or can't be read or fixed."""

    exit_code = ExitCode.INPUT


class FileChangedError(InputError):
    """The file was replaced or grew between two steps that need the same bytes."""

    exit_code = ExitCode.SOME_FAILED
    retryable = True


class ToolError(PreflightError):
    """A local tool (ffmpeg, MediaInfo, the OCR runtime) failed."""


class ToolMissingError(ToolError):
    """A local tool is not installed or lacks a part that the step needs."""


class DiskFullError(ToolError):
    """There is no room for an output; nothing half-written is left."""


class StoreError(PreflightError):
    """The S3 store did not do what was asked."""

    exit_code = ExitCode.TROUBLE
    retryable = True


class StoreAccessError(StoreError):
    """Credentials, bucket name or permissions of the store are wrong."""

    exit_code = ExitCode.CREDENTIALS
    retryable = False


class ChecksumError(StoreError):
    """The store holds other bytes than were sent."""


class ServiceError(PreflightError):
    """The removal API did not do what was asked."""

    exit_code = ExitCode.TROUBLE


class CredentialsError(ServiceError):
    """The key, the signature or the clock was refused."""

    exit_code = ExitCode.CREDENTIALS


class CreditError(ServiceError):
    """The account's quota is used up."""

    exit_code = ExitCode.CREDENTIALS


class RateLimitError(ServiceError):
    """Code 501 or HTTP 429: not accepted, try later."""

    retryable = True
    retry_after: float | None = None


class InputRejectedError(ServiceError):
    """Code 700-703: the service measured a broken limit."""

    exit_code = ExitCode.INPUT


class ContentRejectedError(ServiceError):
    """Code 1000 or 1002: the content is refused."""

    exit_code = ExitCode.SOME_FAILED


class JobFailedError(ServiceError):
    """The accepted job ended in failure (801, or status failed)."""

    exit_code = ExitCode.SOME_FAILED


class GatewayError(ServiceError):
    """The gateway in front of the API answered with its own error shape."""


class UnreachableError(ServiceError):
    """The request provably never arrived."""

    retryable = True


class MalformedReplyError(ServiceError):
    """The answer has none of the documented shapes."""


class SubmitUnknownError(ServiceError):
    """A submit was sent and no answer came: the job may exist and be paid for."""

    exit_code = ExitCode.UNKNOWN
    outcome_unknown = True
    job_id: str | None = None


class DeadlineError(PreflightError):
    """The job is still pending at the deadline; its task id is kept in the ledger."""

    exit_code = ExitCode.PENDING
    retryable = True
    task_id: str | None = None


class LedgerError(PreflightError):
    """The ledger can't be opened, read or written."""


class JobBusyError(LedgerError):
    """Another living process holds the job's lease."""

    retryable = True


class CancelledError(PreflightError):
    """Stopped on request, with everything left so that it can go on later."""

    exit_code = ExitCode.INTERRUPTED
    retryable = True
