"""The killable process around the parsers: one request at a time, bounded in time and memory, replaced when it dies."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from preflight.errors import ToolMissingError
from preflight.tools import process

TIMEOUT = 20.0
"""Seconds for one file. The slowest honest one seen (two hours of 60 fps, 8 MiB of index) takes less than one."""
MEMORY = 768 * 2**20
"""Bytes of address space, of which Python and MediaInfo take about 100 MiB before the first file."""
MAX_REPLY = 64 * 2**20
"""Bytes of an answer. MediaInfo's text on a file of 1,000 streams has about 1 MiB."""
_START = 10.0
_ROOT = Path(__file__).parents[2]
_START_CODE = "import sys; sys.path.insert(0, {root!r}); from preflight.probe.sandbox.child import main; main()"
# Windows starts no process without the first; nothing else of the person's environment is the parser's business.
_ENVIRONMENT = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class WorkerDied(Exception):  # noqa: N818 - it is news for the prober, not an error of preflight's tree
    """The worker crashed, or was killed because it ran out of its time (`timed_out`)."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__()
        self.timed_out = timed_out


def library() -> str:
    """Return MediaInfo's library: the one in the pymediainfo wheel, else the system's. Raises ToolMissingError."""
    names = {"win32": ("MediaInfo.dll",), "darwin": ("libmediainfo.0.dylib", "libmediainfo.dylib")}
    candidates = names.get(sys.platform, ("libmediainfo.so.0",))
    spec = find_spec("pymediainfo")
    if spec is None or spec.origin is None:
        raise ToolMissingError("pymediainfo is not installed.", hint="pip install pymediainfo")
    shipped = (Path(spec.origin).parent / name for name in candidates)
    return next((str(file) for file in shipped if file.is_file()), candidates[0])


def load() -> None:
    """Load the library in this process, to see that it can be. Raises ToolMissingError."""
    from preflight.probe.sandbox.library import MediaInfo

    try:
        MediaInfo(library())
    except (OSError, AttributeError) as error:
        raise ToolMissingError(
            f"MediaInfo can't be loaded: {error}.", hint="pip install --force-reinstall pymediainfo"
        ) from error


class Worker:
    """One running worker process. Not for use by several threads at once."""

    def __init__(self, *, timeout: float = TIMEOUT, memory: int = MEMORY) -> None:
        self._timeout = timeout
        self._fresh = True
        self._stack = ExitStack()
        code = _START_CODE.format(root=str(_ROOT))
        argv = [sys.executable, "-I", "-S", "-X", "utf8", "-c", code, library(), str(memory), str(int(timeout) + 1)]
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self._running = self._stack.enter_context(
            process.start(argv, stdin=process.PIPE, stdout=process.PIPE, env=environment)
        )

    def close(self) -> None:
        """End the process."""
        self._stack.close()

    def ask(self, path: Path) -> dict[str, Any]:
        """Return the facts of `path` as the worker tells them. Raises WorkerDied; the worker is of no use then."""
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            self._running.terminate()

        timer = threading.Timer(self._timeout + (_START if self._fresh else 0), stop)
        timer.daemon = True
        timer.start()
        try:
            # The worker keeps the folder it was started in, whatever this process does later.
            request = os.fsencode(os.path.join(os.getcwd(), path))  # noqa: PTH109, PTH118
            with suppress(BrokenPipeError):
                self._running.stdin.write(len(request).to_bytes(4) + request)
                self._running.stdin.flush()
            reply = self._receive()
        finally:
            timer.cancel()
        self._fresh = False
        if reply is None:
            raise WorkerDied(timed_out=timed_out.is_set())
        return reply

    @property
    def last_words(self) -> str:
        """What the process said on stderr."""
        return self._running.stderr_tail

    def _receive(self) -> dict[str, Any] | None:
        # A parser that was taken over could say anything: what is no sane reply counts as a crash.
        head = self._running.stdout.read(4)
        length = int.from_bytes(head)
        data = self._running.stdout.read(length) if length <= MAX_REPLY else b""
        try:
            facts = json.loads(data)
        except (ValueError, RecursionError):
            return None
        return facts if isinstance(facts, dict) else None
