"""Verdicts as a table for people, JSON, JSON lines, CSV and JUnit's XML: each written as soon as it is known."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from preflight.cli import console
from preflight.model.address import spelled
from preflight.model.media import Media, Unreadable, VideoStream
from preflight.model.report import Finding, Report, Severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

_WORDS = 120
"""Letters of the text seen that are shown: enough to know it."""


class Counts:
    """How many files passed, and how many broke which code."""

    def __init__(self) -> None:
        self.files = 0
        self.ok = 0
        self.codes: Counter[int] = Counter()

    @property
    def all_ok(self) -> bool:
        """True when no file was refused."""
        return self.ok == self.files

    def add(self, report: Report) -> None:
        """Count a report."""
        self.files += 1
        self.ok += report.ok
        self.codes.update(report.codes)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON-ready values."""
        codes = {str(code): count for code, count in sorted(self.codes.items())}
        return {"files": self.files, "ok": self.ok, "refused": self.files - self.ok, "codes": codes}


class Writer:
    """Writes each report it is called with; a context manager that writes what comes before and behind them."""

    def __init__(self) -> None:
        self.counts = Counts()

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.end()

    def __call__(self, report: Report) -> None:
        """Write `report` at once."""
        self.write(report)
        self.counts.add(report)
        sys.stdout.flush()

    def begin(self) -> None:
        """Write what comes first."""

    def write(self, report: Report) -> None:
        """Write one report."""
        raise NotImplementedError

    def end(self) -> None:
        """Write what comes last."""


class TableWriter(Writer):
    """Rows for people: the verdict and the facts, and below it each finding with its mend."""

    def begin(self) -> None:
        """Decide on color: on a terminal that wants it."""
        self.color = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def write(self, report: Report) -> None:
        """Write the rows of one file."""
        verdict = self._painted("ok  ", 32) if report.ok else self._painted("FAIL", 31)
        console.out(f"{verdict}  {console.printable(report.path)}{_facts(report)}")
        seen = report.media.text if report.media else None
        if seen is not None and seen.places:
            words = " | ".join(dict.fromkeys(place.text for place in seen.places))
            console.out(f"      text: {seen.language}, {' and '.join(seen.where)}: {console.printable(words)[:_WORDS]}")
        for finding in report.findings:
            failed = finding.severity is Severity.FAILURE
            code = str(int(finding.code)) if finding.code is not None else "-"
            label = self._painted(f"{code:<4}{finding.rule:<20}", 31 if failed else 33)
            console.out(f"      {label} {console.printable(finding.message)}")
            if finding.fix and failed:
                console.out(f"      {'':24} fix: {console.printable(finding.fix)}")

    def end(self) -> None:
        """Write the summary when there was more than one file."""
        counts = self.counts
        if counts.files == 1:
            return
        told = ", ".join(f"{code}: {count}" for code, count in sorted(counts.codes.items()))
        console.out(
            f"{counts.files} files: {counts.ok} ok, {counts.files - counts.ok} refused" + (told and f" ({told})")
        )

    def _painted(self, text: str, color: int) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self.color else text


def _facts(report: Report) -> str:
    media = report.media
    if media is None:
        return ""
    size = "x".join(map(str, media.video.display_size)) if media.video else "no video"
    length = "unknown length" if media.duration is None else console.human_seconds(float(media.duration))
    return f"  ({media.container}, {size}, {length}, {console.human_bytes(media.size)})"


class JsonLinesWriter(Writer):
    """An object a line and a last one with the counts. Schema: docs/report.schema.json."""

    def write(self, report: Report) -> None:
        """Write one line."""
        console.emit("report", **to_dict(report))

    def end(self) -> None:
        """Write the summary."""
        console.emit("summary", **self.counts.to_dict())


class JsonWriter(Writer):
    """One array of the objects that JSON lines have."""

    def begin(self) -> None:
        """Open the array."""
        sys.stdout.write("[")

    def write(self, report: Report) -> None:
        """Write one element."""
        sys.stdout.write(",\n" if self.counts.files else "\n")
        sys.stdout.write(json.dumps({"schema": console.SCHEMA, "event": "report", **to_dict(report)}))

    def end(self) -> None:
        """Close the array."""
        sys.stdout.write("\n]\n")


