"""Finds out what a person wants to review: folders, records, results, jobs, or videos before a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import InputError, LedgerError, UsageError
from preflight.ledger import Job, Ledger
from preflight.model.text import ScreenText, ScreenTexts, TextRole
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
from preflight.workflow.output_paths import clean_record_of, is_result, record_of


def desk(
    places: Sequence[str], settings: Settings, *, scanning: Callable[[str], Callable[[float], None]] | None = None
) -> ReviewDesk:
    """Return what answers the pages about `places`.

    Args:
        places: Folders, records, cleaned files, ids of jobs, and videos that were not cleaned yet.
        settings: Price, ffmpeg, ledger and folder for what is kept.
        scanning: Gives what is called with the share of the scan of a video with a name.

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
        elif path.is_file() and clean_record_of(path).is_file():
            found.append(clean_record_of(path))
        elif path.is_file():
            video = scan(path, settings, on_progress=scanning and scanning(path.name))
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


def scan(path: Path, settings: Settings, *, on_progress: Callable[[float], None] | None = None) -> ReviewVideo:
    """Return a video with all its text, and what a run would do with each. Raises InputError, ToolMissingError."""
    from preflight import engine

    report = api.check(path, limits=settings.limits)
    if report.media is None:
        raise InputError(f"{path} can't be reviewed: it is not a video.", hint=f"`preflight check {path}` says why.")
    found = engine.find_texts(path, ffmpeg=ffmpeg.find(settings.ffmpeg), on_progress=on_progress)
    return ReviewVideo(
        identifier=record_reader.identifier(path),
        name=path.name,
        source=path.absolute(),
        cleaned=None,
        record=None,
        size=(found.width, found.height),
        rate=found.frame_rate,
        duration=float(report.media.duration or found.frames / found.frame_rate),
        texts=tuple(_review_text(number, text, found) for number, text in enumerate(found.texts, 1)),
    )


def _review_text(number: int, text: ScreenText, found: ScreenTexts) -> ReviewText:
    scene = text.role is TextRole.SIGN
    status = Status.UNCERTAIN if not text.certain else Status.KEPT if scene else Status.REMOVED
    left, top, right, bottom = text.box
    return ReviewText(
        number=number,
        words=text.text,
        status=status,
        start=round(float(text.start), 3),
        end=round(float(text.end), 3),
        box=(left / found.width, top / found.height, right / found.width, bottom / found.height),
        severity=record_reader.UNCERTAIN_SEVERITY if status is Status.UNCERTAIN else 0.0,
        note=str(text.role),
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
