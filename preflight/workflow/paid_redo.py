"""A result made again by a new job of the service, and what that job costs. The earlier result stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import InputError, UsageError
from preflight.events import Cancel, Listener, ignore
from preflight.ledger import Ledger
from preflight.model.job import InpaintingBox, Result
from preflight.model.region import Regions
from preflight.settings import Settings, load_settings
from preflight.workflow.output_paths import located, named_files, read_json_record
from preflight.workflow.request import RunRequest
from preflight.workflow.run import VideoRun


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPrice:
    """What new jobs for a video cost. `amount` is None when no price of a minute is set."""

    jobs: int
    minutes: float
    amount: float | None
    is_local: bool
    """True when a service on this machine does them, which costs nothing."""

    def __str__(self) -> str:
        what = f"{self.jobs} new job{'s' if self.jobs != 1 else ''}, {self.minutes:.2f} minutes of video"
        if self.is_local:
            return f"{what}, by the service on this machine: nothing is paid"
        if self.amount is None:
            return f"{what}; what a minute costs is not set (price_per_minute)"
        return f"{what}, about {self.amount:.2f}"


def price_of(record: Path | str, *, settings: Settings | None = None) -> JobPrice:
    """Return what it costs to have the service make a result again. Raises InputError."""
    settings = settings or load_settings()
    content = read_json_record(Path(record))
    plan = content.get("plan") or {}
    media = (content.get("report") or {}).get("subject") or plan.get("source") or {}
    trim = plan.get("trim")
    seconds = float(trim[1]) - float(trim[0]) if trim else float(media.get("duration") or 0)
    return job_price(seconds, len(plan.get("cuts") or ()) + 1, settings)


def job_price(seconds: float, jobs: int, settings: Settings) -> JobPrice:
    """Return what `jobs` new jobs for this length of video cost."""
    price = settings.price_per_minute
    return JobPrice(
        jobs=jobs,
        minutes=seconds / 60,
        amount=seconds / 60 * price if price else None,
        is_local=settings.uses_local_service,
    )


def redo_by_service(
    record: Path | str,
    *,
    fill: Sequence[InpaintingBox],
    regions: Regions | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Result:
    """Have the service remove the text of a video again, with boxes to fill. This is paid for; nothing is asked.

    Args:
        record: The JSON record beside a finished file.
        fill: Boxes that the service fills whatever they show, with times in seconds of the finished file.
        regions: Where the source stays. Default: the regions of the first run.
        settings: Account, store and limits. Default: environment and `preflight.toml`.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        The result, a file of its own beside the earlier one.

    Raises:
        InputError: The record can't be read, or the source is gone.
        UsageError: There is no box, so that the service would do what it has done; or the video was sent in parts.
        CancelledError: `cancel` was set.
    """
    settings, path = settings or load_settings(), Path(record)
    if not fill:
        raise UsageError("A new job would do the same again: no text is rejected, and no box is to be filled.")
    content = read_json_record(path)
    if (content.get("plan") or {}).get("cuts"):
        raise UsageError(
            "The video was sent in parts, and a job takes no box that is for one part.",
            hint="`preflight redo` without --by-service fills it on this machine, free of charge.",
        )
    _, name = named_files(content, path)
    source = located(name, path)
    if source is None:
        raise InputError(f"{name}, which {path} names, is gone.", hint="Put it back, or beside the record.")
    before = _request(content, settings)
    options = replace(before.options, inpainting_boxes=(*before.options.inpainting_boxes, *fill))
    request = replace(
        before,
        output=path.parent.absolute(),
        options=options,
        name=source.stem,
        regions=before.regions if regions is None else regions,
    )
    api.require_service(settings)
    return VideoRun(request=request, settings=settings, listener=listener, cancel=cancel).process(source)


def _request(content: dict[str, Any], settings: Settings) -> RunRequest:
    """Return what was asked for when the result was made: by its record, or by the ledger for an older record."""
    if content.get("request"):
        return RunRequest.from_json(content["request"])
    ids = set(content["result"].get("task_ids") or ())
    if ids and settings.ledger.exists():
        with Ledger(settings.ledger) as ledger:
            job = next((job for job in ledger.iterate() if job.task_id in ids), None)
        if job is not None:
            return RunRequest.from_json(job.request)
    raise InputError(
        "The record does not say which options its job had.",
        hint="Run the video again with `preflight run` and the boxes to fill (--box).",
    )
