"""`preflight uploads`: what was begun and never completed, which the store keeps and charges for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode


def uploads(context: Context, *, abort: bool, older: float, as_json: bool) -> int:
    """List the uploads that were begun and not completed, and with `abort` give them up."""
    from preflight.storage import abort as give_up
    from preflight.storage import incomplete

    settings = context.settings()
    before = datetime.now(UTC) - timedelta(seconds=older)
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
    return int(ExitCode.OK)


COMMAND = Command(
    name="uploads",
    summary="List the uploads under our prefix that were begun and not completed, and with --abort give them up.",
    details="One that `preflight resume` would go on with starts anew after that.",
    example="preflight uploads --abort --older 24:00:00",
    run=uploads,
    parameters=(
        Parameter(names=("--abort",), count="0", help="Give them up and free their storage."),
        Parameter(
            names=("--older",),
            value="TIME",
            convert=common_options.duration,
            default=0.0,
            default_text="0",
            help="Only those begun longer ago than this.",
        ),
        common_options.AS_JSON,
    ),
)
