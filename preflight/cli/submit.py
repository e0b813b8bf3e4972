"""`preflight submit`: one job for a video that is on the web already."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.errors import UsageError
from preflight.model.job import SecretUrl


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight submit https://example.com/clip.mp4 --language en")(submit)


def submit(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="http(s) URL of the video.", show_default=False)],
    language: choices.Language = "en",
    all_text: choices.AllText = False,
    remove_audio: choices.RemoveAudio = False,
    color_blocks: choices.ColorBlocks = False,
    box: choices.Boxes = None,
    service: choices.Service = None,
    as_json: choices.AsJson = False,
) -> None:
    """Submit the video at URL and print its task id; `preflight wait` fetches the result.

    The video is neither checked nor fixed; `preflight run` does both. A URL that was accepted before, with the same
    options, is not submitted again.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise UsageError("submit takes an http(s) URL.", hint="For a file use `preflight run FILE`.")
    options = choices.removal(
        language, all_text=all_text, remove_audio=remove_audio, color_blocks=color_blocks, boxes=box
    )
    from preflight.workflow import url_job

    settings = context.settings(ctx, service=service)
    with url_job.client(settings) as client, console.progress(json_lines=as_json) as naming:
        listener = naming(str(SecretUrl(url)))
        job, new = url_job.submit(client, SecretUrl(url), options, listener=listener)
    if as_json:
        console.emit("task", task_id=job.task_id, job_id=job.id, submitted=int(new))
    else:
        console.out(job.task_id)
        if not new:
            console.say("It was submitted before and is not paid for again.")
