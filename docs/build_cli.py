"""Write docs/cli.md, the manual page and the completions from the declarations: `python -m docs.build_cli`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from preflight.cli.app import COMMANDS, command
from preflight.cli.completion import script
from preflight.cli.declaration import EVERYWHERE, Command, Parameter
from preflight.cli.help_page import spelled
from preflight.settings import Settings, variable_of

PAGE = Path(__file__).with_name("cli.md")
MANUAL = Path(__file__).with_name("preflight.1")
COMPLETIONS = Path(__file__).with_name("completions")
SCRIPTS = {"preflight.bash": "bash", "_preflight": "zsh", "preflight.fish": "fish"}
EXIT_CODES = (
    ("0", "done; for `check`: the service would take every file"),
    ("1", "some inputs failed"),
    ("2", "usage: an option, a parameter or a setting is wrong"),
    ("3", "an input breaks a limit or can't be fixed, or no video was found"),
    ("4", "credentials or credit"),
    ("5", "trouble with the service, the store or the network: worth a retry"),
    ("6", "still pending at the deadline; the task id is kept"),
    ("7", "a submit's outcome is unknown: `preflight jobs resolve` settles it"),
    ("130", "interrupted by Ctrl-C (SIGINT)"),
    ("143", "ended by SIGTERM; children are stopped and `preflight resume` goes on, as after Ctrl-C"),
)
HEAD = """# Commands and settings

Made by `python -m docs.build_cli` from the declarations of the commands.

Every command has `-h`/`--help`, and `--json` prints one JSON object a line (`"schema": 1`), errors included. Standard
output is data, standard error is for people. `preflight completion bash|zsh|fish` prints a completion script; the
wheel has a manual page, `preflight.1`.
"""
SETTINGS = """
## Settings

From weakest to strongest: defaults, `preflight.toml` in the current folder (or `--config FILE`), environment, flags.
`preflight config` shows the effective ones; `preflight config init` writes a file. A file found in the current folder
that sets programs, hosts, buckets or credentials has to be confirmed once with `preflight trust`. An unknown
`PREFLIGHT_...` variable is an error. AWS credentials come from AWS's own chain unless `s3_key` and `s3_secret`
are set.

| name in preflight.toml | environment | default |
|---|---|---|
"""


def page() -> str:
    """Return the page of all commands and settings."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES)
    common = "\n## Options of every command\n\n" + _table(EVERYWHERE)
    commands = "".join(_section(command(name), name) for name in COMMANDS)
    return f"{HEAD}\n| exit code | meaning |\n|---|---|\n{codes}{common}{commands}{_settings()}"


def _section(one: Command, path: str) -> str:
    text = f"\n## preflight {path}\n\n{one.summary}\n\n"
    if one.details:
        text += f"{one.details}\n\n"
    text += f"    {one.example}\n\n"
    own = tuple(parameter for parameter in one.options if parameter not in EVERYWHERE)
    text += _table((*one.arguments, *own))
    return text + "".join(_section(sub, f"{path} {sub.name}") for sub in one.subcommands)


def _table(parameters: tuple[Parameter, ...]) -> str:
    rows = "".join(f"| `{spelled(parameter)}` | {_cell(parameter.meaning)} |\n" for parameter in parameters)
    return f"| argument or option | meaning |\n|---|---|\n{rows}" if rows else ""


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|")


def _settings() -> str:
    rows = SETTINGS
    for spec in fields(Settings):
        variable = variable_of(spec.name)
        default = "the user's state folder" if spec.name == "home" else spec.default
        rows += f"| `{spec.name}` | `{variable}` | {'' if default in {None, ''} else f'`{default}`'} |\n"
    return rows


def manual() -> str:
    """Return the manual page in man(7)'s markup."""
    return "\n".join(_manual()) + "\n"


def _manual() -> Iterator[str]:
    yield '.TH PREFLIGHT 1 "" "preflight" "User Commands"'
    yield ".SH NAME\npreflight \\- remove burned-in text from videos"
    yield ".SH SYNOPSIS\n.B preflight\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR ..."
    yield ".SH COMMANDS"
    for name in COMMANDS:
        yield from _manual_of(command(name), name)
    yield ".SH OPTIONS OF EVERY COMMAND"
    yield from _manual_rows(EVERYWHERE)
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES:
        yield f".TP\n{code}\n{_roff(meaning)}"


def _manual_of(one: Command, path: str) -> Iterator[str]:
    yield f".SS preflight {path}\n{_roff(one.summary)}"
    if one.details:
        yield f".PP\n{_roff(one.details)}"
    own = tuple(parameter for parameter in one.options if parameter not in EVERYWHERE)
    yield from _manual_rows((*one.arguments, *own))
    yield f".PP\nExample:\n.B {_roff(one.example)}"
    for sub in one.subcommands:
        yield from _manual_of(sub, f"{path} {sub.name}")


def _manual_rows(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    for parameter in parameters:
        yield f".TP\n.B {_roff(spelled(parameter))}\n{_roff(parameter.meaning)}"


def _roff(text: str) -> str:
    plain = text.replace("\\", "\\e").replace("`", "").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in plain.splitlines())


def pages() -> dict[Path, str]:
    """Return every file that is made here, with its content."""
    commands = [command(name) for name in COMMANDS]
    made = {PAGE: page(), MANUAL: manual()}
    return made | {COMPLETIONS / name: script(shell, commands) + "\n" for name, shell in SCRIPTS.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
