"""The engine that removes burned-in text from a video on this machine.

Its modules need the packages of the `local` extra. They are imported on first use, so importing this package is cheap,
and a missing extra is reported in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from preflight.engine.encode import formats
from preflight.engine.types import (
    FillQuality,
    PoorRegion,
    ReadLine,
    RemovalReport,
    RemovedText,
    TextPreview,
    TextSpot,
    TextTrackSummary,
    UsedFillModel,
)
from preflight.errors import INSTALL_LOCAL, ToolMissingError, UsageError
from preflight.events import Cancel
from preflight.model.job import RemovalOptions
from preflight.model.text import ScreenTexts

__all__ = [
    "FillQuality",
    "PoorRegion",
    "ReadLine",
    "RemovalReport",
    "RemovedText",
    "TextPreview",
    "TextSpot",
    "TextTrackSummary",
    "UsedFillModel",
    "check_fill_model",
    "find_texts",
    "preview_text",
    "read_picture",
    "remove_text",
]

_REQUIRED_PACKAGES = ("numpy", "cv2", "onnxruntime", "rapidocr")


def remove_text(  # noqa: PLR0913 - each is an option of its own
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
    any_script: bool = False,
    fill_model: Path | None = None,
    keep_in: Path | None = None,
    on_resume: Callable[[int], None] | None = None,
) -> RemovalReport:
    """Write a copy of a video without its burned-in text.

    Args:
        source: the video. It is only read.
        destination: the cleaned video. It appears whole or not at all; its extension selects the container.
        options: what to remove.
        ffmpeg: the ffmpeg program.
        on_progress: called with the share of the work that is done, 0..1, which never decreases.
        sheet: where to write a PNG that shows frames before and after.
        overlay: where to write a video that shows the masks in red.
        processes: number of worker processes; by default one a core, up to four. The result does not depend on it.
        cancel: stops the work when it is set.
        smart_encode: copy the packets of groups of pictures without text where the codec allows it. Without it, every
            frame is encoded again unless the video has no text at all.
        any_script: remove text of any script, not only what is read with confidence in the options' language. Text that
            the recogniser can't read is removed when the detector and the way it behaves show that it is overlay text.
        fill_model: an ONNX model of the shape of LaMa or MI-GAN, which fills what no other frame shows where that is
            better than a smooth fill. It is tried before the video is read.
        keep_in: a folder, of this user alone, in which finished chunks stay until the result has its name. A removal
            that was stopped or killed goes on from them, with the same result; without it, it starts anew.
        on_resume: called with the number of finished chunks where there are any.

    Returns:
        What was removed and kept, and the quality of the fill. `preflight.serialize.jsonable` turns it to JSON.

    Raises:
        UsageError: an argument is wrong, the destination's extension names no container that is written, or the model
            can't be used; the message says why.
        InputError: the video can't be decoded or is HDR (code 702).
        ToolMissingError: the `local` extra is not installed.
        ToolError: ffmpeg failed.
        DiskFullError: there is no room for the result.
        CancelledError: `cancel` was set.

    Example:
        >>> report = remove_text(Path("clip.mp4"), Path("clean.mp4"), RemovalOptions(), ffmpeg="ffmpeg")
        >>> [item.track.text for item in report.removed]
        ['Never give up']
    """
    _require_path("source", source)
    _require_path("destination", destination)
    _require("options", options, isinstance(options, RemovalOptions), "a RemovalOptions")
    _require_program(ffmpeg)
    _require("on_progress", on_progress, on_progress is None or callable(on_progress), "a function or None")
    formats.container(destination)
    for name, value in (("sheet", sheet), ("overlay", overlay)):
        if value is not None:
            _require_path(name, value)
    if overlay is not None:
        formats.container(overlay)
    if processes is not None:
        _require_count("processes", processes)
    _require("cancel", cancel, cancel is None or hasattr(cancel, "is_set"), "an object with is_set(), or None")
    _require("smart_encode", smart_encode, isinstance(smart_encode, bool), "True or False")
    _require("any_script", any_script, isinstance(any_script, bool), "True or False")
    _require("fill_model", fill_model, fill_model is None or isinstance(fill_model, Path), "a pathlib.Path or None")
    if keep_in is not None:
        _require_path("keep_in", keep_in)
    _require("on_resume", on_resume, on_resume is None or callable(on_resume), "a function or None")
    _require_packages()
    from preflight.engine import kept_work, pipeline
    from preflight.engine.inpaint.fill_model import open_fill_model

    model = None if fill_model is None else open_fill_model(fill_model)
    keeping = kept_work.opened(keep_in, source, options, program=ffmpeg, any_script=any_script, fill_model=model)
    with keeping as kept:
        if on_resume is not None and kept.chunks:
            on_resume(kept.chunks)
        extras = pipeline.Extras(
            sheet=sheet,
            overlay=overlay,
            processes=processes,
            cancel=cancel,
            smart_encode=smart_encode,
            any_script=any_script,
            fill_model=model,
            kept=kept,
        )
        return pipeline.remove_text(
            source, destination, options, program=ffmpeg, on_progress=on_progress, extras=extras
        )


def check_fill_model(path: Path) -> UsedFillModel:
    """Open a fill model and try it on a small picture, without any video.

    Args:
        path: an ONNX model of the shape of LaMa or MI-GAN.

    Returns:
        Its name and digest.

    Raises:
        UsageError: the model can't be used; the message says why.
        ToolMissingError: the `local` extra is not installed.

    Example:
        >>> check_fill_model(Path("lama_fp32.onnx")).name
        'lama_fp32.onnx'
    """
    _require_path("path", path)
    _require_packages()
    from preflight.engine.inpaint.fill_model import open_fill_model

    model = open_fill_model(path)
    return UsedFillModel(name=model.path.name, digest=model.digest)


def preview_text(path: Path, *, ffmpeg: str, samples: int = 8) -> TextPreview:
    """Find the text on a few evenly spread frames of a video.

    Args:
        path: the video.
        ffmpeg: the ffmpeg program.
        samples: number of frames.

    Returns:
        The text of each frame with its place, and the language of most of it.

    Raises:
        UsageError: an argument is wrong; the message names it.
        InputError: the video can't be decoded (code 702).
        ToolMissingError: the `local` extra is not installed.
        ToolError: ffmpeg failed.

    Example:
        >>> preview_text(Path("clip.mp4"), ffmpeg="ffmpeg", samples=4).language
        'en'
    """
    _require_path("path", path)
    _require_program(ffmpeg)
    _require_count("samples", samples)
    _require_packages()
    from preflight.engine import preview

    return preview.preview_text(path, program=ffmpeg, samples=samples)


def find_texts(
    path: Path,
    *,
    ffmpeg: str,
    on_progress: Callable[[float], None] | None = None,
    processes: int | None = None,
    cancel: Cancel | None = None,
) -> ScreenTexts:
    """Find all text of a video, with its exact frames, without removing any.

    Args:
        path: the video. It is only read.
        ffmpeg: the ffmpeg program.
        on_progress: called with the share of the work that is done, 0..1.
        processes: number of worker processes; by default one a core, up to four.
        cancel: stops the work when it is set.

    Returns:
        Each line of text with its frames, place, colour, role (caption, watermark, sign) and confidence.

    Raises:
        UsageError: an argument is wrong; the message names it.
        InputError: the video can't be decoded (code 702).
        ToolMissingError: the `local` extra is not installed.
        ToolError: ffmpeg failed.
        CancelledError: `cancel` was set.

    Example:
        >>> [text.text for text in find_texts(Path("clip.mp4"), ffmpeg="ffmpeg").texts]
        ['Never give up']
    """
    _require_path("path", path)
    _require_program(ffmpeg)
    _require("on_progress", on_progress, on_progress is None or callable(on_progress), "a function or None")
    if processes is not None:
        _require_count("processes", processes)
    _require("cancel", cancel, cancel is None or hasattr(cancel, "is_set"), "an object with is_set(), or None")
    _require_packages()
    from preflight.engine import text_scan

    return text_scan.find_texts(path, program=ffmpeg, on_progress=on_progress, processes=processes, cancel=cancel)


def read_picture(picture: Any) -> list[ReadLine]:
    """Find and read the text on one picture.

    Args:
        picture: blue, green, red, 8 bits each, a NumPy array [H, W, 3].

    Returns:
        The lines with their boxes, words and confidence.

    Raises:
        ToolMissingError: the `local` extra is not installed.
    """
    _require_packages()
    from preflight.engine import picture_text

    return picture_text.read_picture(picture)


def _require(name: str, value: object, valid: bool, expected: str) -> None:
    if not valid:
        raise UsageError(f"{name} is {value!r}, not {expected}.")


def _require_path(name: str, value: Any) -> None:
    _require(name, value, isinstance(value, Path), "a pathlib.Path")


def _require_program(value: Any) -> None:
    _require("ffmpeg", value, isinstance(value, str) and bool(value), "the name of a program")


def _require_count(name: str, value: Any) -> None:
    _require(name, value, isinstance(value, int) and not isinstance(value, bool) and value >= 1, "a whole number >= 1")


def _require_packages() -> None:
    missing = [name for name in _REQUIRED_PACKAGES if find_spec(name) is None]
    if missing:
        raise ToolMissingError(
            f"The local engine needs {', '.join(missing)}.",
            hint=f"{INSTALL_LOCAL}, or configure the cloud service.",
        )
