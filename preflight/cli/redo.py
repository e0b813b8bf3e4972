"""`preflight redo`: a finished file made again with other regions, without a new job."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console, region_options
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
    as_json: bool,
) -> int:
    """Make the finished file of a record again."""
    from preflight.review import gather, library
    from preflight.workflow.recomposition import redo as make

    settings = context.settings()
    path = gather.record_of_place(record, settings)
    wanted = list(protect or ())
    video = library.load(path)
    boxes = gather.boxes_to_fill(fill or (), video)
    if decisions is not None:
        plan = gather.plan_of(decisions, video)
        wanted += [gather.region_word(region, video) for region in plan.protect]
        boxes += gather.inpainting_boxes(plan.fill)
    regions = region_options.regions(wanted, only, keep_text, restore_text)
    if not (regions or boxes) and decisions is not None:
        raise UsageError(
            f"{decisions} changes nothing.", hint="`preflight redo RECORD` alone makes the whole composite."
        )
    with console.progress(json_lines=as_json) as naming:
        made = make(path, regions=regions, fill=boxes, settings=settings, listener=naming(path.name))
    if as_json:
        console.emit("redone", file=made.file, filled=made.filled, notes=made.notes)
    else:
        for note in made.notes:
            console.say(f"Note: {note}")
        console.out(console.printable(made.file))
    return int(ExitCode.OK)


COMMAND = Command(
    name="redo",
    summary="Make a finished file again with other regions, from the cleaned file that was kept: no job is paid for.",
    details="RECORD is a JSON record, its finished file, or the id of a job. The regions replace those of before. The "
    "finished file is replaced; it can be made again as long as the cleaned file is kept (setting cache_size).",
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
        common_options.AS_JSON,
    ),
)
