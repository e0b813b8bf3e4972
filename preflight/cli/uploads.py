"""`preflight uploads`: what was begun and never completed, which the store keeps and charges for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.settings import parse_seconds


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight uploads --abort --older 24:00:00")(uploads)


def uploads(
    ctx: typer.Context,
    abort: Annotated[bool, typer.Option("--abort", help="Give them up and free their storage.")] = False,
    older: Annotated[str, typer.Option(help="Only those begun longer ago than this.")] = "0",
    as_json: choices.AsJson = False,
) -> None:
    """List the begun uploads under our prefix, and with --abort give them up.

    One that `preflight resume` would go on with starts anew after that.
    """
    from preflight.storage import abort as give_up
    from preflight.storage import incomplete

    settings = context.settings(ctx)
    before = datetime.now(UTC) - timedelta(seconds=float(parse_seconds(older)))
    found = [upload for upload in incomplete(settings) if upload.begun <= before]
    for upload in found:
        if abort:
            give_up(settings, upload)
        if as_json:
            console.emit("begun-upload", aborted=abort, key=upload.key, begun=upload.begun, bucket=upload.bucket)
    if not as_json:
        what = "aborted" if abort else "begun"
        rows = [(upload.begun.isoformat(" ", "seconds"), what, upload.key) for upload in found]
        console.table("", ("begun", "state", "key"), rows)
