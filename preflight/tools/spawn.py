"""Start a helper process in the least time: no import but `os`, no thread, and pipes to its stdin and stdout only.

`subprocess` alone takes longer to import than the helper takes to start, and a single check is over before that pays.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import IO

_CHUNK = 65_536
"""Bytes read at a time: what a pipe holds."""

_SIGKILL = 9
"""As in `signal`, whose import takes longer than the signal."""


class Helper:
    """A started process that answers on a pipe. One thread at a time may use it; any thread may call `terminate`."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self._status: int | None = None
        self._unread = bytearray()

    def read(self, count: int, *, timeout: float) -> bytes:
        """Return `count` bytes of the process's answer, fewer when it ends. Raises TimeoutError."""
        import select
        import time

        # A thread that kills on time-out would work anywhere, but takes longer to start than most answers to come.
        end = time.monotonic() + timeout
        waiting = select.poll()
        waiting.register(self.stdout, select.POLLIN)
        while len(self._unread) < count:
            if not waiting.poll(max(0.0, end - time.monotonic()) * 1000):
                raise TimeoutError
            chunk = os.read(self.stdout.fileno(), _CHUNK)
            if not chunk:
                break
            self._unread += chunk
        data = bytes(self._unread[:count])
        del self._unread[:count]
        return data

    def terminate(self) -> None:
        """Kill the process; it is reaped by `close`. Any thread may do so."""
        if self._status is None:
            os.kill(self.pid, _SIGKILL)

    def close(self) -> int:
        """Kill the process if it still runs, close the pipes and return its exit status, negative for a signal."""
        if self._status is not None:
            return self._status
        self.terminate()
        self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        for stream in (self.stdin, self.stdout):
            try:
                stream.close()
            except OSError:
                # What was not sent to a dead process need not be.
                continue
        return self._status


def spawn(argv: Sequence[str], environment: Mapping[str, str]) -> Helper:
    """Start `argv` in a session of its own, with only `environment`; its stderr is discarded. Raises OSError."""
    if not hasattr(os, "posix_spawn"):
        return _popen_helper(argv, environment)
    theirs_in, ours_out, ours_in, theirs_out = *os.pipe(), *os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, theirs_in, 0),
        (os.POSIX_SPAWN_DUP2, theirs_out, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        pid = os.posix_spawn(argv[0], list(argv), dict(environment), file_actions=actions, setpgroup=0)
    except OSError:
        os.close(ours_out)
        os.close(ours_in)
        raise
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    return _helper(pid, ours_out, ours_in)


def fork(main: Callable[[], None]) -> Helper:
    """Run `main` as such a helper in a copy of this process, which spares it the start of an interpreter.

    The copy has this process's memory, so it is for a process that has done nothing yet, and has one thread.
    """
    theirs_in, ours_out, ours_in, theirs_out = *os.pipe(), *os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs_in)
        os.close(theirs_out)
        return _helper(pid, ours_out, ours_in)
    # Nothing may come back from here to what the original does.
    try:
        os.setpgid(0, 0)
        for mine, place in ((theirs_in, 0), (theirs_out, 1), (os.open(os.devnull, os.O_WRONLY), 2)):
            os.dup2(mine, place)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        main()
    finally:
        os._exit(1)


def _helper(pid: int, stdin: int, stdout: int) -> Helper:
    return Helper(pid, os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb", buffering=0))


def _popen_helper(argv: Sequence[str], environment: Mapping[str, str]) -> Helper:
    """Start a helper where there is no `posix_spawn` (Windows), with a timer thread in place of `poll`."""
    import subprocess
    import threading

    popen = subprocess.Popen(
        list(argv),
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert popen.stdin is not None  # noqa: S101
    assert popen.stdout is not None  # noqa: S101

    class PopenHelper(Helper):
        """A helper whose pipes can't be polled."""

        def read(self, count: int, *, timeout: float) -> bytes:
            """Return `count` bytes of the process's answer, fewer when it ends. Raises TimeoutError."""
            late = threading.Event()

            def stop() -> None:
                late.set()
                popen.kill()

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
            popen.kill()

        def close(self) -> int:
            """Kill the process if it still runs, close the pipes and return its exit status."""
            popen.kill()
            with popen:
                return popen.wait()

    return PopenHelper(popen.pid, popen.stdin, popen.stdout)
