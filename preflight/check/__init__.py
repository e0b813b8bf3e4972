"""The check: rules applied to what the probe brought back. `Media | Unreadable -> Report`. Pure."""

from preflight.check.rules import ADVISORIES, evaluate

__all__ = ["ADVISORIES", "evaluate"]
