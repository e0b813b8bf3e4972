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
    from preflight.model.job import Failed as Failed
    from preflight.model.job import InpaintingBox as InpaintingBox
    from preflight.model.job import Mismatched as Mismatched
    from preflight.model.job import Pending as Pending
    from preflight.model.job import PixelBox as PixelBox
    from preflight.model.job import Rejected as Rejected
    from preflight.model.job import RemovalOptions as RemovalOptions
    from preflight.model.job import Result as Result
    from preflight.model.job import Skipped as Skipped
    from preflight.model.job import Succeeded as Succeeded
    from preflight.model.job import Unknown as Unknown
    from preflight.model.limits import Limits as Limits
    from preflight.model.plan import Plan as Plan
    from preflight.model.plan import Policy as Policy
    from preflight.model.report import Report as Report
    from preflight.removal.client import RemovalClient as RemovalClient
    from preflight.settings import Settings as Settings
    from preflight.workflow.batch import run_many as run_many
    from preflight.workflow.request import RunRequest as RunRequest
    from preflight.workflow.run import run as run

__version__ = "0.1.0"

_MODULES = {
    "Failed": "model.job",
    "InpaintingBox": "model.job",
    "Limits": "model.limits",
    "Mismatched": "model.job",
    "Pending": "model.job",
    "PixelBox": "model.job",
    "Plan": "model.plan",
    "Policy": "model.plan",
    "Rejected": "model.job",
    "RemovalClient": "removal.client",
    "RemovalOptions": "model.job",
    "Report": "model.report",
    "Result": "model.job",
    "RunRequest": "workflow.request",
    "Settings": "settings",
    "Skipped": "model.job",
    "Succeeded": "model.job",
    "Unknown": "model.job",
    "check": "api",
    "check_many": "api",
    "fix": "api",
    "join": "api",
    "plan": "api",
    "run": "workflow.run",
    "run_many": "workflow.batch",
    "upload": "api",
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
