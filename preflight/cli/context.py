"""What every command shares: the options of the program, and the effective settings under them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preflight.settings import Settings, load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The options that every command has."""

    config: str | None = None
    quiet: bool = False
    verbose: bool = False
    log_file: str | None = None
    debug: bool = False

    def settings(self, **flags: Any) -> Settings:
        """Return the settings with the given flags on top (a flag of None counts as not given). Raises UsageError."""
        return load_settings(file=Path(self.config) if self.config is not None else None, flags=flags)

    def service_settings(self, **flags: Any) -> Settings:
        """Return the settings of a command that needs the service, and say so when one has to start on this machine."""
        found = self.settings(**flags)
        if found.uses_local_service and not found.access_key_name:
            from preflight.cli import console

            console.say("No account is configured: the local service is starting.")
        return found
