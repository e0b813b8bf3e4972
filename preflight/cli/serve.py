"""`preflight serve`: the local service and its store, in the foreground."""

from __future__ import annotations

import shlex
import sys
import threading
from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight serve --port 8765 --store-port 9000")(serve)


def serve(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the service; 0 takes a free one.", min=0, max=65535)] = 8765,
    store_port: Annotated[int, typer.Option(help="Port of the store; 0 takes a free one.", min=0, max=65535)] = 8766,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    answer: Annotated[
        list[str] | None,
        typer.Option(help="Rehearse: answer the next submit with CODE (500-1002, NoResource), or CODE:N the next N."),
    ] = None,
    as_json: choices.AsJson = False,
) -> None:
    """Run the removal service and an S3-compatible store on this machine until Ctrl-C.

    Standard output gets the environment variables with which other processes use them. Tasks outlive the service; the
    store's objects do not.
    """
    from preflight import api
    from preflight.server.stack import LocalStack, environment

    settings = context.settings(ctx)
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
            raise typer.Exit(int(ExitCode.INTERRUPTED)) from None
