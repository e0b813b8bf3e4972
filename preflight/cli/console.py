"""What a person or a program sees: JSON lines and tables on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from preflight.errors import PreflightError
from preflight.events import Listener, Progress, ignore
from preflight.model.address import spelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_WIDE = 100
"""Columns of a terminal from which times and notes stand beside a bar."""

SCHEMA = 1
"""Version of the JSON lines; raised when a field changes its meaning or goes away."""


def printable(text: object) -> str:
    r"""Return `text` with control, bidi and undecodable characters written as `\x1b`, so that no file name acts."""
    shown = spelled(text) if isinstance(text, Path) else str(text)
    return "".join(c if c.isprintable() or c == " " else _escape(c) for c in shown)


def _escape(character: str) -> str:
    # surrogateescape'd bytes of a non-UTF-8 name show as the byte they are.
    import unicodedata

    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode() if unicodedata.category(character) != "Zs" else " "


def emit(event: str, **values: Any) -> None:
    """Print one JSON object as a line on stdout, at once."""
    from preflight.serialize import jsonable

    line = {"schema": SCHEMA, "event": event, **{key: jsonable(value) for key, value in values.items()}}
    # ASCII output keeps undecodable file names and terminal codes harmless, and is valid in any locale.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class _Said:
    """How what is said to people is treated: `quiet` says only errors, `copy` gets every line too."""

    quiet = False
    copy: Callable[[str], None] | None = None


def set_quiet(*, quiet: bool) -> None:
    """Say only errors from here on, or everything again; no progress is shown either."""
    _Said.quiet = quiet


def copy_said(copy: Callable[[str], None] | None) -> None:
    """Give every line that is said to `copy` as well, for a log file."""
    _Said.copy = copy


def say(text: object = "", *, always: bool = False) -> None:
    """Print a line for people on stderr; with --quiet only what is to be said `always`."""
    if _Said.copy is not None:
        _Said.copy(str(text))
    if always or not _Said.quiet:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def out(text: object = "") -> None:
    """Print a line of data on stdout."""
    if _Said.copy is not None:
        _Said.copy(str(text))
    sys.stdout.write(f"{text}\n")


def agrees(question: str) -> bool:
    """Ask a person on the terminal; return False without a terminal, and for anything but a yes."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"{printable(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def complain(error: PreflightError) -> None:
    """Print an error as one line: what, why, and what to do next."""
    say(f"preflight: {printable(error)}", always=True)


def wrapped(text: str, *, indent: int) -> str:
    """Return a text indented, and wrapped between words where it goes to a terminal."""
    import shutil
    import textwrap

    margin = " " * indent
    if not sys.stdout.isatty():
        return margin + text
    width = max(40, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, stderr: bool = False) -> None:
    """Print a table as wide as the terminal, plain when the output is not one."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    stream = sys.stderr if stderr else sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else 200, highlight=False)
    console.print(drawn)


Naming = Callable[[str], Listener]


@contextmanager
def progress(*, json_lines: bool, quiet: bool = False) -> Iterator[Naming]:
    """Give a function from a file's name to its listener: bars on a terminal, JSON lines with `--json`, else words."""
    if json_lines:
        yield _json_listener
    elif quiet or _Said.quiet:
        yield lambda _: ignore
    elif not _terminal():
        yield _plain_listener
    else:
        with _bars() as naming:
            yield naming


@contextmanager
def path_progress() -> Iterator[Callable[[Path], Listener]]:
    """Give a function from a path to its listener, for bars on a terminal."""
    with progress(json_lines=False) as naming:
        yield lambda path: naming(path.name)


def _json_listener(name: str) -> Listener:
    last: dict[str, int] = {}

    def listen(progress: Progress) -> None:
        percent = int((progress.fraction or 0) * 100)
        if last.get(progress.stage) != percent:
            last[progress.stage] = percent
            emit("progress", file=name, **{spec.name: getattr(progress, spec.name) for spec in fields(progress)})

    return listen


def _plain_listener(name: str) -> Listener:
    """Say once when a stage begins: enough for a log file."""
    seen: set[str] = set()

    def listen(progress: Progress) -> None:
        if progress.stage not in seen:
            seen.add(progress.stage)
            say(f"{printable(name)}: {progress.stage} {printable(progress.note)}".rstrip())

    return listen


class Board:
    """Progress of many files. Without bars of its own it leaves each file's progress to `naming`."""

    def __init__(self, naming: Naming) -> None:
        self.ended = 0
        self._naming = naming

    def listen(self, path: Path) -> Listener:
        """Return what follows the work on one file."""
        return self._naming(str(path))

    def clear(self) -> None:
        """Take away what is shown of files that are not finished."""

    def end(self, path: Path) -> None:  # noqa: ARG002 - a board with bars takes its bar away
        """Note that the work on a file has ended."""
        self.ended += 1


class _DrawnBoard(Board):
    """A bar for each file that is being worked at, and one for all."""

    def __init__(self, bars: Bars, total: int) -> None:
        super().__init__(self._listener)
        self._bars = bars
        self._whole = bars.add_task(f"{total} videos", total=total, note="")
        self._running: dict[str, TaskID] = {}

    def _listener(self, name: str) -> Listener:
        def listen(progress: Progress) -> None:
            if name not in self._running:
                self._running[name] = self._bars.add_task("", total=None, note="")
            _draw(self._bars, self._running[name], name, progress)

        return listen

    def end(self, path: Path) -> None:
        """Take the file's bar away and move the one of all on."""
        super().end(path)
        self._bars.advance(self._whole)
        if (task := self._running.pop(str(path), None)) is not None:
            self._bars.remove_task(task)

    def clear(self) -> None:
        """Leave the bar of all only: after Ctrl-C the others would stand there for ever."""
        while self._running:
            self._bars.remove_task(self._running.popitem()[1])


@contextmanager
def batch_progress(total: int, *, json_lines: bool) -> Iterator[Board]:
    """Give the board of `total` videos: on a terminal with bars that come and go, else as for single files."""
    if total > 1 and not json_lines and not _Said.quiet and _terminal():
        with _drawn() as bars:
            yield _DrawnBoard(bars, total)
    else:
        with progress(json_lines=json_lines) as naming:
            yield Board(naming)


def _terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def _bars() -> Iterator[Naming]:
    with _drawn() as bars:

        def naming(name: str) -> Listener:
            tasks: dict[str, TaskID] = {}

            def listen(progress: Progress) -> None:
                if progress.stage not in tasks:
                    tasks[progress.stage] = bars.add_task("", total=None, note="")
                _draw(bars, tasks[progress.stage], name, progress)

            return listen

        yield naming


def _drawn() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")]
    console = Console(file=sys.stderr)
    if console.width >= _WIDE:
        columns += [TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}")]
    else:
        columns[1] = BarColumn(bar_width=10)
    # Results that are printed meanwhile go above the bars, unless they go to a file.
    return Bars(*columns, console=console, redirect_stdout=sys.stdout.isatty())


def _draw(bars: Bars, task: TaskID, name: str, progress: Progress) -> None:
    from rich.markup import escape

    bars.update(
        task,
        description=escape(f"{printable(name)[-40:]} {progress.stage}"),
        completed=progress.done,
        total=progress.total,
        note=escape(printable(progress.note)),
    )


def human_bytes(size: int) -> str:
    """Return `size` in bytes as the decimal unit a person reads: 1.5 MB."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"


def human_seconds(seconds: float) -> str:
    """Return seconds as 1:02:03.4, without the hours when there are none."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
