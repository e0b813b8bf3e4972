"""What the ledger costs with 10, 10,000 and 1,000,000 jobs in it: every figure should be the same in each column.

Usage: python -m benchmarks.ledger [count ...]
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from preflight.ledger import Ledger, State, identify
from preflight.settings import Settings
from preflight.workflow.batch import resume

REPEATS = 7
"""Times that each operation is measured; the median counts."""

ACCOUNT = "key@api.example.com"


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """Yield the rows of `count` finished jobs, one a second."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        digest = f"{number:064x}"
        job_id, _ = identify(digest, "{}", ACCOUNT)
        at = (start + timedelta(seconds=number)).isoformat()
        file = f"/out/{number}.cleaned.mp4".encode()
        yield (
            job_id, job_id, digest, "{}", ACCOUNT, f"/in/{number}.mp4".encode(), 1, 1, "fetched", 1, f"task-{number}",
            f"preflight/{digest}.mp4", "https://h/r.mp4", file, file, "{}", at, at, 0,
        )  # fmt: skip


def fill(path: Path, count: int) -> None:
    """Make a ledger with `count` finished jobs and their histories."""
    with Ledger(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.executemany(
        "INSERT INTO jobs (id, grp, digest, parameters, account, source, segment, segments, state, attempt, task_id, "
        "key, url, file, target, request, created, updated, open) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows(count),
    )
    connection.execute(
        "INSERT INTO transitions (job, at, origin, state, cause, attempt, task_id) "
        "SELECT id, updated, 'running', 'fetched', 'restored', 1, task_id FROM jobs"
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def whole_job(ledger: Ledger, number: int) -> None:
    """Make the moves that one video makes."""
    job = ledger.claim(f"{time.time_ns()}{number}", "{}", ACCOUNT, source=Path(f"/in/new-{number}.mp4"), request="{}")
    with ledger.lease(job.id):
        for state in (State.FIXED, State.UPLOADING):
            ledger.advance(job.id, state, cause="bench")
        ledger.advance(job.id, State.UPLOADED, cause="bench", key=f"preflight/new-{number}.mp4")
        ledger.advance(job.id, State.SUBMITTING, cause="bench")
        ledger.advance(job.id, State.SUBMITTED, cause="bench", task_id=f"new-{job.id}")
        for state in (State.RUNNING, State.DONE):
            ledger.advance(job.id, state, cause="bench")
        file = Path(f"/out/new-{job.id}.mp4")
        ledger.advance(job.id, State.FETCHED, cause="bench", file=Path("/videos/x"))
        ledger.is_object_needed(f"preflight/new-{number}.mp4")
        ledger.advance(job.id, State.FETCHED, cause="bench", target=file)
        ledger.is_contested(file, job.group)
        ledger.advance(job.id, State.FETCHED, cause="bench", file=file, target=file)


def median(call: Callable[[int], object]) -> tuple[float, float]:
    """Return the median wall and processor time of a call in milliseconds."""
    wall, processor = [], []
    for number in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        call(number)
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return 1000 * sorted(wall)[REPEATS // 2], 1000 * sorted(processor)[REPEATS // 2]


def measure(count: int) -> dict[str, tuple[float, float]]:
    """Return the figures for a ledger with `count` jobs."""
    home = Path(tempfile.mkdtemp(prefix="preflight-ledger-"))
    settings = Settings(service="local", home=home)
    try:
        fill(settings.ledger, count)
        figures = {"open and close": median(lambda _: Ledger(settings.ledger).close())}
        figures["resume with nothing to do"] = median(lambda _: list(resume(settings=settings)))
        with Ledger(settings.ledger) as ledger:
            figures["moves of one video"] = median(lambda number: whole_job(ledger, number))
            figures["first 50 of the list"] = median(lambda _: list(islice(ledger.iterate(), 50)))
            figures["50 of one state"] = median(lambda _: list(islice(ledger.iterate(states=[State.FETCHED]), 50)))
            figures["a job by its id"] = median(lambda _: ledger.get(identify(f"{count // 2:064x}", "{}", ACCOUNT)[0]))
            figures["a job by its task"] = median(lambda _: ledger.of_task(f"task-{count // 2}"))
            figures["open jobs of a source"] = median(lambda _: ledger.open_jobs_of(Path("/in/1.mp4")))
        size = settings.ledger.stat().st_size / 1e6
        print(f"{count:>9,} jobs: {size:.0f} MB", flush=True)
        return figures
    finally:
        shutil.rmtree(home)


def main() -> None:
    """Print a table with a column for each count: milliseconds of wall time, and of processor time."""
    counts = [int(text) for text in sys.argv[1:]] or [10, 10_000, 1_000_000]
    figures = [measure(count) for count in counts]
    print(f"{'ms wall (processor)':<28}" + "".join(f"{count:>22,}" for count in counts))
    for name in figures[0]:
        cells = "".join(f"{column[name][0]:>12.2f} ({column[name][1]:>6.2f})" for column in figures)
        print(f"{name:<28}{cells}")


if __name__ == "__main__":
    main()
