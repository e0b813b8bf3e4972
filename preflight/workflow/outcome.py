"""What becomes of one video, as a value: results of its jobs, errors that end it, notes that don't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preflight.errors import CancelledError, DeadlineError, ExitCode, PreflightError, SubmitUnknownError
from preflight.ledger import Job
from preflight.model.job import Failed, Mismatched, Pending, Result, Succeeded, Unknown
from preflight.workflow.steps import Steps


def outcome_of(source: Path, steps: Steps[Result]) -> Steps[Result]:
    """Return the result of `steps`; whatever goes wrong with this video is its result, not an exception.

    Only being stopped passes through.
    """
    try:
        return (yield from steps)
    except Exception as error:  # noqa: BLE001 - a defect met by one video must not end the batch
        return result_of(source, error)


def result_of(source: Path, error: Exception) -> Result:
    """Return the result of a video that ended with `error`. Raises the error when it means being stopped."""
    if isinstance(error, SubmitUnknownError):
        return Unknown(source=source, job_id=error.job_id or "")
    if isinstance(error, DeadlineError):
        return Pending(source=source, task_ids=(error.task_id,) if error.task_id else ())
    if not isinstance(error, PreflightError):
        return Failed(source=source, error=unexpected(error))
    if error.exit_code == ExitCode.INTERRUPTED:
        raise error
    return Failed(source=source, error=error)


def unexpected(error: Exception) -> PreflightError:
    """Return the error for an exception that nobody foresaw, without what may be a credential in its text."""
    from preflight.removal.wire import clean

    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return PreflightError(
            f"{clean(where + error.strerror)}.", hint="Check the disk and the permissions.", retryable=True
        )
    return PreflightError(
        f"Unexpected {type(error).__name__}: {clean(error)}",
        hint="Please report it. `preflight resume` continues; nothing is paid for twice.",
    )


class Notes:
    """Collects what could not be done and is no reason to fail a paid job."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Turn an exception of the block into a note that begins with `what`; being stopped passes through."""
        try:
            yield
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - nothing cosmetic fails a paid job
            reason = error.message if isinstance(error, PreflightError) else unexpected(error).message
            self.texts.append(f"{what}: {reason}")


def succeeded_result(
    source: Path,
    file: Path,
    jobs: Sequence[Job],
    *,
    submitted: int = 0,
    quality: Any = None,
    notes: tuple[str, ...] = (),
) -> Succeeded:
    """Return the result of jobs of one video whose finished file is `file`."""
    task_ids = tuple(job.task_id for job in jobs if job.task_id)
    return Succeeded(source=source, file=file, task_ids=task_ids, submitted=submitted, quality=quality, notes=notes)


def mismatched_result(source: Path, jobs: Sequence[Job]) -> Mismatched:
    """Return what is reported of mismatched jobs of one video; `file` is the first one's."""
    assert jobs[0].file is not None  # noqa: S101 - a mismatched job has one
    return Mismatched(
        source=source,
        file=jobs[0].file,
        task_ids=tuple(job.task_id for job in jobs if job.task_id),
        problems=tuple(job.message for job in jobs if job.message),
        job_id=jobs[0].id,
    )
