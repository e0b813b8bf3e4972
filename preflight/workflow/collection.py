"""The third seam: fetch what the service made, compare it with what was sent, and make the finished file.

Like `prepare`, `collect` knows no ledger and may be repeated, on any machine that reaches the source. `record` then
tells the ledger what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import CancelledError, PreflightError, ServiceError
from preflight.events import Cancel, Listener, ignore
from preflight.ledger import Job, Ledger, State
from preflight.model.job import Result, Succeeded, Task
from preflight.serialize import jsonable
from preflight.settings import Settings, load_settings
from preflight.workflow import beside, finished_file
from preflight.workflow.job_driver import FINAL, delete_object, download, problems_of, result_extension
from preflight.workflow.outcome import Notes, mismatched_result, succeeded_result, unexpected
from preflight.workflow.output_paths import OutputPaths, picture_of
from preflight.workflow.payment import Paid
from preflight.workflow.preparation import Inspected, Prepared, present
from preflight.workflow.result_check import Measures
from preflight.workflow.store_output import discard, publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of fetching one segment's result.

    Attributes:
        file: The result; None when it could not be fetched.
        problems: Sentences that tell how it is not what was sent; () for none.
        error: Why there is no file.
        quality: The engine's report, from the embedded service only.
    """

    file: Path | None = None
    problems: tuple[str, ...] = ()
    error: PreflightError | None = None
    quality: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What came of `collect`. Picklable.

    Attributes:
        paid: What was submitted.
        parts: What came of each segment's result, in order.
        result: The finished video; None when there is none.
        error: Why there is none, unless parts have problems.
    """

    paid: Paid
    parts: tuple[Fetched, ...]
    result: Succeeded | None = None
    error: PreflightError | None = None


def collect(
    paid: Paid,
    results: Sequence[Task | Path] | None = None,
    *,
    target: Path | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Collected:
    """Fetch the results, compare them with what was sent, and make the finished file with all that lies beside it.

    Args:
        paid: What `pay` returned.
        results: For each job its done task, or the file to which it was fetched before. Default: the service is asked,
            and waited for until the deadline. A task whose URL came through a pickle, which holds no query string, is
            asked for again.
        target: The finished file; it is replaced when it exists. Default: a free name in the request's folder.
        settings: Account, deadline, ffmpeg, state folder. Default: environment and `preflight.toml`.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        The finished video; or what was fetched, and the error or the problems for which nothing was finished. What was
        fetched is paid for, so an error of it is a value that `record` tells the ledger, and not an exception.
    """
    settings = settings or load_settings()
    inspected = present(paid.prepared.inspected, settings, listener=listener, cancel=cancel)
    paid = replace(paid, prepared=_with_source(paid.prepared, inspected))
    outputs = inspected.outputs(settings.home)
    if inspected.destination is not None and target is not None:
        target = outputs.folder / target.name
    parts = fetch(paid.jobs, results, outputs.work, settings=settings, listener=listener, cancel=cancel)
    collected = Collected(paid=paid, parts=parts, error=next((part.error for part in parts if part.error), None))
    if collected.error is not None:
        return collected
    try:
        if bad := _compared(parts, paid, outputs):
            return replace(collected, parts=_published_parts(bad, inspected, settings))
        result = _finish(collected, outputs, target, settings, listener, cancel)
        if inspected.destination is not None:
            file = publish(result.file, inspected.destination, inspected.group, settings=settings)
            discard(outputs.folder)
            result = replace(result, file=file)
        return replace(collected, result=result)
    except PreflightError as error:
        return replace(collected, error=error)
    except Exception as error:  # noqa: BLE001 - the ledger has to learn what is fetched, whatever happens
        return replace(collected, error=unexpected(error))


def _with_source(prepared: Prepared, inspected: Inspected) -> Prepared:
    """Return what was prepared with the source as it is on this machine."""
    media = inspected.report.media
    if inspected is prepared.inspected or media is None:
        return prepared
    fixed = replace(prepared.fixed, source=media, plan=inspected.plan)
    return replace(prepared, inspected=inspected, fixed=fixed)


def _published_parts(parts: Sequence[Fetched], inspected: Inspected, settings: Settings) -> tuple[Fetched, ...]:
    """Return parts with problems, their files where the results go."""
    folder = inspected.destination
    if folder is None:
        return tuple(parts)
    return tuple(
        replace(part, file=publish(part.file, folder, inspected.group, settings=settings))
        if part.problems and part.file is not None
        else part
        for part in parts
    )


def fetch(
    jobs: Sequence[Job],
    results: Sequence[Task | Path] | None,
    work: Path,
    *,
    settings: Settings,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> tuple[Fetched, ...]:
    """Fetch the results of accepted jobs into the folder `work`; the arguments are those of `collect`.

    One segment's trouble does not keep the others, which are paid for, from being fetched.
    """
    parts: list[Fetched] = []
    stopped: CancelledError | None = None
    known: Sequence[Task | Path | None] = results if results is not None else [None] * len(jobs)
    for job, result in zip(jobs, known, strict=True):
        try:
            if isinstance(result, Path):
                parts.append(Fetched(file=result))
            elif stopped is not None:
                parts.append(Fetched(error=stopped))
            else:
                parts.append(_fetch(job, result, work, settings, listener, cancel))
        except CancelledError as error:
            stopped = error
            parts.append(Fetched(error=error))
        except PreflightError as error:
            parts.append(Fetched(error=error))
    return tuple(parts)


def _fetch(
    job: Job, task: Task | None, work: Path, settings: Settings, listener: Listener, cancel: Cancel | None
) -> Fetched:
    """Fetch one result. A URL that is missing is asked for, and one that has expired is replaced, once."""
    from preflight.removal.download import EXPIRED

    is_fresh = task is None or task.video_url is None or not task.video_url.is_whole
    if task is None or is_fresh:
        task = _ask(job, settings, listener, cancel)
    while True:
        wanted = work / f"{job.id}{result_extension(task)}"
        try:
            file = download(task, wanted, settings=settings, listener=listener, cancel=cancel)
        except ServiceError as error:
            if error.code not in EXPIRED or is_fresh:
                raise
            task, is_fresh = _ask(job, settings, listener, cancel), True
        else:
            return Fetched(file=file, quality=task.quality)


def _ask(job: Job, settings: Settings, listener: Listener, cancel: Cancel | None) -> Task:
    from preflight.removal import RemovalClient

    assert job.task_id is not None  # noqa: S101 - an accepted job has one
    with RemovalClient(settings) as client:
        return client.wait(job.task_id, listener=listener, cancel=cancel)


def _compared(parts: Sequence[Fetched], paid: Paid, outputs: OutputPaths) -> tuple[Fetched, ...]:
    """Return the parts with their problems, a bad one kept in the output folder; () when all are what was sent."""
    compared, is_bad = [], False
    for part, job, segment in zip(parts, paid.jobs, paid.prepared.fixed.segments, strict=True):
        assert part.file is not None  # noqa: S101 - one without a file has an error
        problems = problems_of(part.file, job.sent or Measures.of(segment.media).to_json())
        file = outputs.keep_fetched(replace(job, file=part.file)) if problems else part.file
        compared.append(replace(part, file=file, problems=problems))
        is_bad = is_bad or bool(problems)
    return tuple(compared) if is_bad else ()


def _length(prepared: Prepared) -> float | None:
    """Return the seconds that the finished video is expected to last; None when the source does not say."""
    plan, length = prepared.inspected.plan, prepared.fixed.source.duration
    if plan.trim is not None:
        return float(plan.trim[1] - plan.trim[0])
    return None if length is None else float(length)


def _finish(
    collected: Collected,
    outputs: OutputPaths,
    target: Path | None,
    settings: Settings,
    listener: Listener,
    cancel: Cancel | None,
) -> Succeeded:
    """Make the finished file; what can't be made beside it becomes a note."""
    paid, prepared = collected.paid, collected.paid.prepared
    files = [part.file for part in collected.parts if part.file is not None]
    target = target or outputs.target(paid.jobs, api.container(files, prepared.fixed))
    notes = Notes()
    reports = [part.quality for part in collected.parts if part.quality]
    composed = finished_file.make(
        prepared, files, target, reports, settings=settings, listener=listener, cancel=cancel, notes=notes
    )
    finished = composed.file
    made = beside.make(
        beside.Finished(
            source=prepared.source,
            file=finished,
            fixed=prepared.fixed,
            request=prepared.request,
            settings=settings,
            listener=listener,
            cancel=cancel,
        ),
        notes,
    )
    searched: dict[str, Any] = {}
    if made.texts is not None and not composed.record.get("texts"):
        with notes.of("What became of each text could not be measured"):
            searched = finished_file.searched_texts(made.texts, prepared, finished, settings=settings, cancel=cancel)
    with notes.of("The before/after picture could not be made"):
        offset = prepared.inspected.plan.trim[0] if prepared.inspected.plan.trim else 0
        api.picture(
            prepared.source,
            finished,
            picture_of(finished),
            reports=reports,
            starts=[float(start - offset) for start in (offset, *prepared.inspected.plan.cuts)],
            offset=float(offset),
            seconds=_length(prepared),
            settings=settings,
        )
    quality = {"segments": reports} if len(reports) > 1 else next(iter(reports), None)
    result = succeeded_result(
        prepared.source, finished, paid.jobs, submitted=paid.submitted, quality=quality, notes=tuple(notes.texts)
    )
    if made.report is not None:
        result = replace(result, verdict=made.report.verdict.value, reasons=made.report.reasons)
    inspected = prepared.inspected
    with notes.of("The JSON record could not be written"):
        content = {
            "source": str(prepared.source.absolute()),
            "request": prepared.request.to_json(),
            "result": jsonable(result),
            "report": jsonable(inspected.report),
            "plan": jsonable(inspected.plan),
            "sent_quality": jsonable(prepared.fixed.quality),
            **composed.record,
            **searched,
            **made.to_record(),
        }
        outputs.write_record(finished, content)
    with notes.of("The working files could not be removed"):
        outputs.settle_work(keep=settings.cache_size if settings.keep_fixed else 0)
    return replace(result, notes=tuple(notes.texts))


