"""Reading at a position."""

from __future__ import annotations

import os


def read_at(fd: int, count: int, position: int) -> bytes:
    """Return up to `count` bytes from `position` of the file open as `fd`, b'' past its end. Raises OSError."""
    if position >= 2**63:
        return b""
    os.lseek(fd, position, os.SEEK_SET)
    return os.read(fd, count)
