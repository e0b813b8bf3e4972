"""Room: the smallest change that makes a file pass. Report -> Plan -> Fixed."""

from preflight.fixing.apply_plan import apply
from preflight.fixing.planner import plan

__all__ = ["apply", "plan"]
