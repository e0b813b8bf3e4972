"""`preflight fix`: the smallest change that makes each file pass, shown, carried out and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.cli.inputs import nothing, videos
from preflight.cli.run import overall
from preflight.errors import ExitCode, PreflightError
from preflight.events import Listener
from preflight.model.job import Fixed
from preflight.model.plan import Plan, Policy
from preflight.model.report import Report
from preflight.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight fix holiday.mkv clips/ -o fixed --dry-run")(fix)


def fix(
    ctx: typer.Context,
    files: choices.Videos,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the fixed files.")] = Path("fixed"),
    policy: Annotated[
        Policy,
        typer.Option(help="lossless: never encode the picture; balanced: lose least; one-file: never split."),
    ] = Policy.BALANCED,
    trim: Annotated[str | None, typer.Option(help="Keep only START-END, such as 0:10-1:30.")] = None,
    safe: Annotated[bool, typer.Option("--safe", help="Bring odd codecs to H.264 and AAC in MP4.")] = False,
    encoder: Annotated[str | None, typer.Option(help="Encoder, such as libx264, libx265, libsvtav1.")] = None,
    preset: Annotated[str | None, typer.Option(help="Speed of the encoder, such as veryfast or medium.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    null: choices.Null = False,
    as_json: choices.AsJson = False,
) -> None:
    """Make files pass the limits with the least loss: rename, remux, split, crop, scale or shrink, as little as needed.

    Sources are never changed; a file that passes is left as it is.
    """
    from preflight import api

    settings = context.settings(ctx, encoder=encoder, preset=preset)
    stretch = choices.parse_trim(trim) if trim is not None else None
    codes: list[ExitCode] = []
    with console.progress(json_lines=as_json, quiet=dry_run) as naming:
        for path in videos(files, null=null):
            report = api.check(path, limits=settings.limits)
            plan = api.plan(report, policy=policy, trim=stretch, safe=safe, settings=settings)
            if dry_run or plan.refusal or plan.is_empty:
                codes.append(_tell(path, report, plan, as_json=as_json))
            else:
                codes.append(_carry_out(path, report, plan, output, settings, naming(path.name), as_json=as_json))
    if not codes:
        raise nothing(files)
    raise typer.Exit(overall(codes))


def _tell(path: Path, report: Report, plan: Plan, *, as_json: bool) -> ExitCode:
    """Show a plan that is not carried out."""
    if as_json:
        console.emit("plan", file=path, report=report, plan=plan)
    elif plan.refusal:
        console.say(f"{console.printable(path)}: refused: {console.printable(plan.refusal)}")
    elif plan.is_empty:
        console.out(f"{console.printable(path)}: passes as it is")
    else:
        show(path, plan)
    return ExitCode.INPUT if plan.refusal else ExitCode.OK


def show(path: Path, plan: Plan) -> None:
    """Print a plan as a table: each step, why, and what is lost; then what it costs."""
    rows: list[tuple[str, ...]] = [
        (str(step.action), step.reason, step.detail, step.loss or "nothing") for step in plan.steps
    ]
    console.table(console.printable(path), ("step", "why", "what", "is lost"), rows)
    for stream in plan.streams:
        if stream.note:
            console.out(f"  stream {stream.index}: {stream.treatment} ({console.printable(stream.note)})")
    seconds, size = console.human_seconds(plan.cost.seconds), console.human_bytes(plan.cost.bytes)
    console.out(f"  about {seconds}, about {size}")


def _carry_out(
    path: Path, report: Report, plan: Plan, output: Path, settings: Settings, listener: Listener, *, as_json: bool
) -> ExitCode:
    from preflight import api

    try:
        fixed = api.act(plan, report, output, settings=settings, listener=listener)
    except PreflightError as error:
        if error.exit_code is ExitCode.INTERRUPTED:
            raise
        if as_json:
            console.emit("error", file=path, **error.to_dict())
        console.complain(error)
        return error.exit_code
    if as_json:
        console.emit("fixed", file=path, fixed=fixed)
    else:
        _announce(path, fixed)
    return ExitCode.OK


def _announce(path: Path, fixed: Fixed) -> None:
    what = ", ".join(fixed.plan.actions)
    again = " (made earlier)" if fixed.reused else ""
    for segment in fixed.segments:
        size = console.human_bytes(segment.media.size)
        console.out(f"{console.printable(path)}: {what}{again}: {console.printable(segment.media.path)} ({size})")
    if fixed.manifest is not None and len(fixed.segments) > 1:
        console.out(f"{console.printable(path)}: join later with `preflight join {console.printable(fixed.manifest)}`")
