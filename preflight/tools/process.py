"""Child processes: bounded in time, killed with all their descendants, with the end of their log kept."""

from __future__ import annotations

import atexit
import logging
import os
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from preflight.errors import CancelledError, ToolError, ToolMissingError
from preflight.events import Cancel

_log = logging.getLogger(__name__)


PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL
_TAIL_LINES = 40
"""Lines of stderr that are kept."""
_POLL = 0.1
"""Seconds between two looks at the cancel flag and the clock while a process runs."""
_STALLED = 5.0
"""Seconds without a byte after which a pipe that a dead child left open counts as held by a stranger."""
_CHUNK = 1 << 16
"""Bytes read at a time: what a pipe holds on Linux."""


_GUARDIAN = """
trap '' INT TERM HUP
live=' '
while read -r change group; do
  case $change in
    +) live="$live$group " ;;
    -) live="${live%% $group *} ${live#* $group }" ;;
  esac
done
for group in $live; do kill -KILL "-$group" 2>/dev/null; done
"""
"""A shell that receives the id of every process group and kills the groups that are left when its input ends.

Its input ends when this process does, in whatever way: not even SIGKILL leaves children behind.
"""


class _Guardian:
    """The one guardian of this process, started with the first child. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None
        self.running: set[Running] = set()

    def tell(self, change: str, group: int) -> None:
        """Report that a group of processes began (`+`) or ended (`-`)."""
        if os.name != "posix":
            return
        with self._lock:
            if self._shell is None:
                self._shell = self._start()
            assert self._shell.stdin is not None  # noqa: S101
            try:
                self._shell.stdin.write(f"{change} {group}\n".encode())
                self._shell.stdin.flush()
            except (OSError, ValueError):
                # Somebody killed the guardian: children are then ended by `Running.kill` alone. Or it has ended with
                # all its groups, since the interpreter is ending, and a generator that held a child is finalized.
                return

    def _start(self) -> subprocess.Popen[bytes]:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", _GUARDIAN], stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        atexit.register(self._end, shell)
        return shell

    def _end(self, shell: subprocess.Popen[bytes]) -> None:
        # A generator that was left suspended is finalized later, when a thread that reads a pipe can't be joined.
        for running in tuple(self.running):
            running.kill()
        if shell.stdin is not None:
            _close(shell.stdin)
        shell.wait()


_guardian = _Guardian()


class _PipeReader(threading.Thread):
    """Reads one pipe to its end. `progress` counts the reads; `error` is what the receiver raised."""

    def __init__(self, stream: IO[bytes], receive: Callable[[bytes], object], *, lines: bool) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._receive = receive
        self._lines = lines
        self.progress = 0
        self.receiving = False
        self.error: BaseException | None = None

    def run(self) -> None:
        """Read until every holder of the pipe's other end has closed it."""
        try:
            while chunk := self._read():
                self.progress += 1
                self.receiving = True
                self._receive(chunk)
                self.receiving = False
        except ValueError:
            # The pipe was closed here, because the process was killed.
            return
        except BaseException as error:  # noqa: BLE001
            # A child whose pipe nobody reads would never end, so the rest is read and forgotten.
            self.error = error
            while self._stream.read(_CHUNK):
                pass

    def _read(self) -> bytes:
        return self._stream.readline() if self._lines else self._stream.read(_CHUNK)

    def finish(self) -> bool:
        """Wait for the end of the pipe; return False when nothing has come for long though the child is dead."""
        while True:
            before = self.progress
            self.join(_STALLED)
            if not self.is_alive():
                return True
            if self.progress == before and not self.receiving:
                return False


