"""Finds out what a person wants to review: folders, records, results, jobs, or videos before a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import InputError, LedgerError, ToolMissingError, UsageError
from preflight.ledger import Job, Ledger
from preflight.model.job import InpaintingBox
from preflight.model.region import Regions
from preflight.model.text import ScreenText, ScreenTexts, TextRole, TextStatus
from preflight.review import decisions as decided
from preflight.review import record_reader
from preflight.review.decisions import RedoPlan, Region
from preflight.review.desk import RedoOutcome, ReviewDesk
from preflight.review.library import UNFINISHED, Library, decisions_path
from preflight.review.request_draft import RequestDraft
from preflight.review.subject import ReviewText, ReviewVideo
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
        if path.is_dir():
            found.append(path)
        elif path.is_file() and not _has_record(path):
            video = scan(path, settings, on_progress=scanning and scanning(path.name))
            scanned[video.identifier] = video
        else:
            found.append(record_of_place(place, settings))
    folders = [path.absolute() for path in found if path.is_dir()]
    return ReviewDesk(
        library=Library(
            places=tuple(found),
            jobs=lambda: _jobs_of(folders, settings),
            price=settings.price_per_minute or None,
        ),
        folder=settings.home / "review",
        ffmpeg=ffmpeg.find(settings.ffmpeg),
        redo=lambda video, plan, _: _redo(video, plan, settings),
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
    status = TextStatus.UNCERTAIN if not text.certain else TextStatus.KEPT if scene else TextStatus.REMOVED
    left, top, right, bottom = text.box
    return ReviewText(
        number=number,
        words=text.text,
        status=status,
        start=round(float(text.start), 3),
        end=round(float(text.end), 3),
        box=(left / found.width, top / found.height, right / found.width, bottom / found.height),
        severity=record_reader.UNCERTAIN_SEVERITY if status is TextStatus.UNCERTAIN else 0.0,
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


def _redo(video: ReviewVideo, plan: RedoPlan, settings: Settings) -> RedoOutcome:
    from preflight.workflow.recomposition import redo

    assert video.record is not None  # noqa: S101 - only results are redone
    regions = Regions(protect=tuple(region_word(region, video) for region in plan.protect))
    try:
        made = redo(video.record, regions=regions, fill=inpainting_boxes(plan.fill), settings=settings)
    except ToolMissingError as error:
        path = decisions_path(video.record)
        return RedoOutcome(message=f"{error} Then: preflight redo {video.record} --decisions {path}")
    notes = " ".join(made.notes)
    return RedoOutcome(message=f"Made again, free of charge. {notes}".strip(), changed=True)


def plan_of(path: Path, video: ReviewVideo) -> RedoPlan:
    """Return what the decisions in a file have to be made again. Raises UsageError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--decisions: {path} can't be read: {error.strerror}.") from error
    return decided.plan(decided.parse(text), video)


def region_word(region: Region, video: ReviewVideo) -> str:
    """Return a region as `--protect` takes it: its times are those of the source."""
    left, top, right, bottom = region.box
    start, end = (round(time + video.offset, 3) for time in (region.start, region.end))
    return f"{left},{top},{right},{bottom}@{start}-{end}"


def inpainting_boxes(regions: Sequence[Region]) -> list[InpaintingBox]:
    """Return regions as the engine fills them: their times are those of the result."""
    return [
        InpaintingBox(start=r.start, end=r.end, x1=r.box[0], y1=r.box[1], x2=r.box[2], y2=r.box[3]) for r in regions
    ]


def boxes_to_fill(words: Sequence[str], video: ReviewVideo) -> list[InpaintingBox]:
    """Return the boxes of `--fill`. Raises UsageError."""
    from preflight.workflow.recomposition import boxes_of

    return list(boxes_of(words, video.size, Fraction(video.duration)))


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
