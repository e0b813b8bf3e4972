"""Makes a finished file again, with other regions, from the cleaned files that were kept: no job is submitted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight.api import require_fill_model
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
from preflight.workflow.outcome import Notes
from preflight.workflow.output_paths import located, named_files, read_json_record, write_json_record
from preflight.workflow.reverification import verify_again

_WITHOUT_SERVICE_FILE = (
    "The service's file is not kept any more, so the engine on this machine removed what was put back before."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redone:
    """A finished file that was made again; `filled` counts the regions that the local engine filled."""

    file: Path
    filled: int
    notes: tuple[str, ...] = ()
    verdict: str | None = None
    """What the acceptance test says of the new file; None when the one before was not verified either."""


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
        UsageError: A region is outside the picture, or names a text that the video does not have; the fill model of the
            settings can't be used.
        ToolMissingError: The `local` extra is not installed; `paid_redo.redo_by_service` can do without.
        CancelledError: `cancel` was set.

    Example:
        >>> redo("out/clip.cleaned.json", regions=Regions(protect=("0.7,0.05,0.95,0.15",)))
    """
    settings, path, regions = settings or load_settings(), Path(record), regions or Regions()
    if not can_compose():
        raise ToolMissingError("Redoing needs the local extra.", hint="pip install 'preflight-video[local]'")
    if fill:
        require_fill_model(settings)
    content = read_json_record(path)
    file, original = named_files(content, path)
    finished = _located(str(file), path)
    source = _source(content, original, path)
    # Sound that was left out by request stays out.
    keeps_audio = bool(composition.media_of(finished).audio)
    recipe, again = _recipe(content, regions, source, finished, path, settings)
    texts, fill = _texts(content), (*fill, *again)
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
    # What was measured before does not hold for the new file, which is recorded before it is measured.
    was_verified = content.pop("acceptance", None) is not None
    write_json_record(path, content)
    notes = Notes()
    notes.texts += [*report.notes, *([_WITHOUT_SERVICE_FILE] if again else [])]
    if was_verified and not recipe.is_trimmed and settings.verify:
        with notes.of("The new file could not be verified"):
            content["acceptance"] = verify_again(
                content, source.path, finished, regions, fill, settings=settings, listener=listener, cancel=cancel
            )
            write_json_record(path, content)
    verdict = (content.get("acceptance") or {}).get("verdict")
    return Redone(file=finished, filled=len(fill), notes=tuple(notes.texts), verdict=verdict)


def _located(name: str, record: Path) -> Path:
    found = located(name, record)
    if found is None:
        raise InputError(f"{name}, which {record} names, is gone.", hint="Put it back, or beside the record.")
    return found


def _source(content: Mapping[str, Any], name: str, path: Path) -> Media:
    source = composition.media_of(_located(name, path))
    known = (((content.get("report") or {}).get("subject") or {}).get("identity") or {}).get("size")
    if known is not None and source.identity.size != known:
        raise FileChangedError(
            f"{source.path} has {source.identity.size:,} bytes; the one that was cleaned had {known:,}.",
            hint="Put that one back: its pictures are needed.",
        )
    return source


def _recipe(
    content: Mapping[str, Any], regions: Regions, source: Media, finished: Path, path: Path, settings: Settings
) -> tuple[Recipe, tuple[InpaintingBox, ...]]:
    """Return how the file is made, and what has to be filled since the service's file for it is gone.

    Without the service's file the finished file stands for it: it lacks only the places that were put back before.
    """
    made = content.get("composite") or {}
    known = Recipe.from_json(made["recipe"]) if made.get("recipe") else None
    if known is not None and all(cleaned.is_file() for cleaned in known.cleaned):
        return known, ()
    before = Regions.from_json(made.get("regions") or {})
    if known is not None and (before.only != regions.only or before.names_texts):
        raise InputError(
            "The service's file, of which another part is wanted, is not kept any more.",
            hint="Run the video again, with a larger `cache_size`.",
        )
    # The file itself is what came back: it is kept before it is replaced.
    guessed = Recipe.guessed(source, composition.media_of(finished))
    trim = known.stretch if known is not None else _trim(content)
    if trim is not None:
        guessed = replace(guessed, starts=(trim[0],), end=trim[1], is_trimmed=True)
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    folder = settings.home.absolute() / "cleaned" / name
    dropped = [word for word in before.protect if word not in regions.protect]
    offset = guessed.starts[0]
    length = (guessed.end if guessed.end is not None else source.duration or Fraction(0)) - offset
    return composition.keep_cleaned(guessed, folder, settings.cache_size), _in_result(
        boxes_of(dropped, guessed.shown, offset + length), offset
    )


def _trim(content: Mapping[str, Any]) -> tuple[Fraction, Fraction] | None:
    found = (content.get("plan") or {}).get("trim")
    if not found:
        return None
    start, end = (Fraction(time).limit_denominator(10**6) for time in found)
    return start, end


def _in_result(boxes: Sequence[InpaintingBox], offset: Fraction) -> tuple[InpaintingBox, ...]:
    """Return boxes with times of the source as boxes with times of the finished file."""
    start = float(offset)
    return tuple(replace(box, start=max(0.0, box.start - start), end=box.end - start) for box in boxes)


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
    from preflight.workflow import hdr_removal

    filled, result = folder / f"filled{composed.suffix}", folder / f"result{composed.suffix}"
    source = composition.media_of(composed)
    options = RemovalOptions(inpainting_boxes=tuple(fill))

    def hear(share: float) -> None:
        listener(Progress(stage=Stage.CLEAN, done=share, total=1.0))

    if source.video is not None and source.video.color.is_hdr:
        hdr_removal.remove_text(
            source, filled, options, settings=settings, on_progress=hear, cancel=cancel, fill_model=settings.fill_model
        )
    else:
        engine.remove_text(
            composed,
            filled,
            options,
            ffmpeg=ffmpeg.find(settings.ffmpeg),
            on_progress=hear,
            cancel=cancel,
            fill_model=settings.fill_model,
        )
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
