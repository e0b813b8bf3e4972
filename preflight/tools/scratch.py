"""Hidden folders for unfinished files: removed at the end, and by the next run when their process was killed.

All of them lie in one hidden folder of the output folder, so that looking for what was left costs the same however many
results there are.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARENT = ".preflight"
"""Name of the folder that holds the hidden folders; it exists only as long as one of them does."""

_NEW, _HELD = "new-", "held-"


@contextmanager
def hidden_folder(folder: Path) -> Iterator[Path]:
    """Make a hidden folder in `folder` for a block, and remove those of dead processes. Raises OSError.

    The kernel's lock on it ends with its process, however that ends: a folder that can be locked belongs to nobody.
    """
    parent = folder / PARENT
    _sweep(parent)
    held, lock = _made(parent)
    try:
        yield held
    finally:
        shutil.rmtree(held, ignore_errors=True)
        if lock is not None:
            os.close(lock)
        # Another run's folder keeps it.
        with suppress(OSError):
            parent.rmdir()


def _made(parent: Path) -> tuple[Path, int | None]:
    while True:
        try:
            parent.mkdir(mode=0o700, exist_ok=True)
            # Locked, and only then given the name under which it is filled.
            new = Path(tempfile.mkdtemp(prefix=_NEW, dir=parent))
        except FileNotFoundError:
            if not parent.parent.is_dir():
                raise
            # Removed as empty by another process between the two.
            continue
        lock = lock_folder(new)
        try:
            return new.rename(new.with_name(_HELD + new.name[len(_NEW) :])), lock
        except FileNotFoundError:
            # Swept by another process before it was locked.
            if lock is not None:
                os.close(lock)


def _sweep(parent: Path) -> None:
    for left in (*parent.glob(_HELD + "*"), *parent.glob(_NEW + "*")):
        lock = lock_folder(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def lock_folder(folder: Path) -> int | None:
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