def record(collected: Collected, *, settings: Settings | None = None, ledger: Ledger | None = None) -> Result:
    """Tell the ledger what came of `collect`, each job under its lease, and return the video's result.

    Args:
        collected: What `collect` returned.
        settings: Store and state folder. Default: environment and `preflight.toml`.
        ledger: Where the jobs are recorded. Default: the one in the state folder.

    Raises:
        PreflightError: What kept the video from being finished; see `Collected.error`.
        LedgerError: The ledger can't be used.
    """
    settings = settings or load_settings()
    with ExitStack() as stack:
        held = ledger if ledger is not None else stack.enter_context(Ledger(settings.ledger))
        jobs = [stack.enter_context(held.lease(job.id, wait=settings.deadline)) for job in collected.paid.jobs]
        return record_leased(held, jobs, collected, settings)


def record_leased(ledger: Ledger, jobs: Sequence[Job], collected: Collected, settings: Settings) -> Result:
    """Do what `record` does for jobs whose leases are held."""
    ended = record_fetched(ledger, jobs, collected.parts, settings, collected.result)
    bad = [job for job in ended if job.state is State.MISMATCHED]
    if bad:
        return mismatched_result(collected.paid.prepared.source, bad)
    if collected.result is None:
        assert collected.error is not None  # noqa: S101 - there is one of the three
        raise collected.error
    return collected.result


