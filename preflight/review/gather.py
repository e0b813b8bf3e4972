"""Finds out what a person wants to review: folders, records, results, jobs, or videos before a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import InputError, LedgerError, UsageError
from preflight.ledger import Job, Ledger
from preflight.model.report import Report
from preflight.review import record_reader
from preflight.review.decisions import RedoPlan
from preflight.review.desk import RedoOutcome, ReviewDesk
from preflight.review.library import UNFINISHED, Library, decisions_path
from preflight.review.request_draft import RequestDraft
from preflight.review.subject import ReviewText, ReviewVideo, Status
from preflight.serialize import jsonable
from preflight.settings import Settings
from preflight.tools import ffmpeg
from preflight.tools.output_names import OutputNames
from preflight.workflow.output_paths import is_result, record_of

SAMPLES = 12
"""Frames that are searched for text before a run."""


def desk(places: Sequence[str], settings: Settings) -> ReviewDesk:
    """Return what answers the pages about `places`.

    Args:
        places: Folders, records, cleaned files, ids of jobs, and videos that were not cleaned yet.
        settings: Price, ffmpeg, ledger and folder for what is kept.

    Raises:
        UsageError: A place is neither a path nor a job.
        InputError: A video can't be read.
    """
    found = list[Path]()
    scanned: dict[str, ReviewVideo] = {}
    for place in places:
        path = Path(place)
        if path.is_dir() or path.name.endswith(".json"):
            found.append(path)
        elif path.is_file() and is_result(path):
            found.append(record_of(path))
        elif path.is_file():
            video = scan(path, settings)
            scanned[video.identifier] = video
        else:
            found.append(_record_of_job(place, settings))
    folders = [path.absolute() for path in found if path.is_dir()]
    return ReviewDesk(
        library=Library(
            places=tuple(found),
            jobs=lambda: _jobs_of(folders, settings),
            price=settings.price_per_minute or None,
        ),
        folder=settings.home / "review",
        ffmpeg=ffmpeg.find(settings.ffmpeg),
        redo=_redo,
        save_request=save_request,
        scanned=scanned,
        price=lambda video: price_of(video, settings.price_per_minute),
    )


def price_of(video: ReviewVideo, per_minute: float) -> str:
    """Return what a run of a video costs, in words; empty when no price is set."""
    return f"A run costs about {video.duration / 60 * per_minute:.2f}." if per_minute else ""


def scan(path: Path, settings: Settings) -> ReviewVideo:
    """Return a video with the text that a few of its frames show. Raises InputError."""
    report = api.check(path, limits=settings.limits)
    if not isinstance(report, Report) or report.media is None:
        raise InputError(f"{path} can't be reviewed: it is not a video.", hint=f"`preflight check {path}` says why.")
    media = jsonable(report.media)
    return ReviewVideo(
        identifier=record_reader.identifier(path),
        name=path.name,
        source=path.absolute(),
        cleaned=None,
        record=None,
        size=record_reader.display_size(media),
        rate=float(record_reader.frame_rate(media)),
        duration=float(report.media.duration or 0),
        texts=_found_texts(path, settings),
    )


def _found_texts(path: Path, settings: Settings) -> tuple[ReviewText, ...]:
    from preflight import engine

    seen = engine.preview_text(path, ffmpeg=ffmpeg.find(settings.ffmpeg), samples=SAMPLES)
    return tuple(
        ReviewText(
            number=number,
            words=spot.text,
            status=Status.REMOVED,
            start=spot.time,
            end=spot.time + 1,
            box=(spot.x1, spot.y1, spot.x2, spot.y2),
        )
        for number, spot in enumerate(seen.spots, 1)
    )


def save_request(video: ReviewVideo, draft: RequestDraft) -> str:
    """Write what is to be removed beside the source, and return the command that runs it. Raises UsageError."""
    assert video.source is not None  # noqa: S101 - a scanned video has one
    names = OutputNames([video.source])
    path = names.derived(video.source.with_name(f"{video.source.stem}.request.json"))
    path.write_text(json.dumps(request_json(video, draft), indent=2) + "\n", encoding="utf-8")
    return f"preflight run --request {path}"


def request_json(video: ReviewVideo, draft: RequestDraft) -> dict[str, Any]:
    """Return the JSON that `preflight run --request` reads."""
    return {"schema": 1, "source": str(video.source), **jsonable(draft)}


def _redo(video: ReviewVideo, _: RedoPlan, pay: bool) -> RedoOutcome:
    assert video.record is not None  # noqa: S101 - only results are redone
    del pay
    return RedoOutcome(message=f"Next: preflight redo {video.record} --decisions {decisions_path(video.record)}")


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
