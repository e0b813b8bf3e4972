"""What `preflight check` does once its options are known. No parser of options is imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from preflight.checking import Terms, check
from preflight.cli.formats import writer
from preflight.errors import ExitCode, UsageError
from preflight.events import Listener, ignore
from preflight.model.report import Report
from preflight.rules import ADVISORIES
from preflight.settings import Settings


class Format(StrEnum):
    """How the verdicts are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    JUNIT = "junit"


class Deep(StrEnum):
    """How much of each file is read."""

    PACKETS = "packets"
    DECODE = "decode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of `preflight check`, with their defaults."""

    files: tuple[str, ...]
    form: Format = Format.TABLE
    deep: Deep | None = None
    text: bool = False
    strict: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    jobs: int | None = None
    null: bool = False


def perform(request: Request, settings: Settings) -> int:
    """Write the verdict on each file and return the exit code: 0 when all pass, 3 when one breaks a limit.

    Raises InputError when there is no file.
    """
    deep = request.deep.value if request.deep else None
    terms = Terms(limits=settings.limits, deep=deep, text=request.text, strict=request.strict, ignore=request.ignored)
    with writer(request.form) as write, _listening(request) as listen:
        for report in _reports(request, terms, listen):
            write(report)
    if not write.counts.files:
        from preflight.cli.inputs import nothing

        raise nothing(request.files)
    return int(ExitCode.OK if write.counts.all_ok else ExitCode.INPUT)


def _reports(request: Request, terms: Terms, listen: Callable[[Path], Listener]) -> Iterator[Report]:
    if len(request.files) == 1 and Path(request.files[0]).is_file():
        # One file needs no threads, whose loading takes longer than the check.
        path = Path(request.files[0])
        yield check(path, terms=terms, listener=listen(path))
        return
    from preflight.check_pool import check_many
    from preflight.cli.inputs import videos

    paths = videos(request.files, null=request.null)
    yield from check_many(paths, terms=terms, jobs=request.jobs, listen=listen)


def rules(given: list[str] | None) -> frozenset[str]:
    """Return the advisories named in `given`, each a comma-separated list. Raises UsageError for an unknown one."""
    named = frozenset(rule.strip() for text in given or () for rule in text.split(",") if rule.strip())
    unknown = sorted(named - set(ADVISORIES) - {"all"})
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no advisory.", hint=f"Known: all, {', '.join(sorted(ADVISORIES))}.")
    return named


@contextmanager
def _listening(request: Request) -> Iterator[Callable[[Path], Listener]]:
    """Give what makes a listener for a file: bars for deep reads on a terminal, else nothing."""
    if request.deep is None or request.form is not Format.TABLE or not sys.stderr.isatty():
        yield lambda _: ignore
        return
    from preflight.cli import console

    with console.progress(json_lines=False) as listen:
        yield lambda path: listen(path.name)
