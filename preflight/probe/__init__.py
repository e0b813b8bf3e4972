"""The probe: what a file is, measured in a process that can be killed. `Path -> Media | Unreadable`.

Names are loaded when first used: the worker process imports this package too and needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.probe.prober import Prober, probe

__all__ = ["Prober", "probe"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from preflight.probe import prober

        return getattr(prober, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
