"""The check: rules applied to what the probe brought back. `Media | Unreadable -> Report`. Pure."""

from preflight.rules.evaluation import ADVISORIES, evaluate

__all__ = ["ADVISORIES", "evaluate"]
