"""Result URL -> file: resumed with Range after a break, checked for length, renamed when whole."""

from __future__ import annotations

import errno
import filecmp
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3

from preflight.errors import CancelledError, DiskFullError, ServiceError, ToolError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.job import SecretUrl
from preflight.removal import transport, wire
from preflight.tools import files

ATTEMPTS = 6
"""Breaks in a row, with less than LEAST new bytes between them, after which a download ends."""

LEAST = 1 << 16
"""Bytes that `_WINDOW` seconds have to bring: a trickle would keep a run for ever."""

EXPIRED = frozenset({401, 403, 404, 410})
"""HTTP statuses of a URL that serves no longer; a fresh one may."""

SIZE_LIMIT = 4 << 30
"""Bytes. A result is about as large as what was sent (200 MB at most); this only stops a server that never ends."""

_CHUNK = 1 << 18
"""Bytes that are read and written at a time."""

_STALL = 30.0
"""Seconds without a byte after which a connection is given up."""

_WINDOW = 30.0
"""Seconds in which LEAST bytes have to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """Which bytes the partial file holds the beginning of: the server's validator and the whole length."""

    validator: str
    total: int


class _BrokenError(Exception):
    """The transfer broke off and can go on."""


class _MinimumRate:
    """Ends a transfer that brings too few bytes."""

    def __init__(self, done: int) -> None:
        self._start_over(done)

    def require(self, done: int) -> None:
        """Raise _BrokenError when the last `_WINDOW` seconds brought less than LEAST bytes."""
        if done >= self._enough:
            self._start_over(done)
        elif time.monotonic() > self._end:
            raise _BrokenError("the bytes come too slowly")

    def _start_over(self, done: int) -> None:
        self._enough, self._end = done + LEAST, time.monotonic() + _WINDOW


