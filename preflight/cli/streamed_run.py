"""`preflight run` for inputs that are not collected first: manifests, objects of stores, and work on a cluster."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from preflight.cli import console
from preflight.cli.batch_report import COLUMNS, BatchReport, Entry
from preflight.cli.inputs import streamed
from preflight.cli.outcomes import run_command, tell_all
from preflight.errors import UsageError
from preflight.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager
    from typing import TextIO

    from preflight.workflow.request import RunRequest

VIDEOS_PER_THREAD = 50
"""Videos under way for each thread of the workers when `--jobs` is not given: a video is worked on for a small part of
the time in which the service has it."""


def open_cluster(address: str | None) -> AbstractContextManager[Executor | None]:
    """Return a context manager that gives the executor for `--cluster`, None without one."""
    if address is None:
        return nullcontext()
    from preflight.workflow.cluster import ClusterExecutor

    return ClusterExecutor(address)


def run_streamed(
    files: Sequence[str],
    request: RunRequest,
    settings: Settings,
    *,
    cluster: str | None,
    jobs: int,
    report: Path | None,
    on_done: str | None,
    null: bool,
    as_json: bool,
) -> int:
    """Take every video through all stages as it is named, and return the exit code of all.

    Memory does not grow with the number of videos. Raises UsageError, and as the parts do.
    """
    from preflight.cli.inputs import nothing
    from preflight.workflow.batch import run_many

    names: dict[Path, str] = {}

    def paths() -> Iterator[Path]:
        for source in streamed(files, settings, null=null):
            # Asked for by `request_of` before the next one is taken.
            names[source.path] = source.name or source.path.stem
            yield source.path

    def request_of(path: Path) -> RunRequest:
        return replace(request, name=names.pop(path))

    with (
        open_cluster(cluster) as executor,
        StreamedReport(report, price=settings.price_per_minute) as collected,
        console.batch_progress(0, json_lines=as_json) as board,
    ):
        threads = getattr(executor, "threads", 0)
        results = run_many(
            paths(),
            request=request_of,
            settings=settings,
            jobs=jobs if jobs > 1 else max(1, threads * VIDEOS_PER_THREAD),
            listen=board.listen,
            executor=executor,
        )
        code = tell_all(
            results,
            board,
            collected,
            as_json=as_json,
            ended=lambda result: run_command(on_done, result) if on_done is not None else None,
        )
    if not collected.count:
        raise nothing(files)
    return code


class StreamedReport(BatchReport):
    """A report that is written line by line, so that it takes no memory. Its name ends in .csv."""

    def __init__(self, file: Path | None, *, price: float = 0.0) -> None:
        if file is not None and file.suffix.lower() != ".csv":
            raise UsageError(f"--report: {file} does not end in .csv.", hint="A long list is reported as CSV.")
        super().__init__(file, price=price)
        self._outcomes: Counter[str] = Counter()
        self._jobs = 0
        self._open: TextIO | None = None
        self._table: csv.DictWriter[str] | None = None

    def __enter__(self) -> Self:
        if self.file is not None:
            self._open = self.file.open("x", encoding="utf-8", newline="")
            self._table = csv.DictWriter(self._open, COLUMNS, lineterminator="\n")
            self._table.writeheader()
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.close()

    @property
    def count(self) -> int:
        """How many videos were reported."""
        return self._outcomes.total()

    def add(self, entry: Entry) -> None:
        """Write what became of a file."""
        self._outcomes[entry.outcome] += 1
        self._jobs += entry.jobs
        if self._table is not None and self._open is not None:
            self._table.writerow(self.cells(entry))
            self._open.flush()

    def finish(self, *, as_json: bool, foreseen: bool = False, summary: bool = True) -> None:
        """Tell the summary."""
        del foreseen
        if self.file is not None:
            console.say(f"Report: {console.printable(self.file)}")
        if not summary or self.count <= 1:
            return
        if as_json:
            console.emit("summary", videos=self.count, outcomes=dict(self._outcomes.most_common()), jobs=self._jobs)
            return
        parts = ", ".join(f"{count} {outcome}" for outcome, count in self._outcomes.most_common())
        paid = f"; {self._jobs} jobs paid" if self._jobs else ""
        console.say(f"{self.count} videos: {parts}{paid}")
