"""`preflight status`: what the service says of tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.errors import ExitCode
from preflight.model.job import Task, TaskState
from preflight.serialize import jsonable


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight status 5f2c9a0e")(status)


def status(
    ctx: typer.Context,
    task_ids: Annotated[list[str], typer.Argument(help="Task ids.", show_default=False)],
    service: choices.Service = None,
    as_json: choices.AsJson = False,
) -> None:
    """Ask the service once about each task.

    Exits with 0 when all are done, 1 when one failed, 6 when one is still pending.
    """
    from preflight.workflow import url_job

    with url_job.client(context.settings(ctx, service=service)) as client:
        tasks = [client.query(task_id) for task_id in task_ids]
    if as_json:
        for task in tasks:
            console.emit("task", **jsonable(task))
    else:
        rows: list[tuple[str, ...]] = [(task.task_id, task.state.value, _detail(task)) for task in tasks]
        console.table("", ("task", "state", "detail"), rows)
    raise typer.Exit(int(_exit_code(tasks)))


def _detail(task: Task) -> str:
    share = f" {task.progress:.0%}" if task.progress is not None else ""
    return task.message or f"{task.status or ''}{share}"


def _exit_code(tasks: list[Task]) -> ExitCode:
    states = {task.state for task in tasks}
    if TaskState.FAILED in states:
        return ExitCode.SOME_FAILED
    return ExitCode.PENDING if TaskState.PENDING in states else ExitCode.OK