class CsvWriter(Writer):
    """A row a finding, and a row for each file that has none."""

    COLUMNS = ("path", "verdict", "code", "rule", "severity", "measured", "limit", "message", "fix")

    def begin(self) -> None:
        """Write the names of the columns."""
        import csv

        self.rows = csv.writer(sys.stdout, lineterminator="\n")
        self.rows.writerow(self.COLUMNS)

    def write(self, report: Report) -> None:
        """Write the rows of one file."""
        verdict = "ok" if report.ok else "refused"
        for finding in report.findings or (None,):
            cells = ("",) * 7 if finding is None else _cells(finding)
            self.rows.writerow([safe_cell(cell) for cell in (spelled(report.path), verdict, *cells)])


def _cells(finding: Finding) -> tuple[str, ...]:
    code = "" if finding.code is None else str(int(finding.code))
    told = (finding.severity.value, finding.measured, finding.limit, finding.message, finding.fix or "")
    return (code, finding.rule, *told)


def safe_cell(cell: str) -> str:
    """Return a cell of a CSV file that no spreadsheet takes for a formula."""
    # A spreadsheet takes such a cell for a formula, and a file's name is a stranger's text.
    text = console.printable(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and len(text) > 1 else text


class JunitWriter(Writer):
    """A test case a file, for programs that show test results."""

    def begin(self) -> None:
        """Open the suite; its counts are left out, since they are not known yet."""
        console.out('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="preflight check">')

    def write(self, report: Report) -> None:
        """Write one test case."""
        console.out(f"<testcase classname={_quoted('preflight')} name={_quoted(spelled(report.path))}>")
        for finding in report.failures:
            kind = finding.rule if finding.code is None else f"{int(finding.code)} {finding.rule}"
            console.out(f"<failure type={_quoted(kind)} message={_quoted(finding.message)}/>")
        for finding in report.advisories:
            console.out(f"<system-out>{_escaped(f'{finding.rule}: {finding.message}')}</system-out>")
        console.out("</testcase>")

    def end(self) -> None:
        """Close the suite."""
        console.out("</testsuite></testsuites>")


def _escaped(text: object) -> str:
    from xml.sax.saxutils import escape

    return escape(console.printable(text))


def _quoted(text: object) -> str:
    from xml.sax.saxutils import quoteattr

    return quoteattr(console.printable(text))


_WRITERS: dict[str, type[Writer]] = {
    "table": TableWriter, "json": JsonWriter, "jsonl": JsonLinesWriter, "csv": CsvWriter, "junit": JunitWriter,
}  # fmt: skip


@contextmanager
def writer(form: str) -> Iterator[Writer]:
    """Give the writer of the format `form`."""
    with _WRITERS[form]() as made:
        yield made


def to_dict(report: Report) -> dict[str, Any]:
    """Return the report as JSON-ready values; exact durations stand beside the numbers."""
    from preflight.serialize import jsonable

    subject = report.subject
    return {
        "path": spelled(report.path),
        "ok": report.ok,
        "codes": list(report.codes),
        "findings": [jsonable(finding) for finding in report.findings],
        "media": _media(subject) if isinstance(subject, Media) else None,
        "unreadable": _unreadable(subject) if isinstance(subject, Unreadable) else None,
        "limits": jsonable(report.limits),
    }


def _unreadable(subject: Unreadable) -> dict[str, Any]:
    return {"reason": subject.reason, "detail": subject.detail, "hint": subject.hint, "size": subject.size}


def _media(media: Media) -> dict[str, Any]:
    from preflight.serialize import jsonable

    facts: dict[str, Any] = jsonable(media)
    del facts["path"], facts["identity"]
    display = media.video.display_size if media.video else None
    facts |= {"size": media.size, "display_size": None if display is None else list(display)}
    facts["duration_exact"] = None if media.duration is None else str(media.duration)
    for told, stream in zip(facts["streams"], media.streams, strict=True):
        if isinstance(stream, VideoStream):
            told |= {"sar": str(stream.sar), "frame_rate_exact": stream.frame_rate and str(stream.frame_rate)}
    return facts
