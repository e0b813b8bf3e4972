"""`preflight check`: the verdict on any number of files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from preflight.check import ADVISORIES
from preflight.cli import console, context
from preflight.errors import ExitCode, UsageError
from preflight.events import Listener, ignore
from preflight.settings import parse_seconds, parse_size
from preflight.verdicts import Terms, check_many


class Format(StrEnum):
    """How the verdicts are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    JUNIT = "junit"


class Deep(StrEnum):
    """How much of each file is read."""

    PACKETS = "packets"
    DECODE = "decode"


class Command(TyperCommand):
    """The command, whose `--deep` may stand alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write a lone `--deep` out as `--deep=packets`, in front of a `--` only."""
        end = args.index("--") if "--" in args else len(args)
        whole = [f"--deep={Deep.PACKETS}" if arg == "--deep" else arg for arg in args[:end]]
        return list(super().parse_args(ctx, whole + args[end:]))


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    epilog = "Example: preflight check clips/ --format jsonl --strict hdr,interlaced"
    app.command(cls=Command, epilog=epilog)(check)


def check(
    ctx: typer.Context,
    files: Annotated[
        list[str], typer.Argument(help="Videos, folders, patterns, or - for a list on stdin.", show_default=False)
    ],
    form: Annotated[Format, typer.Option("--format", "-f", help="How the verdicts are written.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line; the same as -f jsonl.")] = False,
    deep: Annotated[
        Deep | None,
        typer.Option(help="Read every packet (--deep), or decode all (--deep=decode), to find cuts and damage."),
    ] = None,
    strict: Annotated[list[str] | None, typer.Option(help="Advisories that refuse a file: rules or all.")] = None,
    ignored: Annotated[list[str] | None, typer.Option("--ignore", help="Advisories not to tell: rules or all.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Size limit, such as 200MB or 200MiB.")] = None,
    max_duration: Annotated[str | None, typer.Option(help="Duration limit, such as 6:00.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Files at a time.")] = None,
    null: Annotated[bool, typer.Option("--null", "-0", help="The list on stdin is separated by NUL.")] = False,
) -> None:
    """Say of each file whether the service would take it, and if not, why and what mends it.

    Exits with 0 when all pass and 3 when one breaks a limit.
    """
    from preflight.cli.formats import writer
    from preflight.probe import expand, warm

    warm()
    settings = context.settings(
        ctx,
        max_size=parse_size(max_size) if max_size is not None else None,
        max_duration=parse_seconds(max_duration) if max_duration is not None else None,
    )
    terms = Terms(
        limits=settings.limits, deep=deep.value if deep else None, strict=rules(strict), ignore=rules(ignored)
    )
    paths = expand(files, stdin=sys.stdin.buffer, separator=b"\0" if null else b"\n")
    json_lines = as_json or form is Format.JSONL
    with writer(Format.JSONL if json_lines else form) as write, _listening(deep, json_lines) as listen:
        for report in check_many(paths, terms=terms, jobs=jobs, listen=listen):
            write(report)
    raise typer.Exit(int(ExitCode.OK if write.counts.all_ok else ExitCode.INPUT))


def rules(given: list[str] | None) -> frozenset[str]:
    """Return the advisories named in `given`, each a comma-separated list. Raises UsageError for an unknown one."""
    named = frozenset(rule.strip() for text in given or () for rule in text.split(",") if rule.strip())
    unknown = sorted(named - set(ADVISORIES) - {"all"})
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no advisory.", hint=f"Known: all, {', '.join(sorted(ADVISORIES))}.")
    return named


@contextmanager
def _listening(deep: Deep | None, json_lines: bool) -> Iterator[Callable[[Path], Listener]]:
    """Give what makes a listener for a file: bars for deep reads on a terminal, else nothing."""
    if deep is None or json_lines or not sys.stderr.isatty():
        yield lambda _: ignore
        return
    with console.progress(json_lines=False) as listen:
        yield lambda path: listen(path.name)
