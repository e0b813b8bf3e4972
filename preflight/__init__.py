"""Check, fix, upload, submit and restore videos for the Aidge Video Removal API."""

from __future__ import annotations

import sys

# Not from `typing`: the worker that reads files passes through here, and its start is what a single check waits for.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from preflight.batch import run_many
    from preflight.job import (
        Failed,
        InpaintingBox,
        Pending,
        PixelBox,
        Rejected,
        RemovalOptions,
        Result,
        Succeeded,
        Unknown,
    )
    from preflight.limits import Limits
    from preflight.pipeline import run
    from preflight.plan import Plan, Policy
    from preflight.removal import RemovalClient
    from preflight.report import Report
    from preflight.settings import Settings
    from preflight.steps import check, check_many, fix, join, plan, upload

__version__ = "0.1.0"

_HOMES = {
    "Failed": "job",
    "InpaintingBox": "job",
    "Limits": "limits",
    "Pending": "job",
    "PixelBox": "job",
    "Plan": "plan",
    "Policy": "plan",
    "Rejected": "job",
    "RemovalClient": "removal",
    "RemovalOptions": "job",
    "Report": "report",
    "Result": "job",
    "Settings": "settings",
    "Skipped": "job",
    "Succeeded": "job",
    "Unknown": "job",
    "check": "steps",
    "check_many": "steps",
    "fix": "steps",
    "join": "steps",
    "plan": "steps",
    "run": "pipeline",
    "run_many": "batch",
    "upload": "steps",
}

__all__ = [
    "Failed",
    "InpaintingBox",
    "Limits",
    "Pending",
    "PixelBox",
    "Plan",
    "Policy",
    "Rejected",
    "RemovalClient",
    "RemovalOptions",
    "Report",
    "Result",
    "Settings",
    "Skipped",
    "Succeeded",
    "Unknown",
    "check",
    "check_many",
    "fix",
    "join",
    "plan",
    "run",
    "run_many",
    "upload",
]


def _public(name: str) -> property:
    """Return an attribute that is imported when it is first used: `import preflight` must not pay for all of it."""

    def get(_: object) -> Any:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

    def keep(_: object, value: object) -> None:
        """Importing the room `preflight.check` would bind it over the function `preflight.check`; it must not."""

    return property(get, keep)


sys.modules[__name__].__class__ = type("Api", (type(sys),), {name: _public(name) for name in _HOMES})
