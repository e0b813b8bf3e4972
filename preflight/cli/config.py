"""`preflight config`: the settings file of this folder."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode, UsageError
from preflight.serialize import jsonable
from preflight.settings import FILE_NAME, Settings, variable_of
from preflight.trust import trust

_HEAD = """# Settings of preflight for this folder; docs/cli.md explains each. Environment and flags stand before them.
# Keep secrets in the environment: AIDGE_ACCESS_KEY_SECRET, and AWS's own credentials.
"""


def show(context: Context, *, as_json: bool) -> int:
    """Print the effective settings, secrets hidden."""
    settings = context.settings()
    effective = {spec.name: jsonable(getattr(settings, spec.name)) for spec in fields(settings)}
    if as_json:
        console.emit("settings", **effective)
    else:
        rows = [(name, "" if value is None else str(value), variable_of(name)) for name, value in effective.items()]
        console.table("", ("name", "value", "variable"), rows)
    return int(ExitCode.OK)


def init(context: Context, *, file: Path) -> int:
    """Write a settings file with every setting, commented out, and trust it. Raises UsageError when there is one."""
    home = context.settings().home
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(_HEAD + "".join(_line(spec.name, spec.default) for spec in fields(Settings)))
    except FileExistsError:
        raise UsageError(f"{file} exists.", hint="Edit it, or name another file.") from None
    trust(file, home=home)
    console.say("Edit it, and run `preflight trust` after changes to programs, hosts or buckets.")
    console.out(console.printable(file))
    return int(ExitCode.OK)


def _line(name: str, default: object) -> str:
    secret = name.endswith(("secret", "key")) or name == "home"
    if secret or default is None or not isinstance(default, str | int | float | bool):
        return f"# {name} = \n" if not secret else ""
    text = str(default).lower() if isinstance(default, bool) else repr(default).replace("'", '"')
    return f"# {name} = {text}\n"


_FILE = Parameter(names=("FILE",), count="?", convert=Path, default=Path(FILE_NAME), help="The settings file.")

COMMAND = Command(
    name="config",
    summary="Show the effective settings, or write a settings file.",
    details="A preflight.toml in the current folder is read by every command. One that sets programs, fill models, "
    "hosts, buckets or credentials has to be trusted first (`preflight trust`): it may have come with a download.",
    example="preflight config init",
    run=show,
    parameters=(common_options.AS_JSON,),
    subcommands=(
        Command(
            name="init",
            summary="Write a settings file with every setting, commented out, and trust it.",
            example="preflight config init",
            run=init,
            parameters=(_FILE,),
        ),
    ),
)
