"""`preflight resume`: go on with what was interrupted, whatever state it was left in."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.cli.run import tell_all


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight resume --jobs 4")(resume)


def resume(
    ctx: typer.Context,
    job: Annotated[str | None, typer.Argument(help="Only this job (the beginning of its id).")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Videos at a time.")] = 1,
    as_json: choices.AsJson = False,
) -> None:
    """Go on with every unfinished job: nothing that was accepted is submitted again.

    Jobs whose submit was not answered are told and left alone; `preflight jobs resolve` settles them.
    """
    from preflight.workflow.batch import resume as go_on

    settings = context.settings(ctx)
    with console.batch_progress(0, json_lines=as_json) as board:
        results = go_on(settings=settings, jobs=jobs, only=job, listen=board.listen)
        code = tell_all(results, board, as_json=as_json)
    if not board.ended:
        console.say("There is nothing to go on with.")
    raise typer.Exit(code)
