"""Results that go to a store: made in a folder of this machine, then written where no object is yet."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from pathlib import Path

from preflight.errors import StoreError
from preflight.ledger import Job, State
from preflight.model.address import S3Address
from preflight.settings import Settings
from preflight.workflow.output_paths import picture_of, record_of

GROUP = "preflight-group"
"""Metadata field of a result: the id that the jobs of its video share."""

_MOST_NAMES = 100
"""Names that are tried for a result before something must be wrong."""


def staging_folder(home: Path, group: str) -> Path:
    """Return the folder of this machine in which a result is made that goes to a store."""
    return home.absolute() / "work" / f"{group}.out"


def publish(file: Path, folder: S3Address, group: str, *, settings: Settings) -> Path:
    """Write a result and what lies beside it into a folder of a store, and return its address as a path.

    An object of another video is never replaced: the result gets a name with its group's id then. Writing the same
    result twice, as a task that runs again does, leaves one. Raises StoreError, StoreAccessError.
    """
    beside = [path for path in (record_of(file), picture_of(file)) if path != file and path.is_file()]
    for path in beside:
        _put(path, folder, group, settings)
    return _put(file, folder, group, settings).path


def _put(file: Path, folder: S3Address, group: str, settings: Settings) -> S3Address:
    from preflight.storage.remote import head, put_new

    for number in itertools.count():
        stem, dot, rest = file.name.partition(".")
        name = file.name if not number else f"{stem}-{group[:8]}{f'-{number}' if number > 1 else ''}{dot}{rest}"
        address = folder / name
        if put_new(settings, file, address, metadata={GROUP: group}):
            return address
        there = head(settings, address)
        if there is not None and there.metadata.get(GROUP) == group:
            return address
        if number >= _MOST_NAMES:
            break
    raise StoreError(f"No name is free for {file.name} in {folder}.", hint="Use another folder.", retryable=False)


def published(jobs: Sequence[Job], *, settings: Settings) -> Path | None:
    """Return where the result of these jobs is in a store, None when it is not there."""
    from preflight.storage.remote import head

    files = {job.file for job in jobs if job.state is State.FETCHED}
    if len(files) != 1 or not all(job.state is State.FETCHED for job in jobs):
        return None
    file = files.pop()
    address = S3Address.parse(file) if file is not None else None
    if file is None or address is None:
        return None
    found = head(settings, address)
    return file if found is not None and found.metadata.get(GROUP) == jobs[0].group else None


def discard(folder: Path) -> None:
    """Remove a folder in which results were made."""
    shutil.rmtree(folder, ignore_errors=True)
