"""Who holds leases, and whether that process is still alive."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

BEAT_INTERVAL = 10.0
"""Seconds between two heartbeats of a process that holds leases."""

STALE_AFTER = 60.0
"""Seconds without a heartbeat after which an owner that can't be looked up counts as dead: six missed heartbeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One open ledger of a process. `machine` names the boot and the process namespace, '' where neither is visible.

    `started` tells the process from a later one with the same `pid`; `id` tells two open ledgers of one process apart.
    """

    machine: str
    pid: int
    started: str
    id: str = field(default_factory=lambda: secrets.token_hex(8))


def current_owner() -> Owner:
    """Return this process as a new owner."""
    pid = os.getpid()
    return Owner(machine=this_machine(), pid=pid, started=start_time(pid) or "")


def this_machine() -> str:
    """Return `BOOT/NAMESPACE` of this process on Linux, '' elsewhere."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def start_time(pid: int) -> str | None:
    """Return the start time of a living process in clock ticks since boot (proc(5), stat, field 22), else None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses itself.
    state, *rest = text.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else rest[18]


def is_alive(owner: Owner, *, here: str, silent: float, is_shared: bool = False) -> bool:
    """Return whether `owner` is alive: looked up on the same machine (`here`), else judged by `silent` seconds.

    Where the ledger `is_shared` with other machines, a process that exists and is silent counts as dead as well: they
    can't tell that it exists, and all have to judge alike.
    """
    if owner.machine and owner.machine == here:
        exists = start_time(owner.pid) == owner.started
        if not exists or not is_shared:
            return exists
    # A clock that was set back must not keep a dead owner alive.
    return abs(silent) < STALE_AFTER


def went_down(owner: Owner, *, here: str, silent: float) -> bool:
    """Return whether the machine of `owner` was restarted while its ledger was open."""
    boot, now = owner.machine.partition("/")[0], here.partition("/")[0]
    return bool(boot and now) and boot != now and abs(silent) >= STALE_AFTER
