"""The worker's main loop: a path comes in on stdin, facts as JSON go out on stdout, until stdin ends.

Each message is four bytes of length, big-endian, and that many bytes.
"""

from __future__ import annotations

import gc
import os
import stat
import sys

from preflight.probe.sandbox import bmff, ebml, files, riff, sniff
from preflight.probe.sandbox.answer import encode
from preflight.probe.sandbox.files import read_at
from preflight.probe.sandbox.library import MediaInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    import resource
except ImportError:  # Windows has no such limits: the parent's time-out remains.
    resource = None  # type: ignore[assignment]

TRACED = b"\0reads"
"""Ends a path of which the reply shall say what was read. No path has a NUL."""

_HEADERS = {sniff.BMFF: bmff.read, "matroska": ebml.read, "avi": riff.read}


def main() -> None:
    """Serve requests. `sys.argv`: the library's path, the memory limit in bytes, CPU seconds a file."""
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))


def clear_environment() -> None:
    """Wipe this process's environment, which is the original's, and take on the locale that an empty one stands for.

    For a process that was copied (Linux): what is in the environment may be secret, and is not the parser's business.
    """
    import ctypes
    from _locale import LC_CTYPE, Error, setlocale  # type: ignore[attr-defined]

    for value in os.environb.values():
        # Freed, these bytes would lie about until something else needs the memory. A single one is everybody's.
        if len(value) > 1:
            ctypes.memset(id(value) + bytes.__basicsize__ - 1, 0, len(value))
    os.environ.clear()
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123
        # Fields 50 and 51 of proc(5), counted from the third, which follows the name in brackets.
        start, end = map(int, file.read().rpartition(b")")[2].split()[47:49])
    ctypes.memset(start, 0, end - start)
    try:
        setlocale(LC_CTYPE, "C.UTF-8")
    except Error:
        setlocale(LC_CTYPE, "C")


def serve(library: str, memory: int, seconds: int) -> None:
    """Serve requests with MediaInfo's `library`, within `memory` bytes and `seconds` of computing a file."""
    requests, replies = os.fdopen(0, "rb", closefd=False), os.fdopen(os.dup(1), "wb")
    # Whatever a library prints goes to stderr, not between the messages.
    os.dup2(2, 1)
    _bound(memory)
    parser = MediaInfo(library)
    # Off until here: what was loaded stays, and looking through it for garbage would take longer than loading it.
    gc.freeze()
    gc.enable()
    while path := _receive(requests):
        if resource is not None:
            spent = resource.getrusage(resource.RUSAGE_SELF)
            limit = int(spent.ru_utime + spent.ru_stime) + seconds + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        reply = encode(answer(parser, path))
        replies.write(len(reply).to_bytes(4) + reply)
        replies.flush()


def _receive(stream: Any) -> bytes:
    length = int.from_bytes(stream.read(4))
    data: bytes = stream.read(length)
    return data


def _bound(memory: int) -> None:
    if resource is not None:
        for kind, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
            resource.setrlimit(kind, (value, value))


def answer(parser: MediaInfo, path: bytes) -> dict[str, Any]:
    """Return the reply to a request for `path`: its facts, or why there are none.

    Args:
        parser: MediaInfo, loaded.
        path: the file, as the caller wrote it.
    """
    if path.endswith(TRACED):
        files.trace(on=True)
        facts = answer(parser, path.removesuffix(TRACED))
        facts["reads"] = list(files.TRACE)
        files.trace(on=False)
        return facts
    try:
        # Not blocking, in case the file was replaced by a FIFO since the gate looked at it.
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        return {"errno": error.errno}
    try:
        with _NoNewFiles():
            return read_facts(parser, fd)
    except OSError as error:
        return {"errno": error.errno}
    except MemoryError:
        return {"memory": True}
    finally:
        os.close(fd)


class _NoNewFiles:
    """While active, the kernel refuses this process every new file and socket, whatever the bytes ask for."""

    def __enter__(self) -> None:
        if resource is not None:
            self.before = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, self.before[1]))

    def __exit__(self, *_: object) -> None:
        if resource is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, self.before)


def read_facts(parser: MediaInfo, fd: int) -> dict[str, Any]:
    """Return what the file open as `fd` states, as JSON can hold it. Raises OSError, MemoryError.

    Args:
        parser: MediaInfo, loaded.
        fd: the open file.
    """
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return {"special": True}
    head = read_at(fd, sniff.HEAD, 0)
    kind = sniff.sniff(head)
    facts: dict[str, Any] = {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
        "kind": kind,
    }
    if kind not in sniff.MEDIA:
        return facts
    if kind in _HEADERS:
        facts["header"] = _HEADERS[kind](fd, status.st_size)
        if kind == sniff.BMFF and not facts["header"]["has_movie"]:
            return facts
    skip = bmff.skippable_ranges(facts["header"]) if kind == sniff.BMFF else []
    facts.get("header", {}).pop("data", None)
    facts["mediainfo"] = parser.read(fd, status.st_size, kind=kind, skip=skip)
    after = os.fstat(fd)
    facts["changed"] = (after.st_size, after.st_mtime_ns) != (status.st_size, status.st_mtime_ns)
    return facts
