"""Makes the finished file of a video: a composite where that is possible, else the service's picture with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import CancelledError, DiskFullError, PreflightError, UsageError
from preflight.events import Cancel, Listener
from preflight.model.region import Regions
from preflight.serialize import jsonable
from preflight.settings import Settings
from preflight.workflow.outcome import Notes
from preflight.workflow.preparation import Prepared

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
    request, fixed = prepared.request, prepared.fixed
    record: dict[str, Any] = {}
    if request.composite and can_compose():
        try:
            record = _composed(prepared, cleaned, target, reports, request.regions, settings, listener, cancel)
        except UsageError as error:
            # The job is paid for: a box or a number that was mistyped must not keep its result away.
            notes.texts.append(f"The regions were not used: {error} `preflight redo` takes others, free of charge.")
            record = _composed(prepared, cleaned, target, reports, Regions(), settings, listener, cancel)
        except (CancelledError, DiskFullError):
            raise
        except PreflightError as error:
            notes.texts.append(f"The source's own pictures could not be kept: {error}")
        if record:
            notes.texts.extend(record["composite"]["notes"])
            return FinishedFile(file=target.absolute(), record=record)
    elif request.regions:
        notes.texts.append("The regions to keep were not used: they need the composite, and the `local` extra.")
    keep_audio = not request.options.remove_audio
    api.restore(cleaned, fixed, target, keep_audio=keep_audio, settings=settings, listener=listener, cancel=cancel)
    return FinishedFile(file=target.absolute(), record=record)


def _composed(
    prepared: Prepared,
    cleaned: Sequence[Path],
    target: Path,
    reports: Sequence[Mapping[str, Any]],
    regions: Regions,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None,
) -> dict[str, Any]:
    """Make the composite and return what the record holds of it."""
    from preflight.workflow import composition

    request, fixed = prepared.request, prepared.fixed
    recipe = composition.Recipe.of(fixed, cleaned)
    starts = [Fraction(segment.start).limit_denominator(10**6) for segment in fixed.segments]
    texts = composition.text_places(reports, starts, recipe.size)
    if regions.names_texts and not texts:
        texts = composition.searched_texts(prepared.source, settings=settings, listener=listener, cancel=cancel)
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
    folder = settings.home.absolute() / "cleaned" / prepared.inspected.group
    kept = composition.keep_cleaned(recipe, folder, settings.cache_size)
    return {
        "composite": {**jsonable(report), "regions": regions.to_json(), "recipe": kept.to_json()},
        "texts": [place.to_json() for place in texts],
    }
