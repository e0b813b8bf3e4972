"""Makes a finished file again, with other regions, from the cleaned files that were kept: no job is submitted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight.errors import FileChangedError, InputError, ToolMissingError, UsageError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.model.media import Media
from preflight.model.region import Regions
from preflight.restore.composite import RecordedText
from preflight.serialize import jsonable
from preflight.settings import Settings, load_settings
from preflight.tools import ffmpeg, files
from preflight.workflow import composition
from preflight.workflow.composition import Recipe
from preflight.workflow.finished_file import can_compose
from preflight.workflow.output_paths import located, read_json_record, write_json_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Redone:
    """A finished file that was made again; `filled` counts the regions that the local engine filled."""

    file: Path
    filled: int
    notes: tuple[str, ...] = ()


def redo(
    record: Path | str,
    *,
    regions: Regions | None = None,
    fill: Sequence[InpaintingBox] = (),
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Redone:
    """Make the finished file of a record again. The file is replaced when it is whole, and its record after it.

    Args:
        record: The JSON record beside a finished file.
        regions: Where the source stays, or alone the cleaned file is taken. Default: everything changed is taken.
        fill: Regions that the engine on this machine fills, with times in seconds of the finished file.
        settings: Folder of what is kept, and ffmpeg.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        The file, and what a person should know of it.

    Raises:
        InputError: The record can't be read, or a file that it names is gone.
        FileChangedError: The source is not the one that was cleaned.
        UsageError: A region is outside the picture, or names a text that the video does not have.
        ToolMissingError: The `local` extra is not installed.
        CancelledError: `cancel` was set.

    Example:
        >>> redo("out/clip.cleaned.json", regions=Regions(protect=("0.7,0.05,0.95,0.15",)))
    """
    settings, path, regions = settings or load_settings(), Path(record), regions or Regions()
    if not can_compose():
        raise ToolMissingError("Redoing needs the local extra.", hint="pip install 'preflight-video[local]'")
    content = read_json_record(path)
    finished = _located(str(content["result"]["file"]), path)
    source = _source(content, path)
    # Sound that was left out by request stays out.
    keeps_audio = bool(composition.media_of(finished).audio)
    recipe, texts = _recipe(content, source, finished, path, settings), _texts(content)
    with files.scratch(finished.parent) as folder:
        draft = folder / finished.name
        report = composition.compose(
            source,
            recipe,
            draft,
            regions=regions,
            texts=texts,
            keep_audio=keeps_audio,
            settings=settings,
            listener=listener,
            cancel=cancel,
        )
        if fill:
            draft = _filled(draft, fill, folder, settings, listener, cancel)
        draft.replace(finished)
    content["composite"] = {
        **jsonable(report),
        "regions": regions.to_json(),
        "filled": jsonable(tuple(fill)),
        "recipe": recipe.to_json(),
    }
    # What was measured before does not hold for the new file.
    content.pop("acceptance", None)
    write_json_record(path, content)
    return Redone(file=finished, filled=len(fill), notes=report.notes)


def _located(name: str, record: Path) -> Path:
    found = located(name, record)
    if found is None:
        raise InputError(f"{name}, which {record} names, is gone.", hint="Put it back, or beside the record.")
    return found


def _source(content: Mapping[str, Any], path: Path) -> Media:
    source = composition.media_of(_located(str(content.get("source") or content["result"]["source"]), path))
    known = (((content.get("report") or {}).get("subject") or {}).get("identity") or {}).get("size")
    if known is not None and source.identity.size != known:
        raise FileChangedError(
            f"{source.path} has {source.identity.size:,} bytes; the one that was cleaned had {known:,}.",
            hint="Put that one back: its pictures are needed.",
        )
    return source


def _recipe(content: Mapping[str, Any], source: Media, finished: Path, path: Path, settings: Settings) -> Recipe:
    made = content.get("composite") or {}
    if made.get("recipe"):
        return Recipe.from_json(made["recipe"])
    # The file itself is what came back: it is kept before it is replaced.
    guessed = Recipe.guessed(source, composition.media_of(finished))
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    folder = settings.home.absolute() / "cleaned" / name
    return composition.keep_cleaned(guessed, folder, settings.cache_size)


def _texts(content: Mapping[str, Any]) -> tuple[RecordedText, ...]:
    return tuple(RecordedText.from_json(found) for found in content.get("texts") or ())


def _filled(
    composed: Path,
    fill: Sequence[InpaintingBox],
    folder: Path,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None,
) -> Path:
    """Return a file whose regions the engine filled, and only these: it removes other text too, which may be wanted."""
    from preflight import engine

    filled, result = folder / f"filled{composed.suffix}", folder / f"result{composed.suffix}"
    engine.remove_text(
        composed,
        filled,
        RemovalOptions(inpainting_boxes=tuple(fill)),
        ffmpeg=ffmpeg.find(settings.ffmpeg),
        on_progress=lambda share: listener(Progress(stage=Stage.CLEAN, done=share, total=1.0)),
        cancel=cancel,
        fill_model=settings.fill_model,
    )
    source = composition.media_of(composed)
    composition.compose(
        source,
        Recipe.guessed(source, composition.media_of(filled)),
        result,
        regions=Regions(only=tuple(_word(box) for box in fill)),
        settings=settings,
        listener=listener,
        cancel=cancel,
    )
    return result


def _word(box: InpaintingBox) -> str:
    return f"{box.x1},{box.y1},{box.x2},{box.y2}@{box.start}-{box.end}"


def boxes_of(words: Sequence[str], size: tuple[int, int], duration: Fraction) -> tuple[InpaintingBox, ...]:
    """Return the boxes to fill of `X1,Y1,X2,Y2[px][@START-END]`. Raises UsageError."""
    from preflight.model.region import timed_box

    found = []
    for word in words:
        box = timed_box(word, size)
        end = float(duration) if box.end is None else box.end
        if box.start >= end:
            raise UsageError(f"Area {word!r} begins behind the end of the video at {float(duration):.3f} s.")
        found.append(InpaintingBox(start=box.start, end=end, x1=box.x1, y1=box.y1, x2=box.x2, y2=box.y2))
    return tuple(found)
