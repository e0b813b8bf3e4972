"""`preflight clean`: the text-removal engine on one file, without any service."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.engine.encode import formats
from preflight.engine.types import RemovalReport
from preflight.errors import ExitCode, InputError, PreflightError
from preflight.events import Progress, Stage
from preflight.probe import stat_check
from preflight.rules.wording import shell_word
from preflight.tools.output_names import OutputNames
from preflight.workflow import output_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from preflight.events import Listener
    from preflight.model.job import InpaintingBox, PixelBox, RemovalOptions
    from preflight.settings import Settings


_TOLD = ("may be part of the scene", "in a script that was not asked for")
"""Reasons to keep text that a person may want to know."""


def clean(
    context: Context,
    *,
    file: Path,
    output: Path | None,
    language: str,
    all_text: bool,
    remove_audio: bool,
    color_blocks: bool,
    boxes: Sequence[InpaintingBox | PixelBox] | None,
    sheet: Path | None,
    overlay: Path | None,
    subtitles: Sequence[str] | None,
    smart_encode: bool,
    fill_model: Path | None,
    processes: int | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Remove burned-in text from a video on this machine: nothing is uploaded, nothing is limited."""
    names = OutputNames([file], overwrite=overwrite)
    destination = _destination(file, output, names)
    sheet = names.chosen(sheet, "--sheet") if sheet is not None else None
    overlay = names.chosen(overlay, "--overlay") if overlay is not None else None
    beside = [names.derived(destination.with_suffix(f".{kind}"), "--subtitles") for kind in subtitles or ()]
    record = names.derived(output_paths.clean_record_of(destination), "the record")
    any_script = language == "auto"
    options = common_options.removal_options(
        "en" if any_script else language,
        all_text=all_text,
        remove_audio=remove_audio,
        color_blocks=color_blocks,
        boxes=boxes,
    )
    settings = context.settings(fill_model=fill_model)
    with console.progress(json_lines=as_json) as naming:
        listen = naming(file.name)
        report = _remove(
            file,
            destination,
            options,
            settings,
            on_progress=lambda share: listen(Progress(stage=Stage.CLEAN, done=share, total=1.0)),
            sheet=sheet,
            overlay=overlay,
            processes=processes,
            smart_encode=smart_encode,
            any_script=any_script,
            fill_model=settings.fill_model,
        )
        if beside:
            _write_subtitles(file, report, beside, settings, listen)
    written = _write_record(record, file, destination, report)
    if as_json:
        console.emit("cleaned", file=destination, quality=report, subtitles=beside, record=written)
    else:
        _tell(destination, report)
        if written is not None:
            console.say(f"See before and after with `preflight review {shell_word(str(written))}`.")
        for path in beside:
            console.out(console.printable(path))
    return int(ExitCode.OK)


def _remove(
    file: Path, destination: Path, options: RemovalOptions, settings: Settings, **engine_options: Any
) -> RemovalReport:
    """Remove text by the engine, HDR by a tone-mapped version and a composite."""
    from preflight import api, engine
    from preflight.tools import ffmpeg

    media = api.check(file).media
    if media is not None and media.video is not None and media.video.color.is_hdr:
        from preflight.workflow import hdr_removal

        return hdr_removal.remove_text(media, destination, options, settings=settings, **engine_options)
    kept = settings.home / "clean"
    try:
        return engine.remove_text(
            file,
            destination,
            options,
            ffmpeg=ffmpeg.find(settings.ffmpeg),
            keep_in=kept,
            on_resume=lambda chunks: console.say(f"Going on from {chunks} finished chunks of an earlier attempt."),
            **engine_options,
        )
    except KeyboardInterrupt:
        if any(kept.glob("*/*.part")):
            console.say("What is finished is kept for a week: the same command goes on from there.")
        raise


def _write_record(record: Path, file: Path, destination: Path, report: RemovalReport) -> Path | None:
    """Write the JSON record of a removal, as `preflight run` does; None when it can't be, which fails no removal."""
    from preflight import api

    result = {"source": file, "file": destination, "task_ids": (), "quality": report, "notes": ()}
    try:
        content = {"source": file.absolute(), "result": result, "report": {"subject": api.check(file).media}}
        return output_paths.write_json_record(record, content)
    except (PreflightError, OSError) as error:
        console.say(f"Note: the JSON record could not be written: {error}")
        return None


def _write_subtitles(
    file: Path, report: RemovalReport, targets: Sequence[Path], settings: Settings, listener: Listener
) -> None:
    """Write what was removed as subtitles."""
    from preflight.workflow import text_export

    found = text_export.find_text(file, report=report, settings=settings, listener=listener)
    for path in targets:
        text_export.write_subtitles(found, path, removed_only=True)


def _destination(file: Path, output: Path | None, names: OutputNames) -> Path:
    """Return where the cleaned video goes. Raises InputError when there is no file to clean, UsageError."""
    refusal = stat_check.check_status(file)
    if refusal is not None:
        raise InputError(f"{file} can't be cleaned. {refusal.detail}", hint=refusal.hint)
    if output is not None and not output.is_dir():
        formats.container(output)
        return names.chosen(output, "--output")
    suffix = file.suffix if formats.is_written(file) else ".mp4"
    return names.derived((output or file.parent) / f"{file.stem}-clean{suffix}", "--output")


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
    for item in report.kept:
        if item.kept_because in _TOLD:
            text = console.printable(item.text) or "text"
            console.say(f"Kept: {text}, {item.start:.2f}-{item.end:.2f} s: {item.kept_because}.")
    if report.fill_model is not None:
        name, share = console.printable(report.fill_model.name), report.fill_model.share
        console.say(f"The fill model {name} made {100 * share:.0f}% of the filled pixels.")
    for note in report.notes:
        console.say(f"Note: {note}.")
    console.out(console.printable(destination))


COMMAND = Command(
    name="clean",
    summary="Remove burned-in text from a video on this machine: nothing is uploaded, nothing is limited.",
    example="preflight clean clip.mp4 -o cleaned.mp4 --sheet before-after.png",
    run=clean,
    parameters=(
        Parameter(names=("FILE",), convert=Path, help="A video."),
        Parameter(
            names=("--output", "-o"),
            value="PATH",
            convert=Path,
            help="The cleaned video, or its folder.",
            default_text="beside the file, named -clean, with a number when that exists",
        ),
        Parameter(
            names=("--language",),
            choices=(*common_options.LANGUAGES, "auto"),
            default="auto",
            help="Language of the text; auto takes text of any script.",
        ),
        common_options.ALL_TEXT,
        common_options.REMOVE_AUDIO,
        common_options.COLOR_BLOCKS,
        common_options.BOXES,
        Parameter(names=("--sheet",), value="FILE", convert=Path, help="Write a PNG of frames before and after."),
        Parameter(names=("--overlay",), value="FILE", convert=Path, help="Write a video that shows the masks in red."),
        common_options.SUBTITLES,
        Parameter(
            names=("--smart-encode",),
            count="0",
            help="Copy what lies between keyframes without text, and encode only the rest; H.264 only.",
        ),
        Parameter(
            names=("--fill-model",),
            value="FILE",
            convert=Path,
            help="ONNX model of the shape of LaMa or MI-GAN that fills what no other frame shows.",
        ),
        Parameter(
            names=("--processes",),
            value="N",
            convert=common_options.positive,
            help="Worker processes.",
            default_text="one a core, up to 4",
        ),
        common_options.OVERWRITE,
        common_options.AS_JSON,
    ),
)
