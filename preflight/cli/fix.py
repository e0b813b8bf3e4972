"""`preflight fix`: the smallest change that makes each file pass, shown, carried out and checked."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.batch_report import BatchReport, Entry
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.cli.inputs import nothing, videos
from preflight.cli.outcomes import overall
from preflight.errors import ExitCode, PreflightError
from preflight.events import Listener
from preflight.model.job import Fixed
from preflight.model.plan import PictureQuality, Plan, Policy
from preflight.model.report import Report
from preflight.settings import Settings
from preflight.tools.output_names import relative_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction


def fix(
    context: Context,
    *,
    files: Sequence[str],
    output: Path,
    policy: str,
    trim: tuple[Fraction, Fraction] | None,
    safe: bool,
    quality: bool,
    min_quality: float | None,
    encoder: str | None,
    preset: str | None,
    tree: bool,
    dry_run: bool,
    report: Path | None,
    null: bool,
    as_json: bool,
) -> int:
    """Plan and carry out the smallest change for each file. Raises InputError when there is no file."""
    from preflight import api

    settings = context.settings(encoder=encoder, preset=preset)
    codes: list[ExitCode] = []
    collected = BatchReport(report)
    try:
        with console.progress(json_lines=as_json, quiet=dry_run) as naming:
            for path in videos(files, null=null):
                verdict = api.check(path, limits=settings.limits)
                plan = api.plan(
                    verdict,
                    policy=Policy(policy),
                    trim=trim,
                    safe=safe,
                    quality=quality,
                    min_quality=min_quality,
                    settings=settings,
                )
                into = output / relative_below(path, map(Path, files)) if tree else output
                if dry_run or plan.refusal or plan.is_empty:
                    codes.append(_tell(path, verdict, plan, as_json=as_json))
                else:
                    listener = naming(path.name)
                    codes.append(_carry_out(path, verdict, plan, into, settings, listener, as_json=as_json))
                collected.add(_entry(verdict, plan, codes[-1], dry_run=dry_run))
    finally:
        collected.finish(as_json=as_json, foreseen=dry_run)
    if not codes:
        raise nothing(files)
    return overall(codes)


def _entry(verdict: Report, plan: Plan, code: ExitCode, *, dry_run: bool) -> Entry:
    """Return the report's entry: what is done with a file, or would be."""
    if plan.refusal:
        outcome, detail = "refused", plan.refusal
    elif plan.is_empty:
        outcome, detail = "passes", ""
    else:
        outcome = "would be fixed" if dry_run else "fixed" if code is ExitCode.OK else "failed"
        detail = "; ".join([*(f"{step.action}: {step.detail}" for step in plan.steps), *_told_streams(plan)])
    media = verdict.media
    seconds = float(media.duration) if media is not None and media.duration is not None else None
    return Entry(source=verdict.path, outcome=outcome, seconds=seconds, detail=detail, exit_code=int(code))


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
    for told in _told_streams(plan):
        console.out(f"  {told}")
    seconds, size = console.human_seconds(plan.cost.seconds), console.human_bytes(plan.cost.bytes)
    console.out(f"  about {seconds}, about {size}")
    if plan.quality is not None:
        console.out(f"  foreseen quality: {told_quality(plan.quality)}")


def _told_streams(plan: Plan) -> list[str]:
    """Return a line for each stream that is not kept as it is."""
    return [
        f"stream {stream.index}: {stream.treatment} ({console.printable(stream.note)})"
        for stream in plan.streams
        if stream.note
    ]


def told_quality(quality: PictureQuality) -> str:
    """Return a quality as a person reads it."""
    return f"{quality.measure} {quality.mean:.1f}, 1% low {quality.low:.1f} ({quality.frames} frames)"


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
    for told in _told_streams(fixed.plan):
        console.say(f"{console.printable(path)}: {told}")
    for number, quality in enumerate(fixed.quality, start=1):
        if quality is not None:
            of = f" of segment {number}" if len(fixed.segments) > 1 else ""
            console.say(f"{console.printable(path)}: quality{of}: {told_quality(quality)}")
    if fixed.manifest is not None and len(fixed.segments) > 1:
        console.out(f"{console.printable(path)}: join later with `preflight join {console.printable(fixed.manifest)}`")


COMMAND = Command(
    name="fix",
    summary="Make files pass the limits with the least loss: rename, remux, split, crop, scale or shrink.",
    details="Sources are never changed; a file that passes is left as it is.",
    example="preflight fix holiday.mkv clips/ -o fixed --dry-run",
    run=fix,
    parameters=(
        common_options.VIDEOS,
        Parameter(
            names=("--output", "-o"),
            value="FOLDER",
            convert=Path,
            default=Path("fixed"),
            help="Folder for the fixed files.",
        ),
        common_options.POLICY,
        common_options.TRIM,
        Parameter(names=("--safe",), count="0", help="Bring rare codecs to H.264 and AAC in MP4."),
        Parameter(
            names=("--quality",),
            count="0",
            help="Foresee the quality of an encoded picture (VMAF) from samples, and measure it on the file.",
        ),
        common_options.MIN_QUALITY,
        Parameter(names=("--encoder",), help="Encoder, such as libx264, libx265, libsvtav1.", default_text="libx264"),
        Parameter(
            names=("--preset",), help="Speed of the encoder, such as veryfast or medium.", default_text="veryfast"
        ),
        common_options.TREE,
        Parameter(names=("--dry-run",), count="0", help="Show the plan only."),
        common_options.REPORT,
        common_options.NULL,
        common_options.AS_JSON,
    ),
)
