"""`preflight run`: everything, for one video or many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preflight.cli import console, context
from preflight.errors import ExitCode, UsageError
from preflight.job import Failed, InpaintingBox, Pending, PixelBox, Rejected, RemovalOptions, Result, Succeeded, Unknown
from preflight.outputs import picture_of, record_of
from preflight.plan import Plan, Policy
from preflight.serialize import jsonable
from preflight.settings import Settings, parse_seconds

if TYPE_CHECKING:
    from preflight.order import Order


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight run clips/*.mp4 -o cleaned --language en")(run)


def run(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Videos.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path(),
    language: Annotated[str, typer.Option(help="Language of the text: en or zh.")] = "en",
    all_text: Annotated[
        bool, typer.Option("--all-text", help="Remove natural text too, as on products and signs.")
    ] = False,
    remove_audio: Annotated[bool, typer.Option("--remove-audio", help="Drop the sound.")] = False,
    color_blocks: Annotated[bool, typer.Option("--color-blocks", help="Remove the block behind text.")] = False,
    box: Annotated[
        list[str] | None,
        typer.Option(
            help="Fill a region: START-END@X1,Y1,X2,Y2 in seconds and 0..1, or px behind for pixels; repeatable."
        ),
    ] = None,
    trim: Annotated[str | None, typer.Option(help="Keep only START-END, such as 0:10-1:30.")] = None,
    policy: Annotated[Policy, typer.Option(help="How much a fix may lose.")] = Policy.BALANCED,
    service: Annotated[str | None, typer.Option(help="local, aidge, or auto.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Videos at a time.")] = 1,
    deadline: Annotated[str | None, typer.Option(help="Longest wait for a job, such as 30:00.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and plan only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check, fix, upload, submit, wait, fetch and restore: from any video to the same one without its burned-in text.

    Without an account and a bucket, a service on this machine does the work.
    """
    from preflight.order import Order

    given = context.settings(
        ctx, service=service, deadline=float(parse_seconds(deadline)) if deadline is not None else None
    )
    order = Order(
        output=output,
        policy=policy,
        trim=parse_trim(trim) if trim is not None else None,
        options=RemovalOptions(
            language=language,
            artificial_text_only=not all_text,
            remove_audio=remove_audio,
            color_blocks=color_blocks,
            inpainting_boxes=tuple(parse_box(text) for text in box or ()),
        ),
    )
    if dry_run:
        raise typer.Exit(_rehearse(files, order=order, settings=given, as_json=as_json))
    if given.uses_local_service:
        console.say("No account is configured: the local service does the work." if given.service == "auto" else "")
    raise typer.Exit(_run(files, order=order, settings=given, jobs=jobs, as_json=as_json))


def _run(files: Sequence[Path], *, order: Order, settings: Settings, jobs: int, as_json: bool) -> int:
    from preflight.batch import run_many

    with console.progress(json_lines=as_json) as naming:
        results = run_many(files, order=order, settings=settings, jobs=jobs, listen=lambda path: naming(path.name))
        ended = collect(results, as_json=as_json)
    return show(ended, as_json=as_json)


def collect(results: Iterable[Result], *, as_json: bool) -> list[Result]:
    """Wait for every result, each told at once as a JSON line when that is wished."""
    ended = []
    for result in results:
        ended.append(result)
        if as_json:
            console.emit("result", outcome=type(result).__name__.lower(), **jsonable(result))
    return ended


def show(results: Sequence[Result], *, as_json: bool) -> int:
    """Tell a person what became of each video, and return the exit code of all."""
    if not as_json:
        for result in results:
            _tell(result)
    return overall([exit_code(result) for result in results])


def _rehearse(files: Sequence[Path], *, order: Order, settings: Settings, as_json: bool) -> int:
    """Show what would be done; nothing is written or sent."""
    from preflight.pipeline import Run

    codes = []
    for path in files:
        report, plan = Run(order=order, settings=settings).look(path)
        codes.append(ExitCode.INPUT if plan.refusal else ExitCode.OK)
        if as_json:
            console.emit("plan", file=path, report=report, plan=plan)
            continue
        console.out(f"{console.printable(path)}: {console.printable(plan.refusal or _steps(plan))}")
    return overall(codes)


def _steps(plan: Plan) -> str:
    return "; ".join(f"{step.action}: {step.detail}" for step in plan.steps) or "would be sent as it is"


def exit_code(result: Result) -> ExitCode:
    """Return what one result means for a script."""
    match result:
        case Succeeded():
            return ExitCode.OK
        case Rejected():
            return ExitCode.INPUT
        case Failed(error=error):
            return error.exit_code
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
        case Succeeded(file=file, submitted=submitted):
            console.out(f"{name}: cleaned file {console.printable(file)}")
            for what, path in (("before/after picture", picture_of(file)), ("JSON record", record_of(file))):
                if path.exists():
                    console.out(f"{name}: {what} {console.printable(path)}")
            if not submitted:
                console.say(f"{name}: the result was known; no job was submitted.")
        case Rejected(reason=reason):
            console.say(f"{name}: refused: {console.printable(reason)}")
        case Failed(error=error):
            console.say(f"{name}: {console.printable(error)}")
        case Pending(task_ids=ids):
            console.say(f"{name}: still pending (task {', '.join(ids)}); `preflight resume` goes on.")
        case Unknown(job_id=job):
            console.say(
                f"{name}: job {job} was sent and not answered. It may be paid for, so it is not sent again. "
                f"Settle it with `preflight jobs resolve {job} --resubmit | --task TASKID | --drop`."
            )


def parse_trim(text: str) -> tuple[Fraction, Fraction]:
    """Return start and end in seconds of `START-END`. Raises UsageError."""
    start, dash, end = text.partition("-")
    if not dash or parse_seconds(start) >= parse_seconds(end):
        raise UsageError(f"{text!r} is not a stretch of time.", hint="Write --trim START-END, such as 0:10-1:30.")
    return parse_seconds(start), parse_seconds(end)


def parse_box(text: str) -> InpaintingBox | PixelBox:
    """Return the region of `START-END@X1,Y1,X2,Y2`, in pixels with `px` at the end. Raises UsageError."""
    times, _, corners = text.partition("@")
    start, end = (float(time) for time in parse_trim(times))
    try:
        x1, y1, x2, y2 = (float(corner) for corner in corners.removesuffix("px").split(","))
    except ValueError:
        hint = "Write --box 1.5-3.7@0.1,0.8,0.9,0.95 or --box 1.5-3.7@192,864,1728,1026px."
        raise UsageError(f"{text!r} is not a region.", hint=hint) from None
    kind = PixelBox if corners.endswith("px") else InpaintingBox
    return kind(start=start, end=end, x1=x1, y1=y1, x2=x2, y2=y2)
