"""What a command takes, declared once: the parser, the help, the manual page, completion and docs/cli.md read it.

Nothing is imported here that a check of one file does not need anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """An argument or an option of a command.

    `names` are `("FILES",)` for an argument, `("--format", "-f")` for an option. `key` is the parameter of the
    command's function, by default the first name. `count` says how many values there are: "1", "?" (at most one), "*"
    (any number), "+" (one or more), or "0" for a flag. `bare` is the value of an option that is given without one:
    `--deep` then takes a value as `--deep=decode` only. `negative` is the name of a flag's opposite. `convert` makes a
    value of a text and raises UsageError or ValueError. `default_text` replaces the default in the help.
    """

    names: tuple[str, ...]
    help: str
    key: str = ""
    count: str = "1"
    value: str = ""
    choices: tuple[str, ...] = ()
    default: Any = None
    default_text: str | None = None
    repeated: bool = False
    bare: str | None = None
    negative: str = ""
    convert: Callable[[str], Any] | None = None

    @property
    def is_option(self) -> bool:
        """True when it is given by name."""
        return self.names[0].startswith("-")

    @property
    def dest(self) -> str:
        """The parameter of the command's function that gets the value."""
        return self.key or self.names[0].lstrip("-").lower().replace("-", "_")

    @property
    def absent(self) -> Any:
        """The value when it is not given: the default, False for a flag without an opposite."""
        return bool(self.default) if self.count == "0" and not self.negative else self.default

    @property
    def metavar(self) -> str:
        """The placeholder of the value in the help."""
        return self.value or self.names[0].lstrip("-").upper().replace("-", "_")

    @property
    def meaning(self) -> str:
        """The help with its choices and its default."""
        parts = [self.help.rstrip(".")]
        if self.choices:
            parts.append(f"One of: {', '.join(self.choices)}")
        default = self.default_text
        if default is None and self.default not in {None, False, (), ""}:
            default = str(self.default)
        if default:
            parts.append(f"Default: {default}")
        return ". ".join(parts) + "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: `run` gets a `Context` and the values of `parameters` by their names, and returns the exit code.

    `summary` is one line, `details` the paragraphs below it. A group has `subcommands`, and `run` for none of them.
    """

    name: str
    summary: str
    example: str
    run: Callable[..., int]
    details: str = ""
    parameters: tuple[Parameter, ...] = ()
    subcommands: tuple[Command, ...] = ()

    @property
    def arguments(self) -> tuple[Parameter, ...]:
        """The parameters that are given by place."""
        return tuple(parameter for parameter in self.parameters if not parameter.is_option)

    @property
    def options(self) -> tuple[Parameter, ...]:
        """The parameters that are given by name, with those of every command."""
        return (*(parameter for parameter in self.parameters if parameter.is_option), *EVERYWHERE)


EVERYWHERE = (
    Parameter(names=("--config",), value="FILE", help="Settings file instead of ./preflight.toml."),
    Parameter(
        names=("--quiet", "-q"), count="0", help="Print results and errors only, on standard error nothing else."
    ),
    Parameter(names=("--verbose", "-v"), count="0", help="Log what is done, on standard error."),
    Parameter(names=("--log-file",), value="FILE", help="Append to this file what is done and what is said."),
    Parameter(names=("--debug",), count="0", help="Show tracebacks and logs."),
)
"""Options of the program and of every command."""
