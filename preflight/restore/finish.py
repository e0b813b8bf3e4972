"""Turn cleaned segments into the finished file, under its final name only when it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from preflight.errors import CancelledError, InputError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.job import Fixed
from preflight.tools import ffmpeg as tool
from preflight.tools import files


def finish(
    cleaned: Sequence[Path],
    fixed: Fixed,
    destination: Path,
    *,
    keep_audio: bool,
    ffmpeg: str,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Make the finished file at `destination` (replaced when it exists) from the `cleaned` segments of `fixed`.

    `keep_audio` False leaves sound out. Raises InputError when segments are missing, DiskFullError, ToolError,
    CancelledError. `destination` is either whole or untouched.
    """
    if len(cleaned) != len(fixed.segments) or len(cleaned) != 1:
        raise InputError(
            f"{len(cleaned)} cleaned files do not make {fixed.source.path}, which has {len(fixed.segments)} segments."
        )
    if cancel is not None and cancel.is_set():
        raise CancelledError("Stopped on request.")
    with files.scratch(destination.parent) as folder:
        made = folder / f"finished{destination.suffix}"
        if cleaned[0].suffix.lower() == destination.suffix.lower() and keep_audio:
            files.copy(cleaned[0], made)
        else:
            _remux(cleaned[0], made, keep_audio=keep_audio, ffmpeg=ffmpeg, cancel=cancel)
        made.replace(destination)
    listener(Progress(stage=Stage.RESTORE, done=1, total=1, unit="files"))
    return destination


def _remux(cleaned: Path, made: Path, *, keep_audio: bool, ffmpeg: str, cancel: Cancel | None) -> None:
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "warning", "-y", *tool.INPUT_GUARD, "-i", tool.local(cleaned)]
    argv += ["-map", "0:v", *(["-map", "0:a?"] if keep_audio else []), "-c", "copy", "-map_metadata", "0"]
    tool.run([*argv, tool.local(made)], cancel=cancel)
