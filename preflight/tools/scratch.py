"""Hidden folders for what is half made: gone at the end, and swept by the next one when their process was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW, _HELD = ".preflight~", ".preflight-"


@contextmanager
def hidden(folder: Path) -> Iterator[Path]:
    """Make a hidden folder in `folder` for a block, and remove those of dead processes. Raises OSError.

    The kernel's lock on it ends with its process, however that ends: what can be locked belongs to nobody.
    """
    _sweep(folder)
    held, lock = _made(folder)
    try:
        yield held
    finally:
        shutil.rmtree(held, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _made(folder: Path) -> tuple[Path, int | None]:
    while True:
        # Locked, and only then given the name under which it is filled.
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=folder))
        lock = _lock(new)
        try:
            return new.rename(new.with_name(_HELD + new.name[len(_NEW) :])), lock
        except FileNotFoundError:
            # Swept by another process before it was locked.
            if lock is not None:
                os.close(lock)


def _sweep(folder: Path) -> None:
    for left in (*folder.glob(_HELD + "*"), *folder.glob(_NEW + "*")):
        lock = _lock(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Return the descriptor of a lock on `folder`, None when another process has it or there is no such lock here."""
    try:
        import fcntl
    except ImportError:
        # Windows can't lock a folder; what a killed process leaves there stays.
        return None
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor
