"""What became of each of many files: the summary at the end, and the file of `--report`."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from preflight.cli import console
from preflight.cli.formats import safe_cell
from preflight.errors import UsageError
from preflight.serialize import jsonable
from preflight.tools.output_names import OutputNames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("source", "outcome", "minutes", "jobs", "cost", "file", "task_ids", "detail", "exit_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file: `outcome` is one word, `seconds` its length, `jobs` how many paid jobs it took or would take."""

    source: Path | str
    outcome: str
    seconds: float | None = None
    jobs: int = 0
    file: Path | str | None = None
    task_ids: tuple[str, ...] = ()
    detail: str = ""
    exit_code: int = 0


class BatchReport:
    """Collects entries; `finish` prints the summary and writes the report. `price` is money a minute, 0 when unknown.

    The report's name ends in .json or .csv; a file that exists is not replaced, the report gets a number. Raises
    UsageError for another ending, before any work is done.
    """

    def __init__(self, file: Path | None, *, price: float = 0.0, sources: Iterable[Path] = ()) -> None:
        if file is not None and file.suffix.lower() not in {".json", ".csv"}:
            raise UsageError(f"--report: {file} ends in neither .json nor .csv.", hint="Name it so.")
        self.file = OutputNames(sources).derived(file, "--report") if file is not None else None
        self.price = price
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Note what became of a file."""
        self.entries.append(entry)

    def finish(self, *, as_json: bool, foreseen: bool = False, summary: bool = True) -> None:
        """Write the report, and tell the summary when there was more than one file or money is at stake.

        `foreseen` says that nothing was done yet; without `summary` only the report is written. Raises OSError.
        """
        totals = self._totals()
        if self.file is not None:
            self._write(self.file)
            console.say(f"Report: {console.printable(self.file)}")
        if not summary:
            return
        if as_json and len(self.entries) > 1:
            console.emit("summary", **totals, foreseen=foreseen)
        elif len(self.entries) > 1 or (foreseen and self.price):
            console.say(self._sentence(totals, foreseen=foreseen))

    def _totals(self) -> dict[str, object]:
        outcomes = Counter(entry.outcome for entry in self.entries)
        paid = [entry for entry in self.entries if entry.jobs]
        return {
            "videos": len(self.entries),
            "outcomes": dict(outcomes.most_common()),
            "jobs": sum(entry.jobs for entry in self.entries),
            "minutes": round(sum(entry.seconds or 0 for entry in paid) / 60, 2),
            "cost": round(sum(self._cost(entry) or 0 for entry in paid), 2) if self.price else None,
        }

    def _sentence(self, totals: dict[str, object], *, foreseen: bool) -> str:
        outcomes = Counter(entry.outcome for entry in self.entries)
        parts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        text = f"{totals['videos']} videos: {parts}"
        if totals["jobs"]:
            text += f"; {totals['jobs']} jobs{' would be' if foreseen else ''} paid, {totals['minutes']} minutes"
        return text + (f", cost {totals['cost']:.2f}" if self.price else "")

    def _cost(self, entry: Entry) -> float | None:
        if not self.price or entry.seconds is None:
            return None
        return round(entry.seconds / 60 * self.price, 4) if entry.jobs else 0.0

    def _write(self, file: Path) -> None:
        rows = [self._row(entry) for entry in self.entries]
        with file.open("x", encoding="utf-8", newline="") as made:
            if file.suffix.lower() == ".json":
                json.dump({"schema": console.SCHEMA, "summary": self._totals(), "files": rows}, made, indent=2)
                made.write("\n")
                return
            table = csv.DictWriter(made, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)

    def cells(self, entry: Entry) -> dict[str, str]:
        """Return an entry as the cells of a table."""
        return {name: _cell(value) for name, value in self._row(entry).items()}

    def _row(self, entry: Entry) -> dict[str, object]:
        minutes = None if entry.seconds is None else round(entry.seconds / 60, 3)
        values = {"minutes": minutes, "cost": self._cost(entry)}
        return {name: jsonable(values[name] if name in values else getattr(entry, name)) for name in COLUMNS}


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else safe_cell(str(value))
