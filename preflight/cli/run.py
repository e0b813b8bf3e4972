"""`preflight run`: everything, for one video or many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.cli.inputs import sources
from preflight.errors import ExitCode
from preflight.model.job import Failed, Mismatched, Pending, Rejected, Result, Skipped, Succeeded, Unknown
from preflight.model.plan import Plan, Policy
from preflight.serialize import jsonable
from preflight.settings import Settings
from preflight.workflow.output_paths import picture_of, record_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fractions import Fraction

    from preflight.model.job import InpaintingBox, PixelBox
    from preflight.workflow.request import RunRequest


def run(
    context: Context,
    *,
    files: Sequence[str],
    output: Path,
    language: str,
    all_text: bool,
    remove_audio: bool,
    color_blocks: bool,
    boxes: Sequence[InpaintingBox | PixelBox] | None,
    skip_textless: bool,
    trim: tuple[Fraction, Fraction] | None,
    policy: str,
    service: str | None,
    jobs: int,
    deadline: float | None,
    keep: bool,
    keep_upload: bool | None,
    dry_run: bool,
    null: bool,
    as_json: bool,
) -> int:
    """Take every video through all stages and return the exit code of all."""
    from preflight import api
    from preflight.workflow.request import RunRequest

    given = context.settings(service=service, keep_fixed=keep or None, keep_upload=keep_upload, deadline=deadline)
    detect = language == "auto"
    request = RunRequest(
        output=output,
        detect_language=detect,
        skip_textless=skip_textless,
        policy=Policy(policy),
        trim=trim,
        options=common_options.removal_options(
            "en" if detect else language,
            all_text=all_text,
            remove_audio=remove_audio,
            color_blocks=color_blocks,
            boxes=boxes,
        ),
    )
    paths = sources(files, null=null)
    if dry_run:
        return _rehearse(paths, request=request, settings=given, as_json=as_json)
    # What is missing is told before any file is read.
    api.require_service(given)
    if given.service == "auto" and given.uses_local_service:
        console.say("No account is configured: the local service does the work.")
    return _run(paths, request=request, settings=given, jobs=jobs, as_json=as_json)


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
    from preflight.workflow.run import VideoRun

    codes = []
    for path in paths:
        report, plan = VideoRun(request=request, settings=settings).inspect(path)
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


COMMAND = Command(
    name="run",
    summary="Take videos through all stages: the same video without its burned-in text.",
    details="Without an account and a bucket, a service on this machine does the work. Results of earlier runs that "
    "lie in a folder or match a pattern are passed over.",
    example="preflight run clips/*.mp4 -o cleaned --language en",
    run=run,
    parameters=(
        common_options.VIDEOS,
        Parameter(
            names=("--output", "-o"),
            value="FOLDER",
            convert=Path,
            default=Path(),
            default_text="this folder",
            help="Folder for the results.",
        ),
        common_options.LANGUAGE_OR_AUTO,
        common_options.ALL_TEXT,
        common_options.REMOVE_AUDIO,
        common_options.COLOR_BLOCKS,
        common_options.BOXES,
        Parameter(names=("--skip-textless",), count="0", help="Send no video without text (extra local)."),
        common_options.TRIM,
        common_options.POLICY,
        common_options.SERVICE,
        common_options.JOBS,
        common_options.DEADLINE,
        Parameter(names=("--keep",), count="0", help="Keep the fixed file that was sent, for another run."),
        Parameter(
            names=("--keep-upload",),
            count="0",
            negative="--delete-upload",
            help="Leave the uploaded object in the store after its job.",
            default_text="the setting keep_upload",
        ),
        Parameter(names=("--dry-run",), count="0", help="Check and plan only."),
        common_options.NULL,
        common_options.AS_JSON,
    ),
)
