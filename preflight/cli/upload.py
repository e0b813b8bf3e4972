"""`preflight upload`: put files into the bucket and print URLs for them."""

from __future__ import annotations

import threading
from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.batch_report import BatchReport, Entry
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.cli.outcomes import overall
from preflight.errors import CancelledError, ExitCode, PreflightError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from preflight.model.job import Upload


def upload(
    context: Context,
    *,
    files: Sequence[Path],
    life: float | None,
    hide_url: bool,
    jobs: int,
    report: Path | None,
    as_json: bool,
) -> int:
    """Send files to the configured bucket, several at a time, and print a tested URL for each."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from preflight import api
    from preflight.ledger import Ledger

    settings = context.settings()
    collected = BatchReport(report, sources=files)
    cancel, codes = threading.Event(), []
    with (
        console.batch_progress(len(files), json_lines=as_json) as board,
        Ledger(settings.ledger) as ledger,
        ThreadPoolExecutor(min(jobs, len(files)), thread_name_prefix="upload-file") as pool,
    ):

        def send(path: Path) -> Upload:
            listener = board.listen(path)
            return api.upload(
                path, settings=settings, life=life, listener=listener, cancel=cancel, checkpoint=ledger.uploads
            )

        tasks = {pool.submit(send, path): path for path in files}
        try:
            for task in as_completed(tasks):
                path = tasks[task]
                board.end(path)
                codes.append(_told(path, task.result, collected, hide_url=hide_url, as_json=as_json))
        except BaseException:
            cancel.set()
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            collected.finish(as_json=as_json)
    return overall(codes)


def _told(path: Path, result: Callable[[], Upload], report: BatchReport, *, hide_url: bool, as_json: bool) -> ExitCode:
    """Tell what became of a file. Raises UsageError and CancelledError, which are not of one file."""
    try:
        sent = result()
    except (UsageError, CancelledError):
        raise
    except PreflightError as error:
        if as_json:
            console.emit("error", file=path, **error.to_dict())
        console.say(f"{console.printable(path)}: {console.printable(error)}", always=True)
        report.add(Entry(source=path, outcome="failed", detail=str(error), exit_code=int(error.exit_code)))
        return error.exit_code
    url = str(sent.url) if hide_url else sent.url.reveal()
    if as_json:
        console.emit(
            "upload",
            file=path,
            bucket=sent.bucket,
            key=sent.key,
            size=sent.size,
            sha256=sent.sha256,
            url=url,
            expires=sent.expires,
            reused=sent.reused,
        )
    else:
        console.say(f"{console.printable(path)}: {'was there already' if sent.reused else 'sent'}")
        console.out(url)
    report.add(Entry(source=path, outcome="was there" if sent.reused else "sent", file=sent.key))
    return ExitCode.OK


COMMAND = Command(
    name="upload",
    summary="Send files to the configured bucket, unless they are there, and print a tested URL for each.",
    details="An interrupted upload goes on where it was. The URL is a credential until it expires.",
    example="preflight upload clip.mp4 --life 2:00:00",
    run=upload,
    parameters=(
        Parameter(names=("FILES",), count="+", convert=Path, help="Files to send."),
        Parameter(
            names=("--life",),
            value="TIME",
            convert=common_options.duration,
            help="How long the URLs live, at most 7 days.",
            default_text="the setting deadline",
        ),
        Parameter(
            names=("--jobs", "-j"), value="N", convert=common_options.positive, default=4, help="Files at a time."
        ),
        common_options.REPORT,
        Parameter(names=("--hide-url",), count="0", help="Do not print the URLs' signatures."),
        common_options.AS_JSON,
    ),
)
