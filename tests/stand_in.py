"""Stand-ins for the removal engine: what the service does around it can be tested without seconds of computing."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from preflight.errors import InputError, ToolError
from preflight.model.job import RemovalOptions

Report = Callable[[float], None] | None


def copy(source: Path, destination: Path, options: RemovalOptions, *, ffmpeg: str, on_progress: Report) -> Any:
    """Give the source back."""
    assert Path(ffmpeg).exists()
    if on_progress is not None:
        on_progress(0.5)
    sys.stdout.write("noise that a library may make")
    shutil.copyfile(source, destination)
    return {"options": options.to_wire()}


def model(source: Path, destination: Path, options: RemovalOptions, *, fill_model: Path, **rest: Any) -> Any:
    """Give the source back and say which fill model was given."""
    return copy(source, destination, options, **rest) | {"fill_model": {"name": str(fill_model)}}


def slow(source: Path, destination: Path, options: RemovalOptions, *, ffmpeg: str, on_progress: Report) -> Any:
    """Run until killed, or until a file `go` lies beside the source's folder."""
    go = source.parent.parent / "go"
    if on_progress is not None:
        on_progress(0.25)
    (source.parent / "pid").write_text(str(os.getpid()))
    while not go.exists():
        time.sleep(0.02)
    return copy(source, destination, options, ffmpeg=ffmpeg, on_progress=on_progress)


def crash(*_: Any, **__: Any) -> Any:
    """Die without a word, as a segmentation fault does."""
    os._exit(11)


def crash_once(source: Path, destination: Path, options: RemovalOptions, *, ffmpeg: str, on_progress: Report) -> Any:
    """Die on the first call only."""
    mark = source.parent / "crashed"
    if not mark.exists():
        mark.touch()
        os._exit(11)
    return copy(source, destination, options, ffmpeg=ffmpeg, on_progress=on_progress)


def refuse(*_: Any, **__: Any) -> Any:
    """Say that this kind of video can't be handled."""
    raise InputError("HDR is not handled.")


def fail(*_: Any, **__: Any) -> Any:
    """Fail as a tool does."""
    raise ToolError("ffmpeg failed.")


def bug(*_: Any, **__: Any) -> Any:
    """Raise what nobody expected."""
    raise ZeroDivisionError
