"""`preflight submit`: one job for a video that is on the web already."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import console, context
from preflight.cli.run import parse_box
from preflight.errors import UsageError
from preflight.job import RemovalOptions, SecretUrl


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight submit https://example.com/clip.mp4 --language en")(submit)


def submit(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="http(s) URL of the video.", show_default=False)],
    language: Annotated[str, typer.Option(help="Language of the text: en or zh.")] = "en",
    all_text: Annotated[
        bool, typer.Option("--all-text", help="Remove natural text too, as on products and signs.")
    ] = False,
    remove_audio: Annotated[bool, typer.Option("--remove-audio", help="Drop the sound.")] = False,
    color_blocks: Annotated[bool, typer.Option("--color-blocks", help="Remove the block behind text.")] = False,
    box: Annotated[
        list[str] | None,
        typer.Option(help="Fill a region: START-END@X1,Y1,X2,Y2 in seconds and 0..1 of the picture; repeatable."),
    ] = None,
    service: Annotated[str | None, typer.Option(help="local, aidge, or auto.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Submit the video at URL and print its task id; `preflight wait` fetches the result.

    The video is neither checked nor fixed; `preflight run` does both. A URL that was accepted before, with the same
    options, is not submitted again.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise UsageError("submit takes an http(s) URL.", hint="For a file use `preflight run FILE`.")
    options = RemovalOptions(
        language=language,
        artificial_text_only=not all_text,
        remove_audio=remove_audio,
        color_blocks=color_blocks,
        inpainting_boxes=tuple(parse_box(text) for text in box or ()),
    )
    from preflight import direct

    settings = context.settings(ctx, service=service)
    with direct.client(settings) as client, console.progress(json_lines=as_json) as naming:
        listener = naming(str(SecretUrl(url)))
        job, new = direct.submit(client, SecretUrl(url), options, settings=settings, listener=listener)
    if as_json:
        console.emit("task", task_id=job.task_id, job_id=job.id, submitted=int(new))
    else:
        console.out(job.task_id)
        if not new:
            console.say("It was submitted before and is not paid for again.")
