"""Room: the smallest change that makes a file pass. Report -> Plan -> Fixed."""

from preflight.fix.act import apply
from preflight.fix.planner import plan

__all__ = ["apply", "plan"]
