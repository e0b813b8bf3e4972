"""What is freed goes back to the system, also from between what stays."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from preflight.engine.core import malloc

_BLOCK, _COUNT = 64_000, 1500
_GLIBC = platform.libc_ver()[0] == "glibc"


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not _GLIBC, reason="only glibc keeps what is freed and can be told to give it back")
def test_holes_in_the_heap_are_given_back() -> None:
    blocks = [b"x" * _BLOCK for _ in range(_COUNT)]
    stay = blocks[::10]
    del blocks
    before = resident()
    malloc.release_freed_memory()
    assert before - resident() > 0.7 * _BLOCK * (_COUNT - len(stay))
