"""The first check of a path, by its file status alone: nothing is opened."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from preflight.model.media import Unreadable

_HINTS = {
    "missing": "Check the spelling and the folder.",
    "dangling-link": "Mend the link or name the file itself.",
    "directory": "Name a file, or let `preflight check` walk the folder.",
    "special-file": "Save the video to a regular file first.",
    "permission": "Give yourself the right to read it (chmod u+r) or copy it.",
    "bad-path": "Rename the file.",
    "empty": "Copy or download it again.",
    "io-error": "Check the disk or the network share it is on.",
}
_SPECIAL = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def unreadable(path: Path, reason: str, detail: str, *, hint: str | None = None, size: int | None = None) -> Unreadable:
    """Return the `Unreadable` for `reason` with the hint that goes with it.

    Args:
        path: the file.
        reason: a stable slug.
        detail: a sentence for people.
        hint: the next step, where the usual one of the reason does not fit.
        size: bytes, where known.
    """
    return Unreadable(path=path, reason=reason, detail=detail, hint=hint or _HINTS.get(reason, ""), size=size)


def check_status(path: Path) -> Unreadable | None:
    """Return why `path` can't be read as a file, or None when it is a regular file that is not empty.

    Nothing is opened, so pipes, sockets and devices neither block nor act.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - a path of bytes that are no text must work too
    except ValueError:
        return unreadable(path, "bad-path", "The path has a NUL character, which no file name can have.")
    except OSError as error:
        return from_errno(path, error.errno or 0)
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        if not os.access(path, os.R_OK | os.X_OK):
            return from_errno(path, errno.EACCES)
        return unreadable(path, "directory", "It is a folder, not a video file.")
    if kind != stat.S_IFREG:
        return special_file(path, kind)
    if status.st_size == 0:
        return unreadable(path, "empty", "The file is empty (0 bytes).", size=0)
    return None


def special_file(path: Path, kind: int = 0) -> Unreadable:
    """Return the `Unreadable` for a path that is no regular file; `kind` is the type part of its mode."""
    return unreadable(path, "special-file", f"It is {_SPECIAL.get(kind, 'a special file')}, not a video file.")


def from_errno(path: Path, number: int) -> Unreadable:
    """Return the `Unreadable` for the `errno` with which opening or looking failed.

    Args:
        path: the file.
        number: the error number, such as `errno.ENOENT`.
    """
    if number == errno.ENOENT and path.is_symlink():
        return unreadable(path, "dangling-link", "It is a link to a file that does not exist.")
    if number in {errno.ENOENT, errno.ENOTDIR}:
        return unreadable(path, "missing", "There is no such file.")
    if number in {errno.EACCES, errno.EPERM}:
        return unreadable(path, "permission", "You have no permission to read it.")
    if number == errno.ELOOP:
        return unreadable(path, "dangling-link", "It is a link that leads back to itself.")
    if number in {errno.ENAMETOOLONG, errno.EINVAL}:
        return unreadable(path, "bad-path", f"The path can't be used: {os.strerror(number)}.")
    return unreadable(path, "io-error", f"It could not be read: {os.strerror(number)}.")
