"""Find the files that names stand for: folders by content, patterns, lists on stdin; lazily, in a stable order."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from preflight.errors import UsageError
from preflight.probe.sandbox import sniff

VIDEO_EXTENSIONS = frozenset((
    "mp4", "mov", "webm", "avi", "mkv", "m4v", "3gp", "3g2", "flv", "wmv", "asf", "ogv", "mpg", "mpeg", "ts", "m2ts",
    "mts", "mxf", "vob", "f4v", "divx", "rm", "rmvb",
))  # fmt: skip
"""Extensions by which a file claims to be a video, so that it is reported when it is not one."""

_CHUNK = 65_536


def expand(names: Iterable[str], *, stdin: IO[bytes] | None = None, separator: bytes = b"\n") -> Iterator[Path]:
    """Yield the files that `names` stand for, as they come.

    A folder stands for the videos below it, by content or claim; a pattern that is no file's name for what it matches;
    `-` for the paths on `stdin`, each ended by `separator`. A name that matches nothing is yielded as it is.
    Raises UsageError for an empty one.
    """
    for name in names:
        if name == "-" and stdin is not None:
            for path in read_paths(stdin, separator):
                yield from _meant(path)
        else:
            yield from _meant(name)


def _meant(name: str) -> Iterator[Path]:
    if not name:
        # Path("") is the current folder, which an unset variable of a script does not mean.
        raise UsageError("One of the names is empty.", hint="Name a file, or `.` for the folder you are in.")
    path = Path(name)
    try:
        if path.is_dir():
            yield from walk(path)
            return
        matches = [] if os.path.lexists(path) else _matching(name)
    except ValueError:
        # A NUL in the name: no file can have it, which the check reports.
        matches = []
    for match in matches:
        yield from _meant(match)
    if not matches:
        yield path


def _matching(pattern: str) -> list[str]:
    """Return what `pattern` matches, each file once: links to folders above would give it again and again."""
    if not glob.has_magic(pattern):
        return []
    found = sorted(glob.glob(pattern, recursive=True), key=lambda name: (name.count(os.sep), name))  # noqa: PTH207
    once = {os.path.realpath(name): name for name in reversed(found)}
    return sorted(once.values())


def read_paths(stream: IO[bytes], separator: bytes) -> Iterator[str]:
    """Yield each path on `stream` as soon as it is complete; empty ones are passed over.

    Args:
        stream: bytes, such as standard input.
        separator: the byte between two paths, a line feed or NUL.
    """
    rest = b""
    read = getattr(stream, "read1", stream.read)
    while chunk := read(_CHUNK):
        *whole, rest = (rest + chunk).split(separator)
        yield from (os.fsdecode(name) for name in whole if name)
    if rest:
        yield os.fsdecode(rest)


def walk(folder: Path) -> Iterator[Path]:
    """Yield the videos below `folder`, sorted by name in each folder; links to folders are not followed.

    Hidden files and folders are passed over: `._clip.mp4` is no video but what macOS notes about one.
    """
    try:
        with os.scandir(folder) as found:
            entries = sorted((e for e in found if not e.name.startswith(".")), key=lambda entry: entry.name)
    except OSError:
        # A folder that can't be listed is yielded itself: the check reports why.
        yield folder
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
        elif _is_video(entry):
            yield Path(entry.path)


def _is_video(entry: os.DirEntry[str]) -> bool:
    if Path(entry.name).suffix[1:].lower() in VIDEO_EXTENSIONS:
        return True
    try:
        if not stat.S_ISREG(entry.stat().st_mode):
            return False
        fd = os.open(entry.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return False
    try:
        return sniff.sniff(os.read(fd, sniff.HEAD)) in sniff.MEDIA
    except OSError:
        return False
    finally:
        os.close(fd)
