"""`preflight status`: what the service says of tasks."""

from __future__ import annotations

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode
from preflight.model.job import Task, TaskState
from preflight.serialize import jsonable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def status(context: Context, *, task_ids: Sequence[str], service: str | None, as_json: bool) -> int:
    """Ask the service once about each task and return the exit code of all."""
    from preflight.workflow import url_job

    with url_job.client(context.service_settings(service=service)) as client:
        tasks = [client.query(task_id) for task_id in task_ids]
    if as_json:
        for task in tasks:
            console.emit("task", **jsonable(task))
    else:
        rows: list[tuple[str, ...]] = [(task.task_id, task.state.value, _detail(task)) for task in tasks]
        console.table("", ("task", "state", "detail"), rows)
    return int(_exit_code(tasks))


def _detail(task: Task) -> str:
    share = f" {task.progress:.0%}" if task.progress is not None else ""
    return task.message or f"{task.status or ''}{share}"


def _exit_code(tasks: list[Task]) -> ExitCode:
    states = {task.state for task in tasks}
    if TaskState.FAILED in states:
        return ExitCode.SOME_FAILED
    return ExitCode.PENDING if TaskState.PENDING in states else ExitCode.OK


COMMAND = Command(
    name="status",
    summary="Ask the service once about each task.",
    details="Exits with 0 when all are done, 1 when one failed, 6 when one is still pending.",
    example="preflight status 5f2c9a0e",
    run=status,
    parameters=(
        Parameter(names=("TASK_IDS",), count="+", help="Task ids."),
        common_options.SERVICE,
        common_options.AS_JSON,
    ),
)
