"""Finds what there is to review, and keeps an index of it: results by their records, jobs without a result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.ledger import Job, State
from preflight.model.text import TextStatus
from preflight.review import decisions as decided
from preflight.review import record_reader
from preflight.review.decisions import Decisions, Overall
from preflight.review.subject import IndexRow, ReviewVideo, RowKind, Totals
from preflight.rules.wording import shell_word
from preflight.workflow.output_paths import read_json_record
from preflight.workflow.source_list import VIDEO_EXTENSIONS

RECORD_SUFFIXES = (".cleaned.json", ".record.json")
"""Ends of the names of records that `run` and `clean` write."""

DECISIONS_SUFFIX = ".decisions.json"
"""End of the name of the decisions, beside the record."""

NOT_VERIFIED = "not verified"
"""State of a result without a verdict."""

NEW = "not run yet"
"""State of a video without a result."""

NEEDS_A_LOOK = 0.4
"""Severity from which a person should see a result; an uncertain text has it."""

UNFINISHED = (State.UNKNOWN, State.MISMATCHED, State.FAILED)
"""States of jobs that the index lists although they have no result."""


def decisions_path(record: Path) -> Path:
    """Return where the decisions about a result are saved: beside its record."""
    return record.with_name(stem_of(record) + DECISIONS_SUFFIX)


def stem_of(record: Path) -> str:
    """Return the name of a record without its end."""
    return record.name.removesuffix(".json").removesuffix(".cleaned").removesuffix(".record")


def load(path: Path) -> ReviewVideo:
    """Return the video of a record. Raises InputError."""
    return record_reader.read(read_json_record(path), path)


def load_decisions(record: Path) -> Decisions:
    """Return what was decided about a result so far. Raises UsageError for a file that is no such thing."""
    path = decisions_path(record)
    return decided.parse(path.read_bytes()) if path.is_file() else Decisions()


def found_in(place: Path) -> Iterator[Path]:
    """Yield the records and the videos of a folder and those below it, in order of their names; a file itself.

    Results, what was fetched of jobs without one, and hidden files are no videos here.
    """
    if place.is_file():
        yield place
        return
    for folder, names, files in os.walk(place):
        names[:] = sorted(name for name in names if not name.startswith("."))
        present = set(files)
        for name in sorted(files):
            if name.endswith(RECORD_SUFFIXES) or _is_source(name, present):
                yield Path(folder, name)


def _is_source(name: str, present: AbstractSet[str]) -> bool:
    """Return whether a name is that of a video that a run could take, and not of what a run has made."""
    stem, _, extension = name.rpartition(".")
    if not stem or name.startswith(".") or extension.lower() not in VIDEO_EXTENSIONS:
        return False
    return not (stem.endswith(".cleaned") or ".fetched" in stem or f"{stem}.record.json" in present)


@dataclass(slots=True)
class Library:
    """An index over places to look in; `refresh` reads only what is new or has changed.

    `jobs` yields the ledger's unfinished jobs; `price` is that of a minute of video, None when it is not set.
    """

    places: Sequence[Path]
    jobs: Callable[[], Iterable[Job]] = tuple
    price: float | None = None
    _rows: dict[Path, tuple[tuple[int, int, int], IndexRow]] = field(default_factory=dict)
    _sources: dict[Path, Path | None] = field(default_factory=dict)
    """The source of each record."""
    _paths: dict[str, Path] = field(default_factory=dict)
    _new: dict[str, Path] = field(default_factory=dict)
    """Videos without a result, by their identifiers."""
    _failed: list[IndexRow] = field(default_factory=list)

    def refresh(self) -> None:
        """Read the records that were written since the last time, and the jobs."""
        seen, videos = set[Path](), list[Path]()
        for place in self.places:
            for path in found_in(place):
                if not path.name.endswith(".json"):
                    videos.append(path.absolute())
                    continue
                seen.add(path)
                try:
                    stamp = _stamp(path)
                    if path not in self._rows or self._rows[path][0] != stamp:
                        row, self._sources[path] = _row(path)
                        self._rows[path] = (stamp, row)
                        self._paths[record_reader.identifier(path)] = path
                except OSError:
                    continue
        for gone in self._rows.keys() - seen:
            self._paths.pop(record_reader.identifier(gone), None)
            del self._rows[gone], self._sources[gone]
        jobs = [job for job in self.jobs() if job.state in UNFINISHED]
        self._failed = [_job_row(job) for job in jobs]
        known = {*self._sources.values(), *(job.source for job in jobs)}
        self._new = {record_reader.identifier(path): path for path in videos if path not in known}

    def record(self, identifier: str) -> Path | None:
        """Return the record with this identifier, None for an unknown one."""
        return self._paths.get(identifier)

    def new_video(self, identifier: str) -> Path | None:
        """Return the video without a result that has this identifier, None for an unknown one."""
        return self._new.get(identifier)

    @property
    def new_videos(self) -> tuple[Path, ...]:
        """The videos without a result, in order of their folders and names."""
        return tuple(self._new.values())

    def rows(self, *, search: str = "", state: str = "", order: str = "severity") -> list[IndexRow]:
        """Return the rows that match, worst first or in order of `name` or `duration`."""
        found = [*self._failed, *(row for _, row in self._rows.values()), *map(_new_row, self._new.values())]
        wanted = search.casefold()
        found = [r for r in found if wanted in r.name.casefold() and state in {"", r.state, r.decision or "open"}]
        keys: dict[str, Callable[[IndexRow], Any]] = {
            "severity": lambda row: (-row.severity, row.name),
            "name": lambda row: row.name,
            "duration": lambda row: (-row.duration, row.name),
        }
        return sorted(found, key=keys.get(order, keys["severity"]))

    def totals(self) -> Totals:
        """Return what all rows add up to."""
        rows = [row for _, row in self._rows.values()]
        minutes = sum(row.duration for row in rows) / 60
        return Totals(
            videos=len(rows),
            new=len(self._new),
            attention=sum(row.severity >= NEEDS_A_LOOK and not row.decision for row in rows),
            failed=len(self._failed),
            jobs=sum(row.jobs for row in rows),
            minutes=round(minutes, 2),
            cost=None if self.price is None else round(minutes * self.price, 2),
            accepted=sum(row.decision == Overall.ACCEPT for row in rows),
            rejected=sum(row.decision == Overall.REJECT for row in rows),
        )


def _stamp(record: Path) -> tuple[int, int, int]:
    """Return what changes when a record or its decisions do."""
    status, beside = record.stat(), decisions_path(record)
    return status.st_mtime_ns, status.st_size, beside.stat().st_mtime_ns if beside.exists() else 0


def _new_row(path: Path) -> IndexRow:
    return IndexRow(
        identifier=record_reader.identifier(path),
        name=path.name,
        kind=RowKind.NEW,
        state=NEW,
        severity=-1.0,
        next_step=f"preflight run {shell_word(str(path))} -o {shell_word(str(path.parent / 'cleaned'))}",
    )


def _row(path: Path) -> tuple[IndexRow, Path | None]:
    """Return the line of a record, and the source of its result."""
    try:
        record = read_json_record(path)
        video = record_reader.read(record, path)
        overall = load_decisions(path).overall
    except InputError as error:
        row = IndexRow(
            identifier=record_reader.identifier(path),
            name=path.name,
            kind=RowKind.UNREADABLE,
            state="unreadable",
            severity=1.0,
            error=error.message,
            next_step=error.hint or "",
        )
        return row, None
    row = IndexRow(
        identifier=video.identifier,
        name=video.name,
        state=str(video.verdict or NOT_VERIFIED),
        severity=video.severity,
        removed=sum(text.status is TextStatus.REMOVED for text in video.texts),
        kept=sum(text.status is not TextStatus.REMOVED for text in video.texts),
        texts_known=video.texts_known,
        duration=video.duration,
        jobs=len((record.get("result") or {}).get("task_ids") or ()),
        decision=str(overall),
    )
    return row, video.source


def _job_row(job: Job) -> IndexRow:
    next_steps = {
        State.UNKNOWN: f"preflight jobs resolve {job.id}",
        State.FAILED: f"preflight jobs retry {job.id}",
        State.MISMATCHED: f"preflight jobs show {job.id}",
    }
    return IndexRow(
        identifier=job.id,
        name=Path(job.name).name,
        kind=RowKind.JOB,
        state=str(job.state),
        severity=1.0,
        jobs=1,
        error=job.message or "",
        next_step=next_steps[job.state],
    )
