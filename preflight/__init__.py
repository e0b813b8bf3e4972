"""Check, fix, upload, submit and restore videos for the Aidge Video Removal API.

The public names are listed in `_MODULES` and imported on first use (PEP 562), so that `import preflight` is fast.
"""

from __future__ import annotations

# Not from `typing`: the process that parses files imports this package, and a single check waits for its start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.api import check as check
    from preflight.api import check_many as check_many
    from preflight.api import fix as fix
    from preflight.api import join as join
    from preflight.api import plan as plan
    from preflight.api import upload as upload
    from preflight.engine import RemovalReport as RemovalReport
    from preflight.engine import TextPreview as TextPreview
    from preflight.engine import preview_text as preview_text
    from preflight.engine import remove_text as remove_text
    from preflight.errors import CancelledError as CancelledError
    from preflight.errors import ChecksumError as ChecksumError
    from preflight.errors import ContentRejectedError as ContentRejectedError
    from preflight.errors import CredentialsError as CredentialsError
    from preflight.errors import CreditError as CreditError
    from preflight.errors import DeadlineError as DeadlineError
    from preflight.errors import DiskFullError as DiskFullError
    from preflight.errors import ExitCode as ExitCode
    from preflight.errors import FileChangedError as FileChangedError
    from preflight.errors import GatewayError as GatewayError
    from preflight.errors import InputError as InputError
    from preflight.errors import InputRejectedError as InputRejectedError
    from preflight.errors import JobBusyError as JobBusyError
    from preflight.errors import JobFailedError as JobFailedError
    from preflight.errors import LedgerError as LedgerError
    from preflight.errors import MalformedReplyError as MalformedReplyError
    from preflight.errors import PreflightError as PreflightError
    from preflight.errors import RateLimitError as RateLimitError
    from preflight.errors import ServiceError as ServiceError
    from preflight.errors import StoreAccessError as StoreAccessError
    from preflight.errors import StoreError as StoreError
    from preflight.errors import SubmitUnknownError as SubmitUnknownError
    from preflight.errors import ToolError as ToolError
    from preflight.errors import ToolMissingError as ToolMissingError
    from preflight.errors import UnreachableError as UnreachableError
    from preflight.errors import UsageError as UsageError
    from preflight.events import Cancel as Cancel
    from preflight.events import Listener as Listener
    from preflight.events import Progress as Progress
    from preflight.events import Stage as Stage
    from preflight.model.job import Failed as Failed
    from preflight.model.job import Fixed as Fixed
    from preflight.model.job import InpaintingBox as InpaintingBox
    from preflight.model.job import Mismatched as Mismatched
    from preflight.model.job import Pending as Pending
    from preflight.model.job import PixelBox as PixelBox
    from preflight.model.job import Rejected as Rejected
    from preflight.model.job import RemovalOptions as RemovalOptions
    from preflight.model.job import Result as Result
    from preflight.model.job import SecretUrl as SecretUrl
    from preflight.model.job import Skipped as Skipped
    from preflight.model.job import Succeeded as Succeeded
    from preflight.model.job import Task as Task
    from preflight.model.job import TaskState as TaskState
    from preflight.model.job import Unknown as Unknown
    from preflight.model.job import Upload as Upload
    from preflight.model.limits import Limits as Limits
    from preflight.model.media import Media as Media
    from preflight.model.media import Unreadable as Unreadable
    from preflight.model.plan import Plan as Plan
    from preflight.model.plan import Policy as Policy
    from preflight.model.region import Regions as Regions
    from preflight.model.report import Finding as Finding
    from preflight.model.report import Report as Report
    from preflight.model.report import Severity as Severity
    from preflight.model.text import ScreenText as ScreenText
    from preflight.model.text import ScreenTexts as ScreenTexts
    from preflight.model.text import TextRole as TextRole
    from preflight.removal.client import RemovalClient as RemovalClient
    from preflight.restore.acceptance.report import AcceptanceReport as AcceptanceReport
    from preflight.restore.acceptance.report import AcceptanceVerdict as AcceptanceVerdict
    from preflight.restore.composite.compose import CompositeReport as CompositeReport
    from preflight.settings import Settings as Settings
    from preflight.settings import load_settings as load_settings
    from preflight.workflow.acceptance import verify as verify
    from preflight.workflow.batch import resume as resume
    from preflight.workflow.batch import run_many as run_many
    from preflight.workflow.collection import Collected as Collected
    from preflight.workflow.collection import collect as collect
    from preflight.workflow.collection import record as record
    from preflight.workflow.composition import composite as composite
    from preflight.workflow.payment import Paid as Paid
    from preflight.workflow.payment import pay as pay
    from preflight.workflow.preparation import Inspected as Inspected
    from preflight.workflow.preparation import Prepared as Prepared
    from preflight.workflow.preparation import inspect as inspect
    from preflight.workflow.preparation import prepare as prepare
    from preflight.workflow.recomposition import Redone as Redone
    from preflight.workflow.recomposition import redo as redo
    from preflight.workflow.request import RunRequest as RunRequest
    from preflight.workflow.run import run as run
    from preflight.workflow.text_export import find_text as find_text
    from preflight.workflow.text_export import write_subtitles as write_subtitles

