"""The pages that `--help` shows, as wide as the terminal."""

from __future__ import annotations

import shutil
import textwrap

from preflight.cli.declaration import EVERYWHERE, Command, Parameter
from preflight.cli.parser import HELP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDEST = 100
"""Columns of the text: longer lines are hard to read."""

_NAMES = 24
"""Columns of the names at most; longer ones get a line of their own."""


def of_program(commands: Sequence[Command]) -> str:
    """Return the page of the program."""
    return _page(
        "usage: preflight [OPTIONS] COMMAND ...",
        "Remove burned-in text from videos: check, fix, upload, submit and restore them, or clean them on this "
        "machine. Start with: preflight run clip.mp4 -o out",
        ("commands", [(command.name, command.summary) for command in commands]),
        ("options", _rows((*EVERYWHERE, Parameter(names=("--version",), count="0", help="Show the version."), HELP))),
        ending="`preflight COMMAND --help` explains a command.",
    )


def of_command(command: Command, *, path: str) -> str:
    """Return the page of a command that is called as `path`."""
    arguments = "".join(f" {spelled(argument)}" for argument in command.arguments)
    return _page(
        f"usage: {path} [OPTIONS]{arguments}",
        command.summary,
        command.details,
        ("arguments", _rows(command.arguments)),
        ("commands", [(sub.name, sub.summary) for sub in command.subcommands]),
        ("options", _rows((*command.options, HELP))),
        ending=f"Example: {command.example}",
    )


def spelled(parameter: Parameter) -> str:
    """Return how a parameter is written: its names and the placeholder of its value."""
    if not parameter.is_option:
        name = parameter.names[0]
        return {"1": name, "?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}[parameter.count]
    names = ", ".join(filter(None, (*parameter.names, parameter.negative)))
    if parameter.count == "0":
        return names
    return f"{names}[={parameter.metavar}]" if parameter.bare else f"{names} {parameter.metavar}"


def _rows(parameters: Sequence[Parameter]) -> list[tuple[str, str]]:
    return [(spelled(parameter), parameter.meaning) for parameter in parameters]


def _page(*parts: str | tuple[str, list[tuple[str, str]]], ending: str) -> str:
    width = max(40, min(shutil.get_terminal_size().columns, _WIDEST))
    lines: list[str] = []
    for part in (*parts, ending):
        if isinstance(part, str):
            lines += [*textwrap.wrap(part, width, break_on_hyphens=False), ""] if part else []
        elif part[1]:
            lines += [f"{part[0]}:", *_table(part[1], width), ""]
    return "\n".join(lines[:-1])


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    column = 4 + min(max(len(name) for name, _ in rows), _NAMES, width // 3)
    for name, meaning in rows:
        text = textwrap.wrap(meaning, width - column, break_on_hyphens=False)
        short = len(name) <= column - 4
        yield f"  {name:<{column - 2}}{text[0]}" if short else f"  {name}"
        yield from (f"{'':{column}}{line}" for line in (text[1:] if short else text))
