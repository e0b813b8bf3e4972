"""`preflight check`: the verdict on any number of files."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from preflight.checking import Terms, check_in_turn
from preflight.cli.common_options import NULL, REPORT, SOURCES, positive
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.cli.formats import writer
from preflight.errors import ExitCode
from preflight.events import Listener, ignore
from preflight.settings import parse_seconds, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from fractions import Fraction

    from preflight.model.report import Report
    from preflight.settings import Settings

FORMATS = ("table", "json", "jsonl", "csv", "junit")
FEW = 16
"""Named files that are checked one after the other: loading threads takes longer than reading their headers."""


def check(
    context: Context,
    *,
    files: Sequence[str],
    form: str,
    as_json: bool,
    deep: str | None,
    text: bool,
    strict: Sequence[str] | None,
    ignored: Sequence[str] | None,
    max_size: int | None,
    max_duration: Fraction | None,
    jobs: int | None,
    report: Path | None,
    null: bool,
) -> int:
    """Write the verdict on each file and return the exit code: 0 when all pass, 3 when one breaks a limit.

    Raises InputError when there is no file.
    """
    settings = context.settings(max_size=max_size, max_duration=max_duration)
    form = "jsonl" if as_json else form
    terms = Terms(limits=settings.limits, deep=deep, text=text, strict=split_rules(strict), ignore=split_rules(ignored))
    with writer(form) as write, _listening(deep, form) as listen, _collecting(report) as collect:
        for verdict in _reports(files, terms, settings, listen, jobs=jobs, null=null):
            write(verdict)
            collect(verdict)
    if not write.counts.files:
        from preflight.cli.inputs import nothing

        raise nothing(files)
    return int(ExitCode.OK if write.counts.all_ok else ExitCode.INPUT)


def _reports(
    files: Sequence[str],
    terms: Terms,
    settings: Settings,
    listen: Callable[[Path], Listener],
    *,
    jobs: int | None,
    null: bool,
) -> Iterator[Report]:
    from preflight.model.address import is_list

    headers_only = terms.deep is None and not terms.text
    if headers_only and len(files) <= FEW and all(Path(name).is_file() and not is_list(name) for name in files):
        yield from check_in_turn([Path(name) for name in files], terms=terms)
        return
    from preflight.check_pool import check_many
    from preflight.cli.inputs import streamed
    from preflight.workflow.remote_source import check_remote

    elsewhere = partial(check_remote, terms=terms, settings=settings)
    paths = (source.path for source in streamed(files, settings, null=null))
    yield from check_many(paths, terms=terms, jobs=jobs, listen=listen, elsewhere=elsewhere)


@contextmanager
def _collecting(file: Path | None) -> Iterator[Callable[[Report], None]]:
    """Give what takes each verdict for the file of --report, and write that at the end."""
    if file is None:
        yield lambda _: None
        return
    from preflight.cli.batch_report import BatchReport, Entry

    collected = BatchReport(file)

    def collect(verdict: Report) -> None:
        media = verdict.media
        seconds = float(media.duration) if media is not None and media.duration is not None else None
        outcome, code = ("ok", ExitCode.OK) if verdict.ok else ("refused", ExitCode.INPUT)
        detail = " ".join(finding.message for finding in verdict.failures)
        collected.add(Entry(source=verdict.path, outcome=outcome, seconds=seconds, detail=detail, exit_code=int(code)))

    try:
        yield collect
    finally:
        collected.finish(as_json=False, summary=False)


def split_rules(given: Sequence[str] | None) -> frozenset[str]:
    """Return the rules named in `given`, each a comma-separated list."""
    return frozenset(rule.strip() for text in given or () for rule in text.split(",") if rule.strip())


def _listening(deep: str | None, form: str) -> AbstractContextManager[Callable[[Path], Listener]]:
    """Give what makes a listener for a file: bars for deep reads on a terminal, else nothing."""
    if deep is None or form != "table" or not sys.stderr.isatty():
        return nullcontext(lambda _: ignore)
    from preflight.cli import console

    return console.path_progress()


COMMAND = Command(
    name="check",
    summary="Say whether the service would take each file, and if not, why and what mends it.",
    details="Exits with 0 when all pass and 3 when one breaks a limit, or when there is no video at all.",
    example="preflight check clips/ --format jsonl --strict hdr,interlaced",
    run=check,
    parameters=(
        SOURCES,
        Parameter(
            names=("--format", "-f"), key="form", choices=FORMATS, default="table", help="How verdicts are written."
        ),
        Parameter(names=("--json",), key="as_json", count="0", help="One JSON object a line; the same as -f jsonl."),
        Parameter(
            names=("--deep",),
            choices=("packets", "decode"),
            bare="packets",
            help="Read every packet (--deep), or decode all (--deep=decode), to find cuts and damage.",
        ),
        Parameter(
            names=("--text",),
            count="0",
            help="Look for text on some frames: its language and place (extra local).",
        ),
        Parameter(names=("--strict",), value="RULES", repeated=True, help="Advisories that refuse a file, or all."),
        Parameter(
            names=("--ignore",), key="ignored", value="RULES", repeated=True, help="Advisories to leave out, or all."
        ),
        Parameter(names=("--max-size",), value="SIZE", convert=parse_size, help="Limit, such as 200MB or 200MiB."),
        Parameter(names=("--max-duration",), value="TIME", convert=parse_seconds, help="Limit, such as 6:00."),
        Parameter(
            names=("--jobs", "-j"),
            value="N",
            convert=positive,
            help="Files at a time.",
            default_text="one a core, up to 4",
        ),
        REPORT,
        NULL,
    ),
)
