"""The one rule for the names of outputs: no source and no existing file is replaced by accident.

A name that a person chose has to be free, or replacing has to be allowed. A name that is derived gets a number when
it is taken. Both are settled before the work starts. Names that are known only at its end (`fix`, `run`) are derived by
the same numbers, in `files.publish`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from preflight.errors import UsageError
from preflight.tools import files


class OutputNames:
    """The outputs of one piece of work: each name is asked for once, and none is given twice.

    `sources` are the files that are read; `overwrite` allows replacing other existing files.
    """

    def __init__(self, sources: Iterable[Path], *, overwrite: bool = False) -> None:
        self._sources = tuple(sources)
        self._overwrite = overwrite
        self._given: dict[Path, str] = {}

    def chosen(self, path: Path, option: str) -> Path:
        """Return a name that a person chose with `option`, such as `--output`, and make its folder.

        Raises UsageError, which names the option, for a source, a folder, an output that was given before, and an
        existing file unless it may be replaced; ToolError for a folder that can't be written.
        """
        if path.is_dir():
            raise UsageError(f"{option}: {path} is a folder.", hint="Name a file in it.")
        self._require_no_source(path, option)
        other = self._given.get(path.resolve())
        if other is not None:
            raise UsageError(f"{option} and {other} are the same file, {path}.", hint="Give each output its own name.")
        if os.path.lexists(path) and not self._overwrite:
            raise UsageError(f"{option}: {path} exists.", hint="Choose another name, or add --overwrite.")
        return self._take(path, option)

    def derived(self, path: Path, option: str = "the output") -> Path:
        """Return `path`, or the first free name of it with a number, and make its folder. Raises ToolError."""
        for candidate in files.numbered(path):
            taken = candidate.resolve() in self._given or any(is_same(candidate, source) for source in self._sources)
            exists = os.path.lexists(candidate) and (not self._overwrite or candidate.is_dir())
            if not taken and not exists:
                return self._take(candidate, option)
        raise UsageError(f"No free name like {path} was found.", hint="Choose another folder with -o.")

    def _take(self, path: Path, option: str) -> Path:
        files.require_writable(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._given[path.resolve()] = option
        return path

    def _require_no_source(self, path: Path, option: str) -> None:
        for source in self._sources:
            if is_same(path, source):
                raise UsageError(
                    f"{option}: {path} is the source {source}, which is never written.", hint="Choose another name."
                )


def is_same(path: Path, other: Path) -> bool:
    """Return whether two paths lead to one file, whatever they are called: by link, by `..`, or in another case."""
    try:
        return path.samefile(other)
    except OSError:
        return path.resolve() == other.resolve()


def relative_below(path: Path, roots: Iterable[Path]) -> Path:
    """Return the folder of `path` relative to the first of `roots` that holds it; `.` when none does."""
    for root in roots:
        if path.resolve().is_relative_to(root.resolve()):
            return path.resolve().parent.relative_to(root.resolve()) if root.is_dir() else Path()
    return Path()
