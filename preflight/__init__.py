"""Check, fix, upload, submit and restore videos for the Aidge Video Removal API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.batch import run_many
    from preflight.job import InpaintingBox, RemovalOptions, Result
    from preflight.limits import Limits
    from preflight.pipeline import run
    from preflight.plan import Plan, Policy
    from preflight.removal import RemovalClient
    from preflight.report import Report
    from preflight.settings import Settings
    from preflight.steps import check, fix, plan, upload

__version__ = "0.1.0"

_HOMES = {
    "InpaintingBox": "job",
    "Limits": "limits",
    "Plan": "plan",
    "Policy": "plan",
    "RemovalClient": "removal",
    "RemovalOptions": "job",
    "Report": "report",
    "Result": "job",
    "Settings": "settings",
    "check": "steps",
    "fix": "steps",
    "plan": "steps",
    "run": "pipeline",
    "run_many": "batch",
    "upload": "steps",
}

__all__ = [
    "InpaintingBox",
    "Limits",
    "Plan",
    "Policy",
    "RemovalClient",
    "RemovalOptions",
    "Report",
    "Result",
    "Settings",
    "check",
    "fix",
    "plan",
    "run",
    "run_many",
    "upload",
]


def __getattr__(name: str) -> Any:
    # Each name is imported when it is first used: `import preflight` and `check` must not pay for the rest.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
