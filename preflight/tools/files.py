"""Outputs that appear whole or not at all, under names that nobody else has."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from preflight.errors import DiskFullError, ToolError
from preflight.tools.scratch import hidden_folder

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
MAX_NAME_BYTES = 255
"""The longest file name on common file systems."""


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make `folder` and a hidden folder in it that vanishes at the end, as do those of killed processes.

    Raises ToolError, DiskFullError.

    It is on the same file system as the final name, so that a finished file can be renamed in one step.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made = stack.enter_context(hidden_folder(folder))
        except OSError as error:
            raise _refused(error, folder) from error
        try:
            yield made
        except OSError as error:
            if error.errno in _FULL:
                raise disk_full(folder) from error
            raise


def _refused(error: OSError, folder: Path) -> ToolError:
    if error.errno in _FULL:
        return disk_full(folder)
    return ToolError(f"{folder} can't be written: {error.strerror}.", hint="Choose another output folder with -o.")


def disk_full(folder: Path) -> DiskFullError:
    """Return the error for a file system without room."""
    return DiskFullError(
        f"There is no room left in {folder}.", hint="Free some space, or choose another folder with -o."
    )


def require_writable(folder: Path) -> None:
    """Raise ToolError unless `folder` is one that takes new files, or can be made. Nothing is made yet."""
    whole = folder.absolute()
    there = next(place for place in (whole, *whole.parents) if os.path.lexists(place))
    number = errno.ENOTDIR if not there.is_dir() else 0 if os.access(there, os.W_OK | os.X_OK) else errno.EACCES
    if number:
        raise _refused(OSError(number, os.strerror(number)), folder)


def require_room(folder: Path, needed: int) -> None:
    """Raise DiskFullError when the file system of `folder` (which exists) has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"{folder} has {free:,} bytes free and about {needed:,} are needed.",
            hint="Free some space, or choose another folder with -o.",
        )


def name(stem: str, suffix: str) -> str:
    """Return `stem` + `suffix`, the stem cut so that the name is one that file systems take."""
    room = MAX_NAME_BYTES - len(os.fsencode(suffix))
    cut = os.fsencode(stem)[:room]
    # A cut inside a character would leave bytes that are no text; names that never were text stay as they are.
    return (os.fsdecode(cut) if len(cut) == len(os.fsencode(stem)) else cut.decode("utf-8", "ignore")) + suffix


def publish(made: Path, wanted: Path) -> Path:
    """Give the finished file `made` the name `wanted`, or `wanted` with a number when that is taken; return it.

    Nothing that exists is replaced.
    """
    for candidate in numbered(wanted):
        try:
            os.link(made, candidate)
        except FileExistsError:
            continue
        except OSError:
            # A file system without hard links: a rename is the next best.
            if candidate.exists():
                continue
            made.rename(candidate)
            return candidate
        made.unlink()
        return candidate
    raise ToolError(f"No free name like {wanted} was found.")


_MOST_NUMBERS = 10_000
"""Numbers that are tried for a name that is taken."""


def numbered(wanted: Path) -> Iterator[Path]:
    """Yield `wanted`, and then its name with the numbers from 2: where an output goes when names are taken."""
    yield wanted
    for number in range(2, _MOST_NUMBERS):
        yield wanted.with_name(name(wanted.stem, f"-{number}{wanted.suffix}"))


def prune(folder: Path, most: int, *, spare: Path | None = None) -> list[Path]:
    """Remove the entries of `folder` that were changed longest ago until it holds at most `most` bytes.

    `spare` is never removed. Returns what was removed. An entry that somebody else removes meanwhile is no error.
    """
    if not folder.is_dir():
        return []
    entries = sorted((entry for entry in folder.iterdir() if entry != spare), key=_changed)
    sizes = {entry: _size(entry) for entry in entries}
    total = sum(sizes.values()) + (_size(spare) if spare is not None else 0)
    removed = []
    for entry in entries:
        if total <= most:
            break
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
        total -= sizes[entry]
        removed.append(entry)
    return removed


def _changed(entry: Path) -> float:
    try:
        return max((file.lstat().st_mtime for file in [entry, *entry.rglob("*")]), default=0.0)
    except OSError:
        return 0.0


def _size(entry: Path) -> int:
    try:
        files = [entry, *entry.rglob("*")] if entry.is_dir() else [entry]
        return sum(file.lstat().st_size for file in files if file.is_file() or file.is_symlink())
    except OSError:
        return 0


def copy(source: Path, target: Path) -> Path:
    """Copy the content of `source` to `target`. Raises DiskFullError, ToolError."""
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise _refused(error, target.parent) from error
    return target
