"""Finds out what a person wants to review: folders, records, results, jobs, or videos before a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from preflight.errors import LedgerError, UsageError
from preflight.ledger import Job, Ledger
from preflight.review.desk import ReviewDesk
from preflight.review.library import UNFINISHED, Library
from preflight.review.review_actions import ReviewActions
from preflight.settings import Settings
from preflight.workflow.output_paths import clean_record_of, is_result, record_of


def desk(places: Sequence[str], settings: Settings) -> ReviewDesk:
    """Return what answers the pages about `places`.

    Args:
        places: Folders, records, cleaned files, ids of jobs, and videos that were not cleaned yet.
        settings: Price, ffmpeg, ledger, service, and folder for what is kept.

    Raises:
        UsageError: A place is neither a path nor a job.
        ToolMissingError: There is no ffmpeg.
    """
    found = list[Path]()
    for place in places:
        path = Path(place)
        is_source = path.is_file() and not _has_record(path)
        found.append(path if path.is_dir() or is_source else record_of_place(place, settings))
    folders = [path.absolute() for path in found if path.is_dir()]
    actions = ReviewActions(settings)
    return ReviewDesk(
        library=Library(
            places=tuple(found),
            jobs=lambda: _jobs_of(folders, settings),
            price=settings.price_per_minute or None,
        ),
        folder=settings.home / "review",
        ffmpeg=actions.ffmpeg,
        actions=actions,
    )


def record_of_place(place: str, settings: Settings) -> Path:
    """Return the record of a record's path, a finished file or a job. Raises UsageError."""
    path = Path(place)
    if path.name.endswith(".json"):
        return path
    if path.is_file() and is_result(path):
        return record_of(path)
    if path.is_file() and clean_record_of(path).is_file():
        return clean_record_of(path)
    return _record_of_job(place, settings)


def _has_record(path: Path) -> bool:
    return path.name.endswith(".json") or is_result(path) or clean_record_of(path).is_file()


def _record_of_job(name: str, settings: Settings) -> Path:
    hint = "Give a folder, a record (.cleaned.json), a video, or a job of `preflight jobs`."
    if not settings.ledger.exists():
        raise UsageError(f"{name} is neither a file nor a folder.", hint=hint)
    try:
        with Ledger(settings.ledger) as ledger:
            job = ledger.get(name)
    except (LedgerError, UsageError) as error:
        raise UsageError(f"{name} is neither a file, a folder nor a job.", hint=hint) from error
    if job.file is None or not record_of(job.file).is_file():
        raise UsageError(f"Job {job.id} is {job.state}: it has no result yet.", hint=f"`preflight resume {job.id}`")
    return record_of(job.file)


def _jobs_of(folders: Sequence[Path], settings: Settings) -> Iterable[Job]:
    """Return the jobs without a result whose output goes to one of the folders, or below it."""
    if not folders or not settings.ledger.exists():
        return ()
    with Ledger(settings.ledger) as ledger:
        jobs = ledger.jobs(states=UNFINISHED)
    return tuple(job for job in jobs if _is_inside(job, folders))


def _is_inside(job: Job, folders: Sequence[Path]) -> bool:
    try:
        output = Path(json.loads(job.request).get("output", "")).absolute()
    except (ValueError, AttributeError, TypeError):
        return False
    return any(output == folder or folder in output.parents for folder in folders)
