"""The only module that starts processes: bounded, killed with all their children, their last words kept."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from preflight.errors import CancelledError, ToolError, ToolMissingError
from preflight.events import Cancel
from preflight.tools.spawn import Helper

PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL
_TAIL_LINES = 40
_POLL = 0.1
_JOIN = 5.0


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
"""A shell that is told of every group of processes and kills those that are left when its input ends.

Its input ends when this process does, in whatever way: not even SIGKILL leaves children behind.
"""


class _Guardian:
    """The one guardian of this process, started with the first child. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None

    def tell(self, change: str, group: int) -> None:
        """Say that a group of processes began (`+`) or ended (`-`)."""
        if os.name != "posix":
            return
        with self._lock:
            if self._shell is None:
                self._shell = self._start()
            assert self._shell.stdin is not None  # noqa: S101
            try:
                self._shell.stdin.write(f"{change} {group}\n".encode())
                self._shell.stdin.flush()
            except OSError:
                # Somebody killed the guardian: children are then ended by `Running.kill` alone.
                return

    def _start(self) -> subprocess.Popen[bytes]:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", _GUARDIAN], stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        atexit.register(self._end, shell)
        return shell

    def _end(self, shell: subprocess.Popen[bytes]) -> None:
        if shell.stdin is not None:
            _close(shell.stdin)
        shell.wait()


_guardian = _Guardian()


class Running:
    """A started process: its pipes, its exit, and the tail of what it said on stderr."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        # A full stderr pipe would stop the child, so it is read whatever the caller does.
        self._readers: list[threading.Thread] = []
        self.read(popen.stderr, lambda line: self._tail.append(line.decode("utf-8", "replace").rstrip()))

    def read(self, stream: IO[bytes] | None, hear: Callable[[bytes], object]) -> None:
        """Hand every line of a pipe from the child to `hear`, on a thread that ends with the child."""

        def follow(lines: Iterable[bytes]) -> None:
            for line in lines:
                hear(line)

        reader = threading.Thread(target=follow, args=(stream or (),), daemon=True)
        reader.start()
        self._readers.append(reader)

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
        """Return the exit status. Raises ToolError on time-out and CancelledError; the process is then killed."""
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
                self._join()
                return status

    def kill(self) -> None:
        """Kill the process and every child of it, and reap it."""
        if self._popen.poll() is None:
            _kill_group(self._popen)
        self._popen.wait()
        self._join()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if stream is not None:
                _close(stream)

    def _join(self) -> None:
        # A grandchild may hold the pipes open for longer than the child lives.
        for reader in self._readers:
            reader.join(_JOIN)


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
def start(argv: Sequence[str], *, stdin: int = DEVNULL, stdout: int = DEVNULL, **options: Any) -> Iterator[Running]:
    """Start `argv` in a group of its own and kill the group when the block is left before it ended.

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
    running = Running(popen)
    try:
        _guardian.tell("+", popen.pid)
        yield running
    finally:
        running.kill()
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
    """Run `argv` to its end; `on_line` gets each line of stdout, which is else returned whole.

    Raises ToolMissingError, ToolError on time-out, CancelledError.
    """
    kept: list[bytes] = []

    def hear(line: bytes) -> None:
        if on_line is None:
            kept.append(line)
        else:
            on_line(line.decode("utf-8", "replace").strip())

    with start(argv, stdout=PIPE, **options) as running:
        running.read(running.stdout, hear)
        status = running.wait(timeout=timeout, cancel=cancel)
        return Completed(status=status, stdout=b"".join(kept), stderr_tail=running.stderr_tail)


class _PopenHelper(Helper):
    """A helper where there is no `posix_spawn` (Windows)."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdin is not None  # noqa: S101
        assert popen.stdout is not None  # noqa: S101
        super().__init__(popen.pid, popen.stdin, popen.stdout)
        self._popen = popen

    def read(self, count: int, *, timeout: float) -> bytes:
        """Return `count` bytes of what the process says, fewer when it ends. Raises TimeoutError."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._popen.kill()

        timer = threading.Timer(timeout, stop)
        timer.daemon = True
        timer.start()
        data = self.stdout.read(count)
        timer.cancel()
        if late.is_set():
            raise TimeoutError
        return data

    def terminate(self) -> None:
        """Kill the process."""
        self._popen.kill()

    def close(self) -> int:
        """Kill the process if it still runs, close the pipes and return its exit status."""
        self._popen.kill()
        with self._popen:
            return self._popen.wait()


def helper(argv: Sequence[str], environment: Mapping[str, str]) -> Helper:
    """Start a helper process as `spawn.spawn` does, on any system. Raises OSError."""
    return _PopenHelper(subprocess.Popen(list(argv), env=dict(environment), stdin=PIPE, stdout=PIPE, stderr=DEVNULL))
