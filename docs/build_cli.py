"""Write docs/cli.md from the program itself: `python -m docs.build_cli`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from preflight.cli.app import COMMANDS, build
from preflight.settings import ENVIRONMENT, Settings

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# Commands and settings

Made by `python -m docs.build_cli` from the program; a test compares the two.

Every command has `--help` and `--json` (one JSON object a line, `"schema": 1`). Standard output is data, standard error
is for people. `preflight --install-completion` sets up the shell's completion.

| exit code | meaning |
|---|---|
| 0 | done; for `check`: the service would take every file |
| 1 | some inputs failed |
| 2 | usage: an option, a parameter or a setting is wrong |
| 3 | an input breaks a limit or can't be fixed, or no video was found |
| 4 | credentials or credit |
| 5 | trouble with the service, the store or the network: worth a retry |
| 6 | still pending at the deadline; the task id is kept |
| 7 | a submit's outcome is unknown: `preflight jobs resolve` settles it |
| 130 | interrupted |
"""
SETTINGS = """
## Settings

From weakest to strongest: defaults, `preflight.toml` in the current folder (or `--config FILE`), environment, flags.
`preflight doctor` shows the effective ones. AWS credentials come from AWS's own chain unless `s3_key` and `s3_secret`
are set.

| name in preflight.toml | environment | default |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    group: Any = typer.main.get_command(build())
    context = typer.Context(group, info_name="preflight")
    return HEAD + "".join(_command(group.get_command(context, name), name) for name in COMMANDS) + _settings()


def _command(command: Any, name: str) -> str:
    text = f"\n## preflight {name}\n\n{_tidy(command.help or '')}\n\n"
    if command.epilog:
        text += f"    {command.epilog.removeprefix('Example: ')}\n\n"
    if hasattr(command, "commands"):
        return text + "".join(_command(sub, f"{name} {key}") for key, sub in sorted(command.commands.items()))
    rows = "".join(_row(parameter) for parameter in command.params if parameter.name != "help")
    return f"{text}| argument or option | meaning |\n|---|---|\n{rows}" if rows else text


def _row(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    names = ", ".join(f"`{name}`" for name in parameter.opts) if is_option else f"`{parameter.name.upper()}`"
    return f"| {names} | {_tidy(getattr(parameter, 'help', None) or '')} |\n"


def _tidy(text: str) -> str:
    return text.strip().replace("|", "\\|")


def _settings() -> str:
    rows = SETTINGS
    for spec in fields(Settings):
        variable = ENVIRONMENT.get(spec.name, f"PREFLIGHT_{spec.name.upper()}")
        default = "the user's state folder" if spec.name == "home" else spec.default
        rows += f"| `{spec.name}` | `{variable}` | {'' if default in {None, ''} else f'`{default}`'} |\n"
    return rows


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
