"""`preflight join`: the segments of a split, cleaned or not, as one file again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from preflight.cli import choices, console, context


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight join fixed/film-fixed.json cleaned/ -o film-cleaned.mp4")(join)


def join(
    ctx: typer.Context,
    manifest: Annotated[Path, typer.Argument(help="The JSON file that `preflight fix` wrote beside the segments.")],
    cleaned: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Cleaned segments in order, or their folder; else the segments themselves.", show_default=False
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The finished file, or its folder.")] = Path(),
    remove_audio: Annotated[bool, typer.Option("--remove-audio", help="Leave the sound out.")] = False,
    as_json: choices.AsJson = False,
) -> None:
    """Join segments into one file with the source's own sound, subtitles, chapters and tags.

    Pictures are copied when the segments agree, and else encoded once.
    """
    from preflight import api

    settings = context.settings(ctx)
    with console.progress(json_lines=as_json) as naming:
        made = api.join(
            manifest,
            cleaned or [],
            output,
            keep_audio=not remove_audio,
            settings=settings,
            listener=naming(manifest.name),
        )
    if as_json:
        console.emit("joined", manifest=manifest, file=made)
    else:
        console.out(f"{console.printable(manifest)}: {console.printable(made)}")
