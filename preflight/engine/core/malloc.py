"""Return freed memory to the system, so that memory use depends on the frame size and not on the video's length."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable


def release_freed_memory() -> None:
    """Return all freed memory of this process to the system.

    glibc keeps freed memory below any block that is still in use, so a long run leaves more and more holes.
    """
    _malloc_trim()(0)


@functools.cache
def _malloc_trim() -> Callable[[int], object]:
    function = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    return function or (lambda _: None)
