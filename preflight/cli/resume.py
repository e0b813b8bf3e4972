"""`preflight resume`: go on with what was interrupted, whatever state it was left in."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.batch_report import BatchReport
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.cli.outcomes import tell_all


def resume(
    context: Context, *, job: str | None, jobs: int, report: Path | None, as_json: bool, cluster: str | None = None
) -> int:
    """Go on with every unfinished job, or with one."""
    from preflight.cli.streamed_run import open_cluster
    from preflight.workflow.batch import resume as go_on

    settings = context.settings()
    collected = BatchReport(report, price=settings.price_per_minute)
    with open_cluster(cluster) as executor, console.batch_progress(0, json_lines=as_json) as board:
        results = go_on(settings=settings, jobs=jobs, only=job, listen=board.listen, executor=executor)
        code = tell_all(results, board, collected, as_json=as_json)
    if not board.ended:
        console.say("There is nothing to go on with.")
    return code


COMMAND = Command(
    name="resume",
    summary="Go on with every unfinished job: nothing that was accepted is submitted again.",
    details="Jobs whose submit was not answered are reported and left alone; `preflight jobs resolve` settles them.",
    example="preflight resume --jobs 4",
    run=resume,
    parameters=(
        Parameter(names=("JOB",), count="?", help="Only this job (the beginning of its id)."),
        common_options.JOBS,
        common_options.CLUSTER,
        common_options.REPORT,
        common_options.AS_JSON,
    ),
)
