"""`preflight submit`: one job for a video that is on the web already."""

from __future__ import annotations

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode, UsageError
from preflight.model.job import SecretUrl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from preflight.model.job import InpaintingBox, PixelBox


def submit(
    context: Context,
    *,
    url: str,
    language: str,
    all_text: bool,
    remove_audio: bool,
    color_blocks: bool,
    boxes: Sequence[InpaintingBox | PixelBox] | None,
    service: str | None,
    as_json: bool,
) -> int:
    """Submit the video at `url` and print its task id."""
    if not url.lower().startswith(("http://", "https://")):
        raise UsageError("submit takes an http(s) URL.", hint="For a file use `preflight run FILE`.")
    options = common_options.removal_options(
        language, all_text=all_text, remove_audio=remove_audio, color_blocks=color_blocks, boxes=boxes
    )
    from preflight.workflow import url_job

    settings = context.service_settings(service=service)
    with url_job.client(settings) as client, console.progress(json_lines=as_json) as naming:
        listener = naming(str(SecretUrl(url)))
        job, new = url_job.submit(client, SecretUrl(url), options, listener=listener)
    if as_json:
        console.emit("task", task_id=job.task_id, job_id=job.id, submitted=int(new))
    else:
        console.out(console.printable(job.task_id))
        if not new:
            console.say("It was submitted before and is not paid for again.")
    return int(ExitCode.OK)


COMMAND = Command(
    name="submit",
    summary="Submit the video at URL and print its task id; `preflight wait` fetches the result.",
    details="The video is neither checked nor fixed; `preflight run` does both. A URL that was accepted before, with "
    "the same options, is not submitted again.",
    example="preflight submit https://example.com/clip.mp4 --language en",
    run=submit,
    parameters=(
        Parameter(names=("URL",), help="http(s) URL of the video."),
        common_options.LANGUAGE,
        common_options.ALL_TEXT,
        common_options.REMOVE_AUDIO,
        common_options.COLOR_BLOCKS,
        common_options.BOXES,
        common_options.SERVICE,
        common_options.AS_JSON,
    ),
)
