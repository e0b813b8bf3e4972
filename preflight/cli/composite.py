"""`preflight composite`: a cleaned file's changed regions in the source's own pictures."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console, region_options
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from preflight.restore.composite import CompositeReport


def composite(
    context: Context,
    *,
    source: Path,
    cleaned: Path,
    output: Path | None,
    protect: Sequence[str] | None,
    only: Sequence[str] | None,
    remove_audio: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Make the composite of two files."""
    from preflight.tools.output_names import OutputNames
    from preflight.workflow import composition

    names = OutputNames([source, cleaned], overwrite=overwrite)
    if output is not None and not output.is_dir():
        destination = names.chosen(output, "--output")
    else:
        folder = output or source.parent
        destination = names.derived(
            folder / f"{source.stem}-composite.{composition.extension(source, cleaned)}", "--output"
        )
    with console.progress(json_lines=as_json) as naming:
        report = composition.composite(
            source,
            cleaned,
            destination,
            regions=region_options.regions(protect, only, None, None),
            keep_audio=not remove_audio,
            settings=context.settings(),
            listener=naming(source.name),
        )
    if as_json:
        console.emit("composite", file=destination, report=report)
    else:
        tell(report)
        console.out(console.printable(destination))
    return int(ExitCode.OK)


def tell(report: CompositeReport) -> None:
    """Say what a composite did."""
    console.say(
        f"{report.frames} frames: {report.copied} are the source's own packets, {report.encoded} were encoded, "
        f"{report.changed} of them have changed regions."
    )
    if report.worst_tile is not None and report.worst_frame is not None:
        console.say(
            f"Outside the regions the worst encoded frame is {report.worst_frame:.1f} dB from the source, the worst "
            f"tile {report.worst_tile:.1f} dB."
        )
    for note in report.notes:
        console.say(f"Note: {note}")


COMMAND = Command(
    name="composite",
    summary="Put what a service changed into the source's own pictures: its size, depth and colours stay.",
    details="CLEANED is what any service made of the whole of SOURCE, at any size. What was not changed is copied "
    "packet by packet, or encoded near-losslessly.",
    example="preflight composite clip.mp4 from-the-service.mp4 -o finished.mp4",
    run=composite,
    parameters=(
        Parameter(names=("SOURCE",), convert=Path, help="The video before the removal."),
        Parameter(names=("CLEANED",), convert=Path, help="What the service made of it."),
        Parameter(
            names=("--output", "-o"),
            value="PATH",
            convert=Path,
            help="The finished file, or its folder.",
            default_text="beside the source, named -composite, with a number when that exists",
        ),
        region_options.PROTECT,
        region_options.ONLY,
        common_options.REMOVE_AUDIO,
        common_options.OVERWRITE,
        common_options.AS_JSON,
    ),
)
