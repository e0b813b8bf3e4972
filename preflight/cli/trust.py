"""`preflight trust`: believe a settings file that sets programs, fill models, hosts, buckets or credentials."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode
from preflight.serialize import jsonable
from preflight.settings import FILE_NAME, load_settings, read_file
from preflight.trust import trust


def confirm(context: Context, *, file: Path) -> int:
    """Trust a settings file with its present content. Raises UsageError for one that can't be read."""
    del context
    for name, value in read_file(file).items():
        console.say(f"{name} = {jsonable(value)!r}")
    # The file that is to be trusted must not choose where that is noted.
    trust(file, home=load_settings(file=Path("/dev/null")).home)
    console.out(f"{console.printable(file)} is trusted.")
    return int(ExitCode.OK)


COMMAND = Command(
    name="trust",
    summary="Trust a settings file with its present content.",
    details="A preflight.toml in the current folder that sets programs, fill models, hosts, buckets or "
    "credentials is refused until then, since it may have come with a download. What it sets is shown.",
    example="preflight trust",
    run=confirm,
    parameters=(
        Parameter(names=("FILE",), count="?", convert=Path, default=Path(FILE_NAME), help="The settings file."),
    ),
)