class _Download:
    def __init__(self, url: SecretUrl, destination: Path, listener: Listener, cancel: Cancel | None) -> None:
        # A digest, since the name itself may already have the 255 bytes that file systems allow.
        stem = hashlib.sha256(os.fsencode(destination.name)).hexdigest()[:16]
        self.url = url
        self.part = destination.with_name(f".{stem}.part")
        self.note = destination.with_name(f".{stem}.part.json")
        self.listener = listener
        self.cancel = cancel

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def version(self) -> _Version | None:
        """Return which version the partial file is of, or None when there is nothing to go on with."""
        try:
            fields = json.loads(self.note.read_text())
            return _Version(validator=str(fields["validator"]), total=int(fields["total"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def attempt(self, http: requests.Session, verify: str | bool) -> None:
        """Fetch what is missing. Raises _BrokenError when the rest may come later."""
        known = self.version()
        have = self.part.stat().st_size if known and self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if known and 0 < have < known.total:
            headers |= {"Range": f"bytes={have}-", "If-Range": known.validator}
        with http.get(self.url.reveal(), headers=headers, timeout=_STALL, verify=verify, stream=True) as response:
            if response.status_code == 206 and known and _continues(response, have, known.total):
                self._write(response, have, known.total)
            elif response.status_code == 200:
                self._write(response, 0, self._begin(response))
            else:
                if response.status_code in {206, 416}:
                    # What is here is no beginning of what the server has.
                    self.discard()
                raise _refusal(response)

    def _begin(self, response: requests.Response) -> int | None:
        """Note which version begins and return its length, None for a reply in chunks, which tells its end itself.

        A reply with neither ends where the connection does, be it whole or cut, and is not taken.
        """
        self.discard()
        length = response.headers.get("Content-Length", "")
        if not length.isdigit():
            if response.headers.get("Transfer-Encoding", "").lower() != "chunked":
                raise _BrokenError("the server does not say how long the result is")
            return None
        etag = response.headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
        if validator:
            self.note.write_text(json.dumps({"validator": validator, "total": int(length)}))
        return int(length)

    def _write(self, response: requests.Response, start: int, total: int | None) -> None:
        done, pace = start, _MinimumRate(start)
        with self.part.open("ab" if start else "wb") as file:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                file.write(chunk)
                done += len(chunk)
                if done > (SIZE_LIMIT if total is None else total):
                    raise _too_long(done, total)
                self.listener(Progress(stage=Stage.FETCH, done=done, total=total, unit="B"))
                _check(self.cancel)
                pace.require(done)
            file.flush()
            os.fsync(file.fileno())
        if total is not None and done != total:
            raise _BrokenError(f"{done} of {total} bytes came")


def fetch(
    url: SecretUrl,
    destination: Path,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
    *,
    ca_bundle: str | None = None,
    accept: Callable[[Path], None] | None = None,
    overwrite: bool = True,
) -> Path:
    """Download `url` to `destination` and return it; `accept` may raise for content that is not what is expected.

    Without `overwrite` an existing file of another content is kept, and what is returned has a number in its name.

    The bytes go to a hidden file beside it first, which stays after a break, a cancel or a crash, so that the next call
    goes on where it stopped. Raises ServiceError, CancelledError, DiskFullError and ToolError (the folder can't be
    written).
    """
    if wire.host_of(url.reveal()) is None:
        raise ServiceError(f"The result URL {url} is not http(s).")
    download = _Download(url, destination, listener, cancel)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        _attempts(download, ca_bundle or True)
        _examine(download, accept)
        destination = _place(download.part, destination, overwrite=overwrite)
        download.note.unlink(missing_ok=True)
    except OSError as error:
        with suppress(OSError):
            download.discard()
        raise _disk_error(error, destination) from error
    return destination


def _place(part: Path, destination: Path, *, overwrite: bool) -> Path:
    """Give the whole file its name, or, when that is taken by another content, its name with a number; return it."""
    if overwrite:
        return part.replace(destination)
    if destination.is_file() and filecmp.cmp(part, destination, shallow=False):
        part.unlink()
        return destination
    return files.publish(part, destination)


def _examine(download: _Download, accept: Callable[[Path], None] | None) -> None:
    try:
        if accept is not None:
            accept(download.part)
    except BaseException:
        download.discard()
        raise


def _attempts(download: _Download, verify: str | bool) -> None:
    breaks = enough = 0
    with transport.session(download.url.reveal()) as http:
        while True:
            try:
                download.attempt(http, verify)
            except (_BrokenError, requests.RequestException, urllib3.exceptions.HTTPError) as error:
                reason = str(error) if isinstance(error, _BrokenError) else transport.reason(error)
            else:
                return
            size = download.part.stat().st_size if download.part.exists() else 0
            if size >= enough:
                breaks, enough = 0, size + LEAST
            breaks += 1
            if breaks >= ATTEMPTS:
                raise ServiceError(
                    f"The download of {download.url} broke off {breaks} times in a row: {reason}.",
                    hint="`preflight resume` goes on from there.",
                    retryable=True,
                )
            _pause(0.2 * 2**breaks, download.cancel)


def _continues(response: requests.Response, have: int, total: int) -> bool:
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""), re.ASCII)
    return match is not None and int(match[1]) == have and int(match[3]) == total


def _refusal(response: requests.Response) -> Exception:
    status = response.status_code
    if status in {206, 408, 416, 429} or status >= 500:
        return _BrokenError(f"HTTP {status}")
    return ServiceError(
        f"The result can't be fetched: HTTP {status}.",
        hint="The URL may have expired; ask for the task again and fetch at once.",
        code=status,
        retryable=True,
    )


def _too_long(done: int, total: int | None) -> ServiceError:
    expected = f"{total} bytes were announced" if total is not None else f"the limit is {SIZE_LIMIT} bytes"
    return ServiceError(f"The server sent {done} bytes of the result and does not stop; {expected}.")


def _disk_error(error: OSError, destination: Path) -> ToolError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFullError(
            f"No room for {destination}.", hint="Free some space, or choose another output folder with -o."
        )
    return ToolError(f"{destination} can't be written: {error.strerror}.", hint="Choose another folder with -o.")


def _check(cancel: Cancel | None) -> None:
    if cancel is not None and cancel.is_set():
        raise CancelledError("Stopped while fetching the result.", hint="`preflight resume` goes on from there.")


def _pause(seconds: float, cancel: Cancel | None) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _check(cancel)
        time.sleep(min(left, 0.1))
