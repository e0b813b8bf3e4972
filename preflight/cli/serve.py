"""`preflight serve`: the local service and its store, in the foreground."""

from __future__ import annotations

import shlex
import sys
import threading

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def serve(
    context: Context, *, port: int, store_port: int, host: str, answer: Sequence[str] | None, as_json: bool
) -> int:
    """Serve until interrupted."""
    from preflight import api
    from preflight.server.stack import LocalStack, environment

    settings = context.settings()
    api.require_fill_model(settings)
    with LocalStack(
        settings,
        check=lambda path: api.check(path, limits=settings.limits).codes,
        host=host,
        port=port,
        store_port=store_port,
        answers=tuple(answer or ()),
    ) as stack:
        variables = environment(stack.settings)
        if as_json:
            console.emit("serving", environment=variables)
        else:
            for name, value in variables.items():
                console.out(f"export {name}={shlex.quote(value)}")
            sys.stdout.flush()
        console.say(f"Serving at {stack.settings.api_domain}, store at {stack.settings.s3_endpoint}. Ctrl-C ends it.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            console.say("Stopped. Tasks go on when the service is started again.")
    return int(ExitCode.INTERRUPTED)


COMMAND = Command(
    name="serve",
    summary="Run the removal service and an S3-compatible store on this machine until Ctrl-C.",
    details="Standard output gets the environment variables with which other processes use them. Tasks outlive the "
    "service; the store's objects do not.",
    example="preflight serve --port 8765 --store-port 9000",
    run=serve,
    parameters=(
        Parameter(
            names=("--port",), convert=common_options.port, default=8765, help="Port of the service; 0: a free one."
        ),
        Parameter(
            names=("--store-port",), convert=common_options.port, default=8766, help="Port of the store; 0: a free one."
        ),
        Parameter(names=("--host",), default="127.0.0.1", help="Address to listen on."),
        Parameter(
            names=("--answer",),
            value="CODE[:N]",
            repeated=True,
            help="Rehearse: answer the next submit, or the next N, with CODE (500-1002, NoResource). Repeatable.",
        ),
        common_options.AS_JSON,
    ),
)
