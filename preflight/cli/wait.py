"""`preflight wait`: until a task is done, and its result."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.serialize import jsonable
from preflight.settings import parse_seconds


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight wait 5f2c9a0e -o cleaned.mp4")(wait)


def wait(
    ctx: typer.Context,
    task_id: Annotated[str, typer.Argument(help="Task id.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File for the result.")] = None,
    deadline: Annotated[str | None, typer.Option(help="Longest wait, such as 30:00.")] = None,
    service: choices.Service = None,
    as_json: choices.AsJson = False,
) -> None:
    """Wait until the task is done and download its result to OUTPUT (default: TASK_ID.mp4 in this folder).

    Exits with 6 when the task is still pending at the deadline; it goes on at the service.
    """
    from preflight.workflow import url_job

    settings = context.settings(
        ctx, service=service, deadline=float(parse_seconds(deadline)) if deadline is not None else None
    )
    destination = output or Path(_file_name(task_id))
    with url_job.client(settings) as client, console.progress(json_lines=as_json) as naming:
        listener = naming(task_id)
        task = client.wait(task_id, deadline=settings.deadline, listener=listener)
        file = url_job.fetch(task, destination, settings=settings, listener=listener)
    if as_json:
        console.emit("task", **jsonable(task), file=file)
    else:
        console.out(console.printable(file))


def _file_name(task_id: str) -> str:
    """Return a name for the result that stays in this folder whatever the id is."""
    safe = re.sub(r"[^0-9A-Za-z_]", "-", task_id[:100])
    return f"task-{safe}.mp4" if not safe or safe.startswith("-") else f"{safe}.mp4"
