"""`preflight wait`: until a task is done, and its result."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode
from preflight.model.job import Mismatched, Succeeded
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

    settings = context.service_settings(service=service, deadline=deadline)
    names = OutputNames((), overwrite=overwrite)
    if output is None or output.is_dir():
        destination = names.derived((output or Path()) / url_job.result_name(task_id))
    else:
        destination = names.chosen(output, "--output")
    with url_job.client(settings) as client, console.progress(json_lines=as_json) as naming:
        result = url_job.wait(client, task_id, destination, overwrite=overwrite, listener=naming(task_id))
    if as_json:
        console.emit("task", task_id=task_id, state="done", outcome=type(result).__name__.lower(), **jsonable(result))
    elif isinstance(result, Succeeded | Mismatched):
        console.out(console.printable(result.file))
    if isinstance(result, Mismatched):
        console.say(f"The result differs from what was sent: {console.printable(' '.join(result.problems))}")
        return int(ExitCode.SOME_FAILED)
    return int(ExitCode.OK)


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
