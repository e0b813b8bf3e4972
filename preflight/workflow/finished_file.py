"""Makes the finished file of a video: a composite where that is possible, else the service's picture with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight import api
from preflight.events import Cancel, Listener
from preflight.model.region import Regions
from preflight.serialize import jsonable
from preflight.settings import Settings
from preflight.workflow.outcome import Notes
from preflight.workflow.output_paths import TEXTS_SEARCHED
from preflight.workflow.picture_sizes import picture_of, upright
from preflight.workflow.preparation import Prepared

if TYPE_CHECKING:
    from preflight.model.text import ScreenTexts
    from preflight.restore.composite import CompositeReport, RecordedText
    from preflight.workflow.composition import Recipe

_WITHOUT_REGIONS = "The regions were not used; `preflight redo` takes others, free of charge"
_WITHOUT_COMPOSITE = "The source's own pictures could not be kept"

NEEDED = ("numpy", "cv2")
"""Packages of the `local` extra that a composite needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedFile:
    """The finished file, and what its record holds of how it was made."""

    file: Path
    record: dict[str, Any] = field(default_factory=dict)


def can_compose() -> bool:
    """Return True when the packages of the `local` extra are there."""
    return all(find_spec(name) is not None for name in NEEDED)


def make(
    prepared: Prepared,
    cleaned: Sequence[Path],
    target: Path,
    reports: Sequence[Mapping[str, Any]],
    *,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None,
    notes: Notes,
) -> FinishedFile:
    """Make the finished file at `target`; what keeps it from being a composite becomes a note.

    Raises:
        PreflightError: The finished file can't be made.
    """
    request = prepared.request
    texts = _reported_texts(prepared, reports, notes)
    if request.composite and can_compose():
        for regions in (request.regions, Regions()) if request.regions else (Regions(),):
            with notes.of(_WITHOUT_REGIONS if regions else _WITHOUT_COMPOSITE):
                made = _composed(prepared, cleaned, target, texts, regions, settings, listener, cancel)
                report, recipe, shown = made
                notes.texts.extend(report.notes)
                composite: dict[str, Any] = {**jsonable(report), "regions": regions.to_json()}
                with notes.of("The cleaned file could not be kept for `preflight redo`"):
                    composite["recipe"] = _kept(recipe, prepared, settings).to_json()
                with notes.of("What became of each text could not be measured"):
                    shown = _compared(shown, recipe, prepared.source, target, settings, cancel)
                return FinishedFile(file=target.absolute(), record={"composite": composite, "texts": _listed(shown)})
    elif request.regions:
        notes.texts.append("The regions to keep were not used: they need the composite, and the `local` extra.")
    api.restore(
        cleaned,
        prepared.fixed,
        target,
        keep_audio=not request.options.remove_audio,
        settings=settings,
        listener=listener,
        cancel=cancel,
    )
    return FinishedFile(file=target.absolute(), record={"texts": _listed(texts)} if texts else {})


def _reported_texts(prepared: Prepared, reports: Sequence[Mapping[str, Any]], notes: Notes) -> tuple[RecordedText, ...]:
    """Return the texts of the removal reports; () where the service sent none."""
    texts: list[RecordedText] = []
    if not reports:
        return ()
    with notes.of("The texts of the removal report could not be listed"):
        from preflight.workflow import recorded_texts

        fixed = prepared.fixed
        starts = [Fraction(segment.start).limit_denominator(10**6) for segment in fixed.segments]
        size = upright(fixed.segments[0].media.video or picture_of(fixed.source))
        texts.extend(recorded_texts.text_places(reports, starts, size))
    return tuple(texts)


def searched_texts(
    found: ScreenTexts,
    prepared: Prepared,
    finished: Path,
    *,
    settings: Settings,
    cancel: Cancel | None,
) -> dict[str, Any]:
    """Return what a record holds of the texts that were searched for, since the service reported none.

    Args:
        found: The texts of the source, or of the part of it that was sent.
        prepared: What was sent.
        finished: The finished file.
        settings: `ffmpeg` names another program than the wheel's.
        cancel: Stops the work when it is set.

    Raises:
        ToolError: A file can't be decoded.
        CancelledError: `cancel` was set.
    """
    from preflight.workflow import recorded_texts

    trim = prepared.fixed.plan.trim
    offset = float(trim[0]) if trim else 0.0
    texts = recorded_texts.compared_texts(
        recorded_texts.screen_texts(found, offset),
        prepared.source,
        finished,
        offset=offset,
        settings=settings,
        cancel=cancel,
    )
    return {"texts": _listed(texts), TEXTS_SEARCHED: True}


def _listed(texts: Sequence[RecordedText]) -> list[dict[str, Any]]:
    return [text.to_json() for text in texts]


def _composed(
    prepared: Prepared,
    cleaned: Sequence[Path],
    target: Path,
    texts: Sequence[RecordedText],
    regions: Regions,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None,
) -> tuple[CompositeReport, Recipe, Sequence[RecordedText]]:
    """Make the composite; return what it did, how it can be made again, and the texts of the video.

    A service that reports no texts has the source searched for them, when the regions name some.
    """
    from preflight.workflow import composition, recorded_texts

    request, fixed = prepared.request, prepared.fixed
    recipe = composition.Recipe.of(fixed, cleaned)
    if regions.names_texts and not texts:
        texts = recorded_texts.searched_texts(prepared.source, settings=settings, listener=listener, cancel=cancel)
    report = composition.compose(
        fixed.source,
        recipe,
        target,
        regions=regions,
        texts=texts,
        keep_audio=not request.options.remove_audio,
        settings=settings,
        listener=listener,
        cancel=cancel,
    )
    return report, recipe, texts


def _compared(
    texts: Sequence[RecordedText],
    recipe: Recipe,
    source: Path,
    finished: Path,
    settings: Settings,
    cancel: Cancel | None,
) -> Sequence[RecordedText]:
    """Return the texts with what became of them, measured where no report says it."""
    from preflight.workflow import recorded_texts

    if all(text.status for text in texts):
        return texts
    offset = float(recipe.starts[0]) if recipe.is_trimmed else 0.0
    return recorded_texts.compared_texts(texts, source, finished, offset=offset, settings=settings, cancel=cancel)


def _kept(recipe: Recipe, prepared: Prepared, settings: Settings) -> Recipe:
    """Keep the cleaned files for `preflight redo`, and return the recipe with their new places."""
    from preflight.workflow import composition

    folder = settings.home.absolute() / "cleaned" / prepared.inspected.group
    return composition.keep_cleaned(recipe, folder, settings.cache_size)