class Running:
    """A started process: its pipes, its exit status, and the end of its log on stderr."""

    def __init__(self, popen: subprocess.Popen[bytes], tail_lines: int = _TAIL_LINES) -> None:
        self._popen = popen
        self._tail: deque[str] = deque(maxlen=tail_lines)
        self._readers: list[_PipeReader] = []
        # A full stderr pipe would stop the child, so it is read whatever the caller does.
        self._log = self._reader(popen.stderr, self._keep, lines=True)

    def _keep(self, line: bytes) -> None:
        self._tail.append(line.decode("utf-8", "replace").rstrip())

    def _reader(self, stream: IO[bytes] | None, receive: Callable[[bytes], object], *, lines: bool) -> _PipeReader:
        assert stream is not None  # noqa: S101
        reader = _PipeReader(stream, receive, lines=lines)
        reader.start()
        return reader

    def read(self, receive: Callable[[bytes], object], *, lines: bool = True) -> None:
        """Hand every line of stdout, or every chunk, to `receive` on a thread. Only when started with `stdout=PIPE`."""
        self._readers.append(self._reader(self._popen.stdout, receive, lines=lines))

    @property
    def pid(self) -> int:
        """The process id, which is its group's id too."""
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe to the child. Only when started with `stdin=PIPE`."""
        assert self._popen.stdin is not None  # noqa: S101
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe from the child. Only when started with `stdout=PIPE`."""
        assert self._popen.stdout is not None  # noqa: S101
        return self._popen.stdout

    @property
    def stderr_tail(self) -> str:
        """The last lines of stderr."""
        return "\n".join(self._tail)

    def wait(self, *, timeout: float | None = None, cancel: Cancel | None = None) -> int:
        """Return the exit status, once all output that `read` was asked for has been received.

        Raises ToolError on time-out and where the output may be truncated, CancelledError, and what a receiver raised;
        the process is then dead.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                status = self._popen.wait(_POLL if cancel or end else None)
            except subprocess.TimeoutExpired:
                if cancel and cancel.is_set():
                    self.kill()
                    raise CancelledError("Stopped on request.") from None
                if end is not None and time.monotonic() > end:
                    self.kill()
                    raise ToolError(f"{self._popen.args[0]!s} took longer than {timeout:g} s.") from None  # type: ignore[index]
            else:
                self._receive_rest()
                return status

    def kill(self) -> None:
        """Kill the process and every child of it, and reap it."""
        if self._popen.poll() is None:
            _kill_group(self._popen)
        self._popen.wait()
        for reader in (*self._readers, self._log):
            reader.finish()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if stream is not None:
                _close(stream)

    def _receive_rest(self) -> None:
        # A descendant may hold the pipes open for longer than the child lives.
        _kill_group(self._popen)
        self._log.finish()
        for reader in self._readers:
            if not reader.finish():
                raise ToolError(f"The output of {self._popen.args[0]!s} is incomplete: its pipe stayed open.")  # type: ignore[index]
            if reader.error is not None:
                raise reader.error


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        # A pipe to a dead child cannot be flushed, and need not be.
        return


def _kill_group(popen: subprocess.Popen[bytes]) -> None:
    if os.name == "posix":
        try:
            os.killpg(popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    else:
        popen.kill()


@contextmanager
def start(
    argv: Sequence[str],
    *,
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    tail_lines: int = _TAIL_LINES,
    **options: Any,
) -> Iterator[Running]:
    """Start `argv` in a group of its own and kill the group when the block is left before it ended.

    The last `tail_lines` lines of its log are kept.
    `options` go to `subprocess.Popen` (`cwd`, `env`, `bufsize`, `pass_fds`). Raises ToolMissingError.
    """
    try:
        popen = subprocess.Popen(
            list(argv), stdin=stdin, stdout=stdout, stderr=PIPE, start_new_session=os.name == "posix", **options
        )
    except (FileNotFoundError, PermissionError) as error:
        raise ToolMissingError(
            f"{argv[0]} can't be started: {error.strerror}.", hint="Run `preflight doctor`."
        ) from error
    _log.debug("process %d: %s", popen.pid, shlex.join(map(str, argv)))
    running = Running(popen, tail_lines)
    try:
        _guardian.running.add(running)
        _guardian.tell("+", popen.pid)
        yield running
    finally:
        running.kill()
        _guardian.running.discard(running)
        _guardian.tell("-", popen.pid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A finished process."""

    status: int
    stdout: bytes
    stderr_tail: str


def run(
    argv: Sequence[str],
    *,
    timeout: float | None = None,
    cancel: Cancel | None = None,
    on_line: Callable[[str], None] | None = None,
    **options: Any,
) -> Completed:
    """Run `argv` to its end; `on_line` gets each line of stdout, which is otherwise returned whole.

    Raises ToolMissingError, ToolError on time-out and for truncated output, CancelledError.
    """
    kept: list[bytes] = []

    def receive(line: bytes) -> None:
        if on_line is not None:
            on_line(line.decode("utf-8", "replace").strip())

    with start(argv, stdout=PIPE, **options) as running:
        running.read(kept.append if on_line is None else receive, lines=on_line is not None)
        status = running.wait(timeout=timeout, cancel=cancel)
        return Completed(status=status, stdout=b"".join(kept), stderr_tail=running.stderr_tail)