def record_fetched(
    ledger: Ledger,
    jobs: Sequence[Job],
    parts: Sequence[Fetched],
    settings: Settings,
    result: Succeeded | None = None,
) -> list[Job]:
    """Record for leased jobs what was fetched, and the finished file of `result`; delete uploads that served."""
    ended = [_record_part(ledger, job, part, result) for job, part in zip(jobs, parts, strict=True)]
    for job in ended:
        if job.state is State.FETCHED:
            delete_object(ledger, job, settings)
    return ended


def _record_part(ledger: Ledger, job: Job, part: Fetched, result: Succeeded | None) -> Job:
    if part.file is None:
        if isinstance(part.error, FINAL):
            message = part.error.message
            return ledger.advance(job.id, State.FAILED, cause=message, code=part.error.code, message=message)
        return job
    if job.state in {State.SUBMITTED, State.RUNNING}:
        job = ledger.advance(job.id, State.DONE, cause="the service is done")
    if result is not None:
        return ledger.advance(job.id, State.FETCHED, cause="restored", file=result.file, target=result.file)
    if job.state is not State.FETCHED or job.file != part.file:
        job = ledger.advance(job.id, State.FETCHED, cause="fetched", file=part.file)
    if part.problems:
        cause = "the result differs from what was sent"
        return ledger.advance(job.id, State.MISMATCHED, cause=cause, file=part.file, message=" ".join(part.problems))
    return job
