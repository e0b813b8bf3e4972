"""The killable process around the parsers: one request at a time, bounded in time and memory, replaced when it dies.

A single check waits for this process to start, so nothing is imported here before it is needed.
"""

from __future__ import annotations

import os
import sys

from preflight.tools.spawn import Helper, fork, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

TIMEOUT = 20.0
"""Seconds of waiting for one file, most of which can only be a slow disk's."""
CPU_SECONDS = 1
"""Seconds of computing for one file. Two hours at 60 fps, with 8 MiB of index, take less than a tenth of that."""
MEMORY = 768 * 2**20
"""Bytes of address space, of which Python and MediaInfo take about 100 MiB before the first file."""
MAX_REPLY = 64 * 2**20
"""Bytes of an answer. MediaInfo's text on a file of 1,000 streams has about 1 MiB."""
_START = 10.0
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
START_CODE = (
    "import gc, sys; gc.disable(); sys.path.insert(0, {root!r}); from preflight.probe.sandbox.child import main; main()"
)
# Windows starts no process without the first; nothing else of the person's environment is the parser's business.
_ENVIRONMENT = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
PREPARED: list[Worker] = []


class WorkerDied(Exception):  # noqa: N818 - it is news for the prober, not an error of preflight's tree
    """The worker crashed, or was killed because it ran out of its time (`timed_out`)."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__()
        self.timed_out = timed_out


def library() -> str:
    """Return MediaInfo's library: the one in the pymediainfo wheel, else the system's. Raises ToolMissingError."""
    names = {"win32": ("MediaInfo.dll",), "darwin": ("libmediainfo.0.dylib", "libmediainfo.dylib")}
    candidates = names.get(sys.platform, ("libmediainfo.so.0",))
    spec = next(filter(None, (finder.find_spec("pymediainfo", None) for finder in sys.meta_path)), None)
    if spec is None or spec.origin is None:
        from preflight.errors import ToolMissingError

        raise ToolMissingError("pymediainfo is not installed.", hint="pip install pymediainfo")
    folder = os.path.dirname(spec.origin)  # noqa: PTH120
    shipped = (os.path.join(folder, name) for name in candidates)  # noqa: PTH118
    return next((file for file in shipped if os.path.isfile(file)), candidates[0])  # noqa: PTH113


def load() -> None:
    """Load the library in this process, to see that it can be. Raises ToolMissingError."""
    from preflight.errors import ToolMissingError
    from preflight.probe.sandbox.library import MediaInfo

    try:
        MediaInfo(library())
    except (OSError, AttributeError) as error:
        raise ToolMissingError(
            f"MediaInfo can't be loaded: {error}.", hint="pip install --force-reinstall pymediainfo"
        ) from error


class Worker:
    """One running worker process. Not for use by several threads at once."""

    def __init__(self, *, timeout: float = TIMEOUT, memory: int = MEMORY, helper: Helper | None = None) -> None:
        self._timeout = timeout
        self._fresh = True
        self._asked: list[bytes] = []
        self._helper = helper or _spawned(memory)

    @property
    def is_new(self) -> bool:
        """Whether the process has not answered yet."""
        return self._fresh

    @property
    def pid(self) -> int:
        """The process id."""
        return self._helper.pid

    def close(self) -> None:
        """End the process."""
        self._helper.close()

    def send(self, path: Path | str) -> None:
        """Send `path` ahead of the `ask` for it. Raises BrokenPipeError when the process is gone."""
        request = _request(path)
        self._helper.stdin.write(len(request).to_bytes(4) + request)
        self._helper.stdin.flush()
        self._asked.append(request)

    def send_last(self, path: str) -> None:
        """Send `path` and end the process once it has answered, while its answer is judged. Raises BrokenPipeError."""
        self.send(path)
        self._helper.stdin.close()

    def owes_other_than(self, path: Path) -> bool:
        """Return whether the next answer will be on another path, which was sent and never asked for."""
        return bool(self._asked) and self._asked[0] != _request(path)

    def ask(self, path: Path, following: Path | None = None) -> dict[str, Any]:
        """Return the facts that the worker reads of `path`, and `send` it `following` before waiting for them.

        Raises WorkerDied; the worker is of no use then.
        """
        try:
            reply = self._exchange(path, following, self._timeout + (_START if self._fresh else 0))
        except TimeoutError:
            raise WorkerDied(timed_out=True) from None
        self._fresh = False
        if reply is None:
            raise WorkerDied(timed_out=self._spent())
        return reply

    def _spent(self) -> bool:
        """Return whether the process was ended for having used up its computing time."""
        import signal

        return hasattr(signal, "SIGXCPU") and self._helper.close() == -signal.SIGXCPU

    def _exchange(self, path: Path, following: Path | None, timeout: float) -> dict[str, Any] | None:
        """Send what was not sent and return the answer, or None when the process is gone or answers nonsense."""
        import json

        try:
            if not self._asked:
                self.send(path)
            if following is not None:
                self.send(following)
            # A parser that was taken over could say anything: what is no sane reply counts as a crash.
            length = int.from_bytes(self._helper.read(4, timeout=timeout))
            facts = json.loads(self._helper.read(length, timeout=timeout) if length <= MAX_REPLY else b"")
            del self._asked[0]
        except (BrokenPipeError, ValueError, RecursionError):
            return None
        return facts if isinstance(facts, dict) else None


def _spawned(memory: int) -> Helper:
    code = START_CODE.format(root=_ROOT)
    argv = [sys.executable, "-I", "-S", "-X", "utf8", "-c", code, library(), str(memory), str(CPU_SECONDS)]
    return spawn(argv, {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ})


def _copied() -> Helper | None:
    """Return a copy of this process as the worker's; None where one can't be had, or would not be a clean one.

    Other systems' libraries don't stand being copied, and who has loaded `threading` may have several threads.
    """
    if sys.platform != "linux" or "threading" in sys.modules or not os.path.exists("/proc/self/stat"):  # noqa: PTH110
        return None
    file = library()

    def main() -> None:
        from preflight.probe.sandbox import child

        child.clear_environment()
        child.serve(file, MEMORY, CPU_SECONDS)

    return fork(main)


def _request(path: Path | str) -> bytes:
    # The worker keeps the folder it was started in, whatever this process does later.
    return os.fsencode(os.path.join(os.getcwd(), path))  # noqa: PTH109, PTH118


def prepare(path: str | None = None) -> None:
    """Start a worker with the usual bounds ahead of its first use, so that it works while other things happen.

    It is sent `path`, the only one, at once when that is a regular file: nothing else may be opened before the gate
    has seen it.
    For the first moments of a process: what it holds in memory by then, the worker may hold too.
    """
    import stat

    worker = Worker(helper=_copied())
    PREPARED.append(worker)
    try:
        if path is not None and stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            worker.send_last(path)
    except (OSError, ValueError):
        # The check says what is wrong with it.
        return


def obtain(*, timeout: float, memory: int) -> Worker:
    """Return a worker with these bounds: the prepared one, or a new one.

    Args:
        timeout: seconds for one file.
        memory: bytes of address space.
    """
    usual = (timeout, memory) == (TIMEOUT, MEMORY)
    return PREPARED.pop() if usual and PREPARED else Worker(timeout=timeout, memory=memory)


def discard() -> None:
    """End a prepared worker that nobody obtained."""
    while PREPARED:
        PREPARED.pop().close()
