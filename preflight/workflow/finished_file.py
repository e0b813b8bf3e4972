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
from preflight.workflow.preparation import Prepared

if TYPE_CHECKING:
    from preflight.restore.composite import CompositeReport
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
    if request.composite and can_compose():
        for regions in (request.regions, Regions()) if request.regions else (Regions(),):
            with notes.of(_WITHOUT_REGIONS if regions else _WITHOUT_COMPOSITE):
                made = _composed(prepared, cleaned, target, reports, regions, settings, listener, cancel)
                report, recipe, texts = made
                notes.texts.extend(report.notes)
                composite: dict[str, Any] = {**jsonable(report), "regions": regions.to_json()}
                with notes.of("The cleaned file could not be kept for `preflight redo`"):
                    composite["recipe"] = _kept(recipe, prepared, settings).to_json()
                record = {"composite": composite, "texts": texts}
                return FinishedFile(file=target.absolute(), record=record)
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
    return FinishedFile(file=target.absolute())


def _composed(
    prepared: Prepared,
    cleaned: Sequence[Path],
    target: Path,
    reports: Sequence[Mapping[str, Any]],
    regions: Regions,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None,
) -> tuple[CompositeReport, Recipe, list[dict[str, Any]]]:
    """Make the composite; return what it did, how it can be made again, and the texts of the video."""
    from preflight.workflow import composition, recorded_texts

    request, fixed = prepared.request, prepared.fixed
    recipe = composition.Recipe.of(fixed, cleaned)
    starts = [Fraction(segment.start).limit_denominator(10**6) for segment in fixed.segments]
    texts = recorded_texts.text_places(reports, starts, recipe.size)
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
    return report, recipe, [place.to_json() for place in texts]


def _kept(recipe: Recipe, prepared: Prepared, settings: Settings) -> Recipe:
    """Keep the cleaned files for `preflight redo`, and return the recipe with their new places."""
    from preflight.workflow import composition

    folder = settings.home.absolute() / "cleaned" / prepared.inspected.group
    return composition.keep_cleaned(recipe, folder, settings.cache_size)