__version__ = "0.1.0"

_MODULES = {
    "AcceptanceReport": "restore.acceptance.report",
    "AcceptanceVerdict": "restore.acceptance.report",
    "Cancel": "events",
    "CancelledError": "errors",
    "ChecksumError": "errors",
    "Collected": "workflow.collection",
    "CompositeReport": "restore.composite.compose",
    "ContentRejectedError": "errors",
    "CredentialsError": "errors",
    "CreditError": "errors",
    "DeadlineError": "errors",
    "DiskFullError": "errors",
    "ExitCode": "errors",
    "Failed": "model.job",
    "FileChangedError": "errors",
    "Finding": "model.report",
    "Fixed": "model.job",
    "GatewayError": "errors",
    "InpaintingBox": "model.job",
    "InputError": "errors",
    "InputRejectedError": "errors",
    "Inspected": "workflow.preparation",
    "JobBusyError": "errors",
    "JobFailedError": "errors",
    "LedgerError": "errors",
    "Limits": "model.limits",
    "Listener": "events",
    "MalformedReplyError": "errors",
    "Media": "model.media",
    "Mismatched": "model.job",
    "Paid": "workflow.payment",
    "Pending": "model.job",
    "PixelBox": "model.job",
    "Plan": "model.plan",
    "Policy": "model.plan",
    "PreflightError": "errors",
    "Prepared": "workflow.preparation",
    "Progress": "events",
    "RateLimitError": "errors",
    "Redone": "workflow.recomposition",
    "Regions": "model.region",
    "Rejected": "model.job",
    "RemovalClient": "removal.client",
    "RemovalOptions": "model.job",
    "RemovalReport": "engine",
    "Report": "model.report",
    "Result": "model.job",
    "RunRequest": "workflow.request",
    "ScreenText": "model.text",
    "ScreenTexts": "model.text",
    "SecretUrl": "model.job",
    "ServiceError": "errors",
    "Settings": "settings",
    "Severity": "model.report",
    "Skipped": "model.job",
    "Stage": "events",
    "StoreAccessError": "errors",
    "StoreError": "errors",
    "SubmitUnknownError": "errors",
    "Succeeded": "model.job",
    "Task": "model.job",
    "TaskState": "model.job",
    "TextPreview": "engine",
    "TextRole": "model.text",
    "ToolError": "errors",
    "ToolMissingError": "errors",
    "Unknown": "model.job",
    "UnreachableError": "errors",
    "Unreadable": "model.media",
    "Upload": "model.job",
    "UsageError": "errors",
    "check": "api",
    "check_many": "api",
    "collect": "workflow.collection",
    "composite": "workflow.composition",
    "find_text": "workflow.text_export",
    "fix": "api",
    "inspect": "workflow.preparation",
    "join": "api",
    "load_settings": "settings",
    "pay": "workflow.payment",
    "plan": "api",
    "prepare": "workflow.preparation",
    "preview_text": "engine",
    "record": "workflow.collection",
    "redo": "workflow.recomposition",
    "remove_text": "engine",
    "resume": "workflow.batch",
    "run": "workflow.run",
    "run_many": "workflow.batch",
    "upload": "api",
    "verify": "workflow.acceptance",
    "write_subtitles": "workflow.text_export",
}
"""Module of each public name. A test compares it with the imports for type checkers above and with `dir()`."""

__all__ = list(_MODULES)


def __getattr__(name: str) -> object:
    """Import a public name on first use and keep it, so that it can be replaced like any other attribute."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names of the module, the public ones included."""
    return sorted({*globals(), *_MODULES})
