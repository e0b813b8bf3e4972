"""The probe: what a file is, measured in a process that can be killed. `Path -> Media | Unreadable`.

Names are loaded when first used: the worker process imports this package too and needs none of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from preflight.probe.discover import expand
    from preflight.probe.packet_scan import Depth, read
    from preflight.probe.prober import Prober, pooled_prober, probe
    from preflight.probe.range_probe import probe_ranges

__all__ = ["Depth", "Prober", "expand", "pooled_prober", "probe", "probe_ranges", "read"]

_HOMES = {
    "Depth": "packet_scan",
    "Prober": "prober",
    "expand": "discover",
    "pooled_prober": "prober",
    "probe": "prober",
    "probe_ranges": "range_probe",
    "read": "packet_scan",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"preflight.probe.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
