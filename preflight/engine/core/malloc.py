"""Freed memory goes back to the system, so that what the engine takes depends on the picture, not on the length."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable


def give_back() -> None:
    """Return all freed memory of this process; glibc keeps it, in ever more holes, as long as something lies above."""
    _trim()(0)


@functools.cache
def _trim() -> Callable[[int], object]:
    found = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    return found or (lambda _: None)
