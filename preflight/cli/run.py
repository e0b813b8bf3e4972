"""`preflight run`: everything, for one video or many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preflight.cli import choices, console, context
from preflight.cli.inputs import sources
from preflight.errors import ExitCode
from preflight.model.job import Failed, Mismatched, Pending, Rejected, Result, Skipped, Succeeded, Unknown
from preflight.model.plan import Plan, Policy
from preflight.serialize import jsonable
from preflight.settings import Settings, parse_seconds
from preflight.workflow.output_paths import picture_of, record_of

if TYPE_CHECKING:
    from preflight.workflow.request import RunRequest


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight run clips/*.mp4 -o cleaned --language en")(run)


def run(
    ctx: typer.Context,
    files: choices.Videos,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path(),
    language: choices.LanguageOrAuto = "en",
    all_text: choices.AllText = False,
    remove_audio: choices.RemoveAudio = False,
    color_blocks: choices.ColorBlocks = False,
    box: choices.Boxes = None,
    skip_textless: Annotated[bool, typer.Option("--skip-textless", help="Send no video without text.")] = False,
    trim: choices.Trim = None,
    policy: Annotated[Policy, typer.Option(help="How much a fix may lose.")] = Policy.BALANCED,
    service: choices.Service = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Videos at a time.")] = 1,
    deadline: Annotated[str | None, typer.Option(help="Longest wait for a job, such as 30:00.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the fixed file that was sent, for another run.")] = False,
    keep_upload: Annotated[
        bool | None,
        typer.Option("--keep-upload/--delete-upload", help="Whether the uploaded object stays after its job."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and plan only.")] = False,
    null: choices.Null = False,
    as_json: choices.AsJson = False,
) -> None:
    """Check, fix, upload, submit, wait, fetch and restore: from any video to the same one without its burned-in text.

    Without an account and a bucket, a service on this machine does the work. Results of earlier runs that lie in a
    folder or match a pattern are passed over.
    """
    from preflight.workflow.request import RunRequest

    given = context.settings(
        ctx,
        service=service,
        keep_fixed=keep or None,
        keep_upload=keep_upload,
        deadline=float(parse_seconds(deadline)) if deadline is not None else None,
    )
    detect = language == "auto"
    request = RunRequest(
        output=output,
        detect_language=detect,
        skip_textless=skip_textless,
        policy=policy,
        trim=choices.parse_trim(trim) if trim is not None else None,
        options=choices.removal(
            "en" if detect else language,
            all_text=all_text,
            remove_audio=remove_audio,
            color_blocks=color_blocks,
            boxes=box,
        ),
    )
    paths = sources(files, null=null)
    if dry_run:
        raise typer.Exit(_rehearse(paths, request=request, settings=given, as_json=as_json))
    if given.service == "auto" and given.uses_local_service:
        console.say("No account is configured: the local service does the work.")
    raise typer.Exit(_run(paths, request=request, settings=given, jobs=jobs, as_json=as_json))


def _run(paths: Sequence[Path], *, request: RunRequest, settings: Settings, jobs: int, as_json: bool) -> int:
    from preflight.workflow.batch import run_many

    with console.batch_progress(len(paths), json_lines=as_json) as board:
        results = run_many(paths, request=request, settings=settings, jobs=jobs, listen=board.listen)
        return tell_all(results, board, as_json=as_json)


def tell_all(results: Iterable[Result], board: console.Board, *, as_json: bool) -> int:
    """Tell what became of each video as soon as it is known, sum up, and return the exit code of all."""
    codes, outcomes = [], Counter[str]()
    for result in results:
        board.end(result.source)
        codes.append(exit_code(result))
        outcomes[type(result).__name__.lower()] += 1
        if as_json:
            console.emit("result", outcome=type(result).__name__.lower(), **jsonable(result))
        else:
            _tell(result)
    if len(codes) > 1 and not as_json:
        parts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        console.say(f"{len(codes)} videos: {parts}")
    return overall(codes)


def _rehearse(paths: Sequence[Path], *, request: RunRequest, settings: Settings, as_json: bool) -> int:
    """Show what would be done; nothing is written or sent."""
    from preflight.workflow.run import Run

    codes = []
    for path in paths:
        report, plan = Run(request=request, settings=settings).inspect(path)
        codes.append(ExitCode.INPUT if plan.refusal else ExitCode.OK)
        skipped, language = request.is_skipped(report.media), request.settled(report.media).options.language
        if as_json:
            console.emit("plan", file=path, report=report, plan=plan, skipped=skipped, language=language)
            continue
        foreseen = plan.refusal or ("would be skipped: no text was seen on its frames" if skipped else _steps(plan))
        seen = f" (language {language})" if request.detect_language and not plan.refusal and not skipped else ""
        console.out(f"{console.printable(path)}: {console.printable(foreseen)}{seen}")
    return overall(codes)


def _steps(plan: Plan) -> str:
    return "; ".join(f"{step.action}: {step.detail}" for step in plan.steps) or "would be sent as it is"


def exit_code(result: Result) -> ExitCode:
    """Return what one result means for a script."""
    match result:
        case Succeeded() | Skipped():
            return ExitCode.OK
        case Rejected():
            return ExitCode.INPUT
        case Failed(error=error):
            return error.exit_code
        case Mismatched():
            return ExitCode.SOME_FAILED
        case Pending():
            return ExitCode.PENDING
        case Unknown():
            return ExitCode.UNKNOWN


def overall(codes: Sequence[ExitCode]) -> int:
    """Return the exit code of many: the one they share, else "some failed"."""
    different = set(codes)
    return int(different.pop() if len(different) == 1 else ExitCode.SOME_FAILED if different else ExitCode.OK)


def _tell(result: Result) -> None:
    name = console.printable(result.source)
    match result:
        case Succeeded():
            _tell_success(name, result)
        case Skipped():
            console.say(f"{name}: skipped: no text was seen on its frames.")
        case Rejected(reason=reason):
            console.say(f"{name}: refused: {console.printable(reason)}")
        case Failed(error=error):
            console.say(f"{name}: {console.printable(error)}")
        case Mismatched(file=file, problems=problems, job_id=job):
            console.say(
                f"{name}: the service's result {console.printable(file)} differs from what was sent: "
                f"{console.printable('; '.join(problems))}. It is kept and not paid for again; "
                f"`preflight jobs resolve {job} --resubmit` submits the video once more."
            )
        case Pending(task_ids=ids):
            console.say(f"{name}: still pending (task {', '.join(ids)}); `preflight resume` goes on.")
        case Unknown(job_id=job):
            console.say(
                f"{name}: job {job} was sent and not answered. It may be paid for, so it is not sent again. "
                f"Settle it with `preflight jobs resolve {job} --resubmit | --task TASKID | --drop`."
            )


def _tell_success(name: str, result: Succeeded) -> None:
    console.out(f"{name}: cleaned file {console.printable(result.file)}")
    for what, path in (("before/after picture", picture_of(result.file)), ("JSON record", record_of(result.file))):
        if path.exists():
            console.out(f"{name}: {what} {console.printable(path)}")
    for note in result.notes:
        console.say(f"{name}: {console.printable(note)}")
    if not result.submitted:
        console.say(f"{name}: the result was known; no job was submitted.")
