"""The private folder of the local service, and locks on files that end with the process that holds them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

PRIVATE = 0o700
"""Mode of folders that only this user can enter."""


def make_private(folder: Path) -> None:
    """Make a folder that only this user can enter.

    Args:
        folder: the folder; its parents are made private where they are missing, and left as they are otherwise.

    Raises:
        OSError: the folder can't be made, or belongs to another user.
    """
    missing = [parent for parent in folder.parents if not parent.exists()]
    for path in (*reversed(missing), folder):
        path.mkdir(mode=PRIVATE, exist_ok=True)
    folder.chmod(PRIVATE)


def try_lock(path: Path) -> IO[bytes] | None:
    """Open and lock a file.

    Args:
        path: the file; it is created when it is missing.

    Returns:
        The file, locked until it is closed or the process ends, or None when another holder has it.

    Raises:
        OSError: the file can't be opened.
    """
    file = path.open("ab")
    try:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        file.close()
        return None
    return file
