"""`preflight clean`: the text-removal engine on one file, without any service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from preflight import serialize
from preflight.cli import choices, console, context
from preflight.engine.types import RemovalReport
from preflight.errors import InputError, UsageError
from preflight.events import Progress, Stage
from preflight.probe import stat_check
from preflight.tools import files


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight clean clip.mp4 -o cleaned.mp4 --sheet before-after.png")(clean)


def clean(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A video.", show_default=False, readable=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The cleaned video, or its folder; else beside the file, named -clean."),
    ] = None,
    language: choices.Language = "en",
    all_text: choices.AllText = False,
    remove_audio: choices.RemoveAudio = False,
    color_blocks: choices.ColorBlocks = False,
    box: choices.Boxes = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a PNG of frames before and after.")] = None,
    overlay: Annotated[Path | None, typer.Option(help="Write a video that shows the masks in red.")] = None,
    smart_encode: Annotated[
        bool, typer.Option("--smart-encode", help="Copy what lies between keyframes without text; H.264 only.")
    ] = False,
    processes: Annotated[int | None, typer.Option(min=1, help="Worker processes.", show_default="one a core")] = None,
    as_json: choices.AsJson = False,
) -> None:
    """Remove burned-in text from a video on this machine: nothing is uploaded, nothing is limited."""
    from preflight import engine
    from preflight.tools import ffmpeg

    destination = _destination(file, output)
    for made in filter(None, (destination, sheet, overlay)):
        _require_place(made)
    options = choices.removal(
        language, all_text=all_text, remove_audio=remove_audio, color_blocks=color_blocks, boxes=box
    )
    settings = context.settings(ctx)
    with console.progress(json_lines=as_json) as naming:
        listen = naming(file.name)
        report = engine.remove_text(
            file,
            destination,
            options,
            ffmpeg=ffmpeg.find(settings.ffmpeg),
            on_progress=lambda share: listen(Progress(stage=Stage.CLEAN, done=share, total=1.0)),
            sheet=sheet,
            overlay=overlay,
            processes=processes,
            smart_encode=smart_encode,
        )
    if as_json:
        console.emit("cleaned", file=destination, quality=serialize.jsonable(report))
    else:
        _tell(destination, report)


def _destination(file: Path, output: Path | None) -> Path:
    """Return where the cleaned video goes. Raises InputError when there is no file to clean, UsageError."""
    refusal = stat_check.look(file)
    if refusal is not None:
        raise InputError(f"{file} can't be cleaned. {refusal.detail}", hint=refusal.hint)
    folder = output if output is not None and output.is_dir() else file.parent
    named = None if output is None or output.is_dir() else output
    destination = named or folder / f"{file.stem}-clean{file.suffix or '.mp4'}"
    if destination.absolute() == file.absolute():
        raise UsageError("The output would replace the source.", hint="Choose another name with -o.")
    return destination


def _require_place(made: Path) -> None:
    """Make the folder of an output, before the work begins. Raises UsageError, ToolError."""
    if made.is_dir():
        raise UsageError(f"{made} is a folder.", hint="Name a file in it.")
    files.require_writable(made.parent)
    made.parent.mkdir(parents=True, exist_ok=True)


def _tell(destination: Path, report: RemovalReport) -> None:
    rows = tuple(
        (
            console.printable(item.track.text),
            f"{item.track.start:.2f}-{item.track.end:.2f} s",
            f"{100 * item.quality.propagated_share:.0f}%",
            "left" if item.quality.residual_text > 0.4 else "gone",
        )
        for item in report.removed
    )
    if rows:
        console.table("Removed", ("text", "time", "from other frames", "read again"), rows, stderr=True)
    else:
        console.say("No text to remove was found; the picture was copied.")
    for note in report.notes:
        console.say(f"Note: {note}.")
    console.out(console.printable(destination))
