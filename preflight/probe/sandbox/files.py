"""Reading at a position."""

from __future__ import annotations

import errno
import os

TRACE: list[tuple[int, int]] = []
"""What was read of the file that is traced: positions and counts of bytes."""

_state = {"traced": False}


def trace(*, on: bool) -> None:
    """Note the reads from here on, or stop that."""
    TRACE.clear()
    _state["traced"] = on


def read_at(fd: int, count: int, position: int) -> bytes:
    """Return up to `count` bytes from `position` of the file open as `fd`, b'' past its end. Raises OSError."""
    if _state["traced"]:
        TRACE.append((position, count))
    try:
        os.lseek(fd, position, os.SEEK_SET)
    except (OSError, OverflowError) as error:
        # A size from a spoiled header can point beyond what any file of this file system can have.
        if getattr(error, "errno", errno.EINVAL) != errno.EINVAL:
            raise
        return b""
    return os.read(fd, count)
