"""`preflight redo`: a finished file made again with other regions, without a new job unless that is agreed to."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console, region_options
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from preflight.model.job import InpaintingBox
    from preflight.model.region import Regions
    from preflight.settings import Settings


def redo(
    context: Context,
    *,
    record: str,
    decisions: Path | None,
    protect: Sequence[str] | None,
    only: Sequence[str] | None,
    keep_text: str | None,
    restore_text: Sequence[int] | None,
    fill: Sequence[str] | None,
    by_service: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Make the finished file of a record again."""
    from preflight.review import gather, library, redo_boxes
    from preflight.workflow.recomposition import redo as make

    settings = context.settings()
    path = gather.record_of_place(record, settings)
    wanted = list(protect or ())
    video = library.load(path)
    boxes = redo_boxes.boxes_to_fill(fill or (), video)
    if decisions is not None:
        plan = redo_boxes.plan_of(decisions, video)
        wanted += redo_boxes.protecting(plan, video).protect
        boxes += redo_boxes.inpainting_boxes(plan.fill)
    regions = region_options.regions(wanted, only, keep_text, restore_text)
    if decisions is not None and not (plan.changes or protect or only or keep_text or restore_text or fill):
        raise UsageError(
            f"{decisions} changes nothing.", hint="`preflight redo RECORD` alone makes the whole composite."
        )
    if by_service:
        return _by_service(path, regions, boxes, settings, yes=yes, as_json=as_json)
    with console.progress(json_lines=as_json) as naming:
        made = make(path, regions=regions, fill=boxes, settings=settings, listener=naming(path.name))
    if as_json:
        console.emit("redone", file=made.file, filled=made.filled, notes=made.notes, verdict=made.verdict)
    else:
        for note in made.notes:
            console.say(f"Note: {note}")
        if made.verdict is not None:
            console.say(f"Verdict: {made.verdict}")
        console.out(console.printable(made.file))
    return int(ExitCode.OK)


def _by_service(
    record: Path, regions: Regions, boxes: Sequence[InpaintingBox], settings: Settings, *, yes: bool, as_json: bool
) -> int:
    """Have the service make the result again once the person agrees to pay."""
    from preflight.cli.batch_report import BatchReport
    from preflight.cli.outcomes import tell_all
    from preflight.workflow import paid_redo

    price = paid_redo.price_of(record, settings=settings)
    if not (yes or price.is_local) and not console.agrees(f"The service removes it again: {price}. Go on?"):
        raise UsageError(f"Not done: it takes {price}.", hint="Agree with --yes.")
    with console.batch_progress(1, json_lines=as_json) as board:
        result = paid_redo.redo_by_service(
            record, fill=boxes, regions=regions or None, settings=settings, listener=board.listen(record)
        )
        return tell_all([result], board, BatchReport(None, price=settings.price_per_minute), as_json=as_json)


COMMAND = Command(
    name="redo",
    summary="Make a finished file again with other regions, from the cleaned file that was kept: no job is paid for.",
    details="RECORD is a JSON record, its finished file, or the id of a job. The regions replace those of before. The "
    "finished file is replaced; it can be made again as long as the cleaned file is kept (setting cache_size). Only "
    "--by-service takes a new job, after a question, and writes a file of its own.",
    example="preflight redo out/clip.cleaned.json --protect 0.7,0.05,0.95,0.15",
    run=redo,
    parameters=(
        Parameter(names=("RECORD",), help="What to make again."),
        Parameter(names=("--decisions",), value="FILE", convert=Path, help="Decisions that the review page saved."),
        *region_options.REGIONS,
        Parameter(
            names=("--fill",),
            value="BOX",
            repeated=True,
            convert=region_options.region,
            help="Fill a box with the engine on this machine, whatever it shows. Repeatable.",
        ),
        Parameter(
            names=("--by-service",),
            count="0",
            help="Have the service remove the text again, with the boxes to fill; it asks before it pays.",
        ),
        Parameter(names=("--yes", "-y"), count="0", help="Agree to pay for the new job."),
        common_options.AS_JSON,
    ),
)
