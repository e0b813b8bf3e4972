"""What every command shares: the effective settings, from the program's options and the command's flags."""

from __future__ import annotations

from typing import Any

import typer

from preflight.settings import Settings, load


def settings(ctx: typer.Context, **flags: Any) -> Settings:
    """Return the settings with the given flags on top (a flag of None counts as not given). Raises UsageError."""
    return load(file=(ctx.obj or {}).get("config"), flags=flags)
