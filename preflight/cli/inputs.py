"""The videos that a command's arguments mean. No parser of options is imported here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from preflight.errors import InputError
from preflight.workflow.output_paths import is_result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.settings import Settings
    from preflight.workflow.source_list import ListedSource


def videos(names: Sequence[str], *, null: bool = False) -> Iterator[Path]:
    """Yield the videos that `names` mean, as they come: files, folders, patterns, and `-` for the list on stdin.

    `null` says that the list is separated by NUL, not by line ends.
    """
    from preflight.probe import expand

    # Unbuffered: a thread that waits in a buffered read holds a lock without which Python can't end after Ctrl-C.
    stdin = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer) if sys.stdin else None
    return expand(names, stdin=stdin, separator=b"\0" if null else b"\n")


def streamed(names: Sequence[str], settings: Settings, *, null: bool = False) -> Iterator[ListedSource]:
    """Yield the videos that `names` mean as `videos` does, also objects in stores and those of manifests."""
    from preflight.workflow.source_list import expand_sources

    stdin = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer) if sys.stdin else None
    return expand_sources(names, settings, stdin=stdin, separator=b"\0" if null else b"\n")


def sources(names: Sequence[str], *, null: bool = False) -> list[Path]:
    """Return the videos that `names` mean, each once, but for results of earlier runs that lie among them.

    Cleaning a folder into itself must not pay for its own results the next time; a result that is named alone is taken.
    Raises InputError when nothing is left.
    """
    meant = list(dict.fromkeys(videos(names, null=null)))
    alone = len(names) == 1 and Path(names[0]).is_file()
    kept = meant if alone else [path for path in meant if not is_result(path)]
    if not kept:
        raise nothing(names, f"only results of earlier runs ({len(meant)})" if meant else "no videos")
    return kept


def nothing(names: Sequence[str], what: str = "no videos") -> InputError:
    """Return the error for `names` that mean no video at all: a script with a wrong folder must not go on."""
    places = ", ".join("the list on stdin" if name == "-" else name for name in names)
    return InputError(f"There are {what} in {places}.", hint="Name videos, or a folder that holds some.")
