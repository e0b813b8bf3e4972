"""What became of videos, told as it is known: a line or a JSON object each, an entry of the report, an exit code."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from preflight.cli import console
from preflight.cli.batch_report import BatchReport, Entry
from preflight.errors import ExitCode, PreflightError
from preflight.model.job import Failed, Mismatched, Pending, Rejected, Result, Skipped, Succeeded, Unknown
from preflight.rules.wording import shell_word
from preflight.serialize import jsonable
from preflight.workflow.output_paths import picture_of, record_of


def tell_all(
    results: Iterable[Result],
    board: console.Board,
    report: BatchReport,
    *,
    as_json: bool,
    seconds: Callable[[Path], float | None] = lambda _: None,
    ended: Callable[[Result], None] = lambda _: None,
    strict: bool = False,
) -> int:
    """Tell what became of each video as soon as it is known, finish the report, and return the exit code of all.

    `seconds` gives the length of a source where it is known; `ended` is called after each result. With
    `strict` a result that is poor counts as failed.
    """
    codes: set[ExitCode] = set()
    try:
        for result in results:
            board.end(result.source)
            code = ExitCode.SOME_FAILED if strict and verdict_of(result) == POOR else exit_code(result)
            codes.add(code)
            report.add(replace(entry_of(result, seconds(result.source)), exit_code=int(code)))
            if as_json:
                console.emit("result", outcome=outcome_of(result), **jsonable(result))
            else:
                _tell(result)
            ended(result)
    finally:
        # Also after Ctrl-C: the report has what was done until then.
        board.clear()
        report.finish(as_json=as_json)
    return overall(codes)


def outcome_of(result: Result) -> str:
    """Return the one word for a result."""
    return type(result).__name__.lower()


def entry_of(result: Result, seconds: float | None) -> Entry:
    """Return the report's entry for a result."""
    detail, file, jobs = "", None, 0
    task_ids: tuple[str, ...] = ()
    match result:
        case Succeeded():
            judged = () if result.verdict is None else (f"{result.verdict}.".capitalize(), *result.reasons)
            detail, file, jobs, task_ids = (
                " ".join((*judged, *result.notes)),
                result.file,
                result.submitted,
                result.task_ids,
            )
        case Mismatched():
            detail, file, task_ids = "; ".join(result.problems), result.file, result.task_ids
        case Rejected():
            detail = result.reason
        case Failed():
            detail = str(result.error)
        case Pending():
            task_ids = result.task_ids
        case Unknown():
            detail = f"job {result.job_id}"
        case Skipped():
            detail = "no text was seen on its frames"
    return Entry(
        source=result.source,
        outcome=outcome_of(result),
        seconds=seconds,
        jobs=jobs,
        file=file,
        task_ids=task_ids,
        detail=detail,
        exit_code=int(exit_code(result)),
    )


POOR = "poor"
"""The verdict that `--accept strict` refuses."""


def verdict_of(result: Result) -> str | None:
    """Return the verdict on a result; that of a known one is in its record. None where it was not verified."""
    if not isinstance(result, Succeeded):
        return None
    if result.verdict is not None:
        return result.verdict
    try:
        record = json.loads(record_of(result.file).read_text("utf-8"))
        verdict = record["acceptance"]["verdict"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(verdict)


def run_command(command: str, result: Result) -> None:
    """Run the command of `--on-done`, in which `{source}`, `{file}` and `{outcome}` stand for those of the result.

    No shell is involved: a name is one argument, whatever characters it has. A command that fails is told, no more.
    """
    from preflight.tools import process

    values = {
        "{source}": str(result.source),
        "{file}": str(getattr(result, "file", "")),
        "{outcome}": outcome_of(result),
    }
    argv = shlex.split(command)
    for name, value in values.items():
        argv = [word.replace(name, value) for word in argv]
    try:
        status = process.run(argv).status
    except PreflightError as error:
        console.say(f"--on-done: {console.printable(error)}")
    else:
        if status:
            console.say(f"--on-done: {console.printable(argv[0])} ended with {status}.")


def exit_code(result: Result) -> ExitCode:
    """Return what one result means for a script."""
    match result:
        case Succeeded() | Skipped():
            return ExitCode.OK
        case Rejected():
            return ExitCode.INPUT
        case Failed(error=error):
            return error.exit_code
        case Mismatched():
            return ExitCode.SOME_FAILED
        case Pending():
            return ExitCode.PENDING
        case Unknown():
            return ExitCode.UNKNOWN


def overall(codes: Collection[ExitCode]) -> int:
    """Return the exit code of many: the one they share, else "some failed"."""
    different = set(codes)
    return int(different.pop() if len(different) == 1 else ExitCode.SOME_FAILED if different else ExitCode.OK)


def _tell(result: Result) -> None:
    name = console.printable(result.source)
    match result:
        case Succeeded():
            _tell_success(name, result)
        case Skipped():
            console.say(f"{name}: skipped: no text was seen on its frames.")
        case Rejected(reason=reason):
            console.say(f"{name}: refused: {console.printable(reason)}", always=True)
        case Failed(error=error):
            console.say(f"{name}: {console.printable(error)}", always=True)
        case Mismatched(file=file, problems=problems, job_id=job):
            console.say(
                f"{name}: the service's result {console.printable(file)} differs from what was sent: "
                f"{console.printable('; '.join(problems))}. It is kept and not paid for again; "
                f"`preflight jobs resolve {job} --resubmit` submits the video once more."
            )
        case Pending(task_ids=ids):
            console.say(f"{name}: still pending (task {', '.join(ids)}); `preflight resume` goes on.")
        case Unknown(job_id=job):
            console.say(
                f"{name}: job {job} was sent and not answered. It may be paid for, so it is not sent again. "
                f"Settle it with `preflight jobs resolve {job} --resubmit | --task TASKID | --drop`."
            )


def _tell_success(name: str, result: Succeeded) -> None:
    console.out(f"{name}: cleaned file {console.printable(result.file)}")
    for what, path in (("before/after picture", picture_of(result.file)), ("JSON record", record_of(result.file))):
        if path.exists():
            console.out(f"{name}: {what} {console.printable(path)}")
    if result.verdict is not None:
        console.say(f"{name}: verdict: {result.verdict}")
        for reason in result.reasons:
            console.say(f"{name}:   {console.printable(reason)}")
    for note in result.notes:
        console.say(f"{name}: {console.printable(note)}")
    if record_of(result.file).exists():
        record = shell_word(str(record_of(result.file)))
        console.say(f"{name}: see before and after with `preflight review {record}`.")
    if not result.submitted:
        console.say(f"{name}: the result was known; no job was submitted.")
