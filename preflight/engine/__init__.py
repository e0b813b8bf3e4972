"""The engine that removes text from a video on this machine.

The work is done by the modules beside this one, which need the packages of the `local` extra. They are imported on
first use, so that importing this package costs nothing and a missing extra is told in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from preflight.engine.types import TextPreview, TextSpot
from preflight.errors import INSTALL_LOCAL, ToolMissingError
from preflight.events import Cancel
from preflight.model.job import RemovalOptions

__all__ = ["TextPreview", "TextSpot", "preview_text", "remove_text"]

_NEEDED = ("numpy", "cv2", "onnxruntime", "rapidocr")


def remove_text(  # noqa: PLR0913 - each is a wish of its own
    source: Path,
    destination: Path,
    options: RemovalOptions,
    *,
    ffmpeg: str,
    on_progress: Callable[[float], None] | None = None,
    sheet: Path | None = None,
    overlay: Path | None = None,
    processes: int | None = None,
    cancel: Cancel | None = None,
    smart_encode: bool = False,
) -> dict[str, Any]:
    """Write `source` without its text to `destination` and return a JSON-ready quality report.

    `ffmpeg` is the program to run; `on_progress` hears the share done, 0..1. The source is only read; `destination`
    appears whole or not at all, and its extension chooses the container. `sheet` gets a PNG of frames before and after,
    `overlay` a video with the masks in red. `processes` (one a core, at most four) change the speed, never the result;
    `cancel` stops the work. Where no text is found the picture is copied; with `smart_encode` every group of pictures
    without text is, beside encoded ones, where the source's codec allows it. Raises CancelledError, ToolMissingError
    without the `local` extra, InputError with the service's code 702 for a format that can't be filled, ToolError,
    DiskFullError.
    """
    _require()
    from preflight.engine import pipeline

    extras = pipeline.Extras(
        sheet=sheet, overlay=overlay, processes=processes, cancel=cancel, smart_encode=smart_encode
    )
    return pipeline.remove_text(source, destination, options, program=ffmpeg, on_progress=on_progress, extras=extras)


def preview_text(path: Path, *, ffmpeg: str, samples: int = 8) -> TextPreview:
    """Look at `samples` evenly spread frames of `path` and tell whether there is text, in which language and where.

    Raises ToolMissingError without the `local` extra, InputError (702) for a file that can't be decoded, ToolError.
    """
    _require()
    from preflight.engine import preview

    return preview.preview_text(path, program=ffmpeg, samples=samples)


def _require() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ToolMissingError(
            f"The local engine needs {', '.join(missing)}.",
            hint=f"{INSTALL_LOCAL}, or configure the cloud service.",
        )
