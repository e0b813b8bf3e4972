"""Pieces of work that another process or machine does: each in a folder of its own, of which nothing is left.

A task that is taken for lost may still run, and then runs twice at a time. So no two calls share a folder.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from preflight.settings import Settings
from preflight.tools import files

_T = TypeVar("_T")

_TASK = "task-"
"""Begins the names of the folders of tasks."""

ABANDONED = 86_400.0
"""Seconds after which a task's folder must be one that a killed process has left."""


def call_elsewhere(work: Callable[..., _T], *arguments: object, settings: Settings, **options: Any) -> _T:
    """Return what `work` returns, with a state folder of its own that is removed then.

    Copies of objects are shared by the tasks of a machine and kept up to the setting `cache_size`.
    """
    tasks = settings.home.absolute() / "work"
    tasks.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(tasks)
    home = tasks / f"{_TASK}{secrets.token_hex(8)}"
    home.mkdir(mode=0o700)
    try:
        return work(*arguments, settings=settings.with_home(home), **options)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        copies = copies_folder(home)
        if copies.is_dir():
            with suppress(OSError):
                files.prune(copies, settings.cache_size)


def copies_folder(home: Path) -> Path:
    """Return the folder for copies of objects on this machine, for a state folder or that of a task."""
    home = home.absolute()
    return (home.parent if home.name.startswith(_TASK) else home / "work") / "copies"


def _sweep(tasks: Path) -> None:
    """Remove the folders of tasks whose process was killed long ago."""
    for folder in tasks.glob(f"{_TASK}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
