"""`preflight check`: the verdict on any number of files."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from preflight.cli import choices, context
from preflight.cli.verdict import Deep, Format, Request, perform, rules
from preflight.settings import parse_seconds, parse_size


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
    files: choices.Videos,
    form: Annotated[Format, typer.Option("--format", "-f", help="How the verdicts are written.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line; the same as -f jsonl.")] = False,
    deep: Annotated[
        Deep | None,
        typer.Option(help="Read every packet (--deep), or decode all (--deep=decode), to find cuts and damage."),
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="Look for text on some frames: its language and place (extra local).")
    ] = False,
    strict: Annotated[list[str] | None, typer.Option(help="Advisories that refuse a file: rules or all.")] = None,
    ignored: Annotated[list[str] | None, typer.Option("--ignore", help="Advisories not to tell: rules or all.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Size limit, such as 200MB or 200MiB.")] = None,
    max_duration: Annotated[str | None, typer.Option(help="Duration limit, such as 6:00.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Files at a time.")] = None,
    null: choices.Null = False,
) -> None:
    """Say of each file whether the service would take it, and if not, why and what mends it.

    Exits with 0 when all pass and 3 when one breaks a limit, or when there is no video at all.
    """
    settings = context.settings(
        ctx,
        max_size=parse_size(max_size) if max_size is not None else None,
        max_duration=parse_seconds(max_duration) if max_duration is not None else None,
    )
    request = Request(
        files=tuple(files),
        form=Format.JSONL if as_json else form,
        deep=deep,
        text=text,
        strict=rules(strict),
        ignored=rules(ignored),
        jobs=jobs,
        null=null,
    )
    raise typer.Exit(perform(request, settings))
