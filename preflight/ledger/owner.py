"""Who holds a lease, and whether that process still lives."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

BEAT = 10.0
"""Seconds between two signs of life."""
STALE = 60.0
"""Seconds without a sign of life after which an owner that can't be looked up counts as dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process and one holding of it. `machine` names the boot and process namespace, '' where there is none to see.

    `started` tells a process from a later one with the same `pid`.
    """

    machine: str
    pid: int
    started: str
    holding: str = field(default_factory=lambda: secrets.token_hex(8))


def myself() -> Owner:
    """Return this process as a new holder."""
    pid = os.getpid()
    return Owner(machine=_machine(), pid=pid, started=started(pid) or "")


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def started(pid: int) -> str | None:
    """Return the start time of a living process in clock ticks since boot (proc(5), stat, field 22), else None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses itself.
    state, *rest = text.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else rest[18]


def is_alive(owner: Owner, *, here: str, silent: float) -> bool:
    """Return whether `owner` lives: looked up on the same machine (`here`), else judged by `silent` seconds."""
    if owner.machine and owner.machine == here:
        return started(owner.pid) == owner.started
    # A clock that was set back must not keep a dead owner alive.
    return abs(silent) < STALE
