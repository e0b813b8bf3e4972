"""`preflight join`: the segments of a split, cleaned or not, as one file again."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def join(
    context: Context,
    *,
    manifest: Path,
    cleaned: Sequence[Path] | None,
    output: Path,
    remove_audio: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Join the segments of `manifest`, or their cleaned versions, into one file."""
    from preflight import api

    settings = context.settings()
    with console.progress(json_lines=as_json) as naming:
        made = api.join(
            manifest,
            cleaned or [],
            output,
            keep_audio=not remove_audio,
            overwrite=overwrite,
            settings=settings,
            listener=naming(manifest.name),
        )
    if as_json:
        console.emit("joined", manifest=manifest, file=made)
    else:
        console.out(f"{console.printable(manifest)}: {console.printable(made)}")
    return int(ExitCode.OK)


COMMAND = Command(
    name="join",
    summary="Join segments into one file with the source's own sound, subtitles, chapters and tags.",
    details="Pictures are copied when the segments agree, and else encoded once.",
    example="preflight join fixed/film-fixed.json cleaned/ -o film-cleaned.mp4",
    run=join,
    parameters=(
        Parameter(
            names=("MANIFEST",), convert=Path, help="The JSON file that `preflight fix` wrote beside the segments."
        ),
        Parameter(
            names=("CLEANED",),
            count="*",
            convert=Path,
            help="Cleaned segments in order, or their folder; else the segments themselves.",
        ),
        Parameter(
            names=("--output", "-o"),
            value="PATH",
            convert=Path,
            default=Path(),
            default_text="this folder",
            help="The finished file, or its folder.",
        ),
        common_options.REMOVE_AUDIO,
        common_options.OVERWRITE,
        common_options.AS_JSON,
    ),
)
