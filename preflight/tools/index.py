"""AVI files whose index is missing or leads nowhere, which ffmpeg otherwise follows past their end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from preflight.events import Cancel
from preflight.model.media import Container, Media
from preflight.tools import ffmpeg as tool
from preflight.tools import files


def misleads(source: Media) -> bool:
    """Return True when `source` has to be read packet after packet."""
    return source.container is Container.AVI and source.indexed is False


def mended(source: Media, folder: Path, *, ffmpeg: str, cancel: Cancel | None = None) -> Media:
    """Return `source`, or where its index misleads a copy of its packets in `folder` that has one.

    Raises ToolError, DiskFullError, CancelledError.
    """
    if not misleads(source):
        return source
    files.require_room(folder, source.size)
    # Its own folder leaves the name free, from which those of results are made.
    made = folder / "indexed" / source.path.with_suffix(".avi").name
    made.parent.mkdir()
    # Unable to seek to the index, ffmpeg takes the packets as they come.
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, "-seekable", "0", "-f", "avi", "-i", tool.local(source.path)]
    tool.run([*argv, "-map", "0:v", "-map", "0:a?", "-c", "copy", tool.local(made)], cancel=cancel)
    return replace(source, path=made, indexed=True)
