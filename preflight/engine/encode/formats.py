"""The containers that a cleaned video can have, by the extension of its name. Pure."""

from __future__ import annotations

from pathlib import Path

from preflight.errors import UsageError

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi", ".webm": "webm"}
"""ffmpeg's name of the format by extension."""
MP4_FORMATS = frozenset({"mp4", "mov"})
"""Formats of the MP4 family: a display matrix in the track header, edit lists, an index that may come first."""


def is_written(path: Path) -> bool:
    """Return True when the extension of `path` names a container that is written."""
    return path.suffix.lower() in _FORMATS


def container(path: Path) -> str:
    """Return ffmpeg's name of the format of a file to write, by its extension. Raises UsageError for any other one."""
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        ending = f"ends with {path.suffix}" if path.suffix else "has no extension"
        raise UsageError(
            f"{path.name} can't be written: its name {ending}; a cleaned video is {', '.join(_FORMATS)}.",
            hint=f"Name it {path.stem}.mp4.",
        ) from None
