"""`preflight wait`: until a task is done, and its result."""

from __future__ import annotations

import re
from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode
from preflight.serialize import jsonable
from preflight.tools.output_names import OutputNames


def wait(
    context: Context,
    *,
    task_id: str,
    output: Path | None,
    deadline: float | None,
    service: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Wait until the task is done and download its result."""
    from preflight.workflow import url_job

    settings = context.settings(service=service, deadline=deadline)
    names, usual = OutputNames((), overwrite=overwrite), result_name(task_id)
    if output is None or output.is_dir():
        destination = names.derived((output or Path()) / usual)
    else:
        destination = names.chosen(output, "--output")
    with url_job.client(settings) as client, console.progress(json_lines=as_json) as naming:
        listener = naming(task_id)
        task = client.wait(task_id, deadline=settings.deadline, listener=listener)
        file = url_job.fetch(task, destination, settings=settings, listener=listener)
    if as_json:
        console.emit("task", **jsonable(task), file=file)
    else:
        console.out(console.printable(file))
    return int(ExitCode.OK)


def result_name(task_id: str) -> str:
    """Return a name for the result that stays in this folder whatever the id is."""
    safe = re.sub(r"[^0-9A-Za-z_]", "-", task_id[:100])
    return f"task-{safe}.mp4" if not safe or safe.startswith("-") else f"{safe}.mp4"


COMMAND = Command(
    name="wait",
    summary="Wait until the task is done and download its result.",
    details="Exits with 6 when the task is still pending at the deadline; it goes on at the service.",
    example="preflight wait 5f2c9a0e -o cleaned.mp4",
    run=wait,
    parameters=(
        Parameter(names=("TASK_ID",), help="Task id."),
        Parameter(
            names=("--output", "-o"),
            value="PATH",
            convert=Path,
            help="File for the result, or its folder.",
            default_text="TASK_ID.mp4 in this folder",
        ),
        common_options.DEADLINE,
        common_options.SERVICE,
        common_options.OVERWRITE,
        common_options.AS_JSON,
    ),
)
