"""Videos that are objects in a store: checked by ranges, copied to this machine where their frames are needed."""

from __future__ import annotations

import errno
import hashlib
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from preflight.checking import Terms, check
from preflight.events import Cancel, Listener, ignore
from preflight.model.address import S3Address
from preflight.model.media import Media, Unreadable
from preflight.model.report import Report
from preflight.settings import Settings


def check_remote(
    path: Path, *, terms: Terms, settings: Settings, listener: Listener = ignore, cancel: Cancel | None = None
) -> Report:
    """Return the verdict on the object whose address `path` stands for.

    Only the ranges that the parsers ask for are read, but for a deep check and a look for text, which need a copy.
    Raises StoreError, StoreAccessError, and as `checking.check` does.
    """
    if terms.deep is None and not terms.text:
        return check(path, terms=terms, probe=partial(probe_remote, settings=settings))
    with tempfile.TemporaryDirectory(prefix="preflight-copy-") as folder:
        found = _status(path, settings)
        if isinstance(found, Unreadable):
            return check(path, terms=replace(terms, deep=None, text=False), probe=lambda _: found)
        local = local_copy(path, settings=settings, folder=Path(folder), listener=listener, cancel=cancel)
        verdict = check(local, terms=terms, listener=listener, cancel=cancel)
    return replace(verdict, subject=replace(verdict.subject, path=path))


def probe_remote(path: Path, *, settings: Settings) -> Media | Unreadable:
    """Return what an object is, or why it can't be read. Raises StoreError, StoreAccessError, FileChangedError."""
    from preflight.probe import probe_ranges
    from preflight.storage.remote import read_range, require

    refusal = _status(path, settings)
    if refusal is not None:
        return refusal
    found = require(settings, _address(path))
    return probe_ranges(path, found.size, partial(read_range, settings, found))


def _status(path: Path, settings: Settings) -> Unreadable | None:
    """Return why there is nothing to read at an address, None when there is."""
    from preflight.probe import stat_check
    from preflight.storage.remote import head

    found = head(settings, _address(path))
    if found is None:
        return stat_check.from_errno(path, errno.ENOENT)
    return stat_check.unreadable(path, "empty", "The object is empty (0 bytes).", size=0) if not found.size else None


def local_copy(
    path: Path, *, settings: Settings, folder: Path, listener: Listener = ignore, cancel: Cancel | None = None
) -> Path:
    """Return the file below `folder` that has the bytes of an object; it is copied when it is not there.

    The file's name is the object's, in a folder that is named after the address and the version of the object. Raises
    InputError when there is no object, StoreError, StoreAccessError, FileChangedError, CancelledError.
    """
    from preflight.storage.remote import download, require

    address = _address(path)
    found = require(settings, address)
    version = hashlib.sha256(f"{address}\0{found.etag}\0{found.size}".encode()).hexdigest()[:16]
    return download(settings, found, folder / version / Path(address.key).name, listener=listener, cancel=cancel)


def _address(path: Path) -> S3Address:
    address = S3Address.parse(path)
    assert address is not None  # noqa: S101 - callers ask for addresses only
    return address
