"""Probe paths: the gate, a worker that is kept and replaced when it dies, and the facts turned into values."""

from __future__ import annotations

import atexit
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from preflight.errors import ToolError
from preflight.model.media import Container, Media, Stream, Unreadable, VideoStream
from preflight.probe import codec_names, mediainfo, sandbox_process, stat_check
from preflight.probe.sandbox_process import CPU_SECONDS, MEMORY, TIMEOUT, Worker, WorkerDied, obtain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

MAX_MEASURED = 2**28
"""Bytes up to which a file without a header is read for its exact duration: 0.3 s at 1 GB/s."""
TRACED = "\0reads"
"""Ends a path of which the worker's reply shall say what was read; see `sandbox.child`."""
_WITHOUT_HEADER = frozenset({Container.MPEG_TS, Container.MPEG_PS, Container.OGG})
_SOUND_FILE = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
"""The smallest whole GIF: a picture of one pixel."""
_NOT_VIDEO = {
    "playlist": ("playlist", "It is a playlist or a description that points to other files, not a video itself."),
    "text": ("not-video", "It is a text file, not a video."),
    "audio": ("no-video", "It is a sound file: there is no video stream in it."),
    "image": ("not-video", "It is a still picture, not a video."),
    "archive": ("not-video", "It is an archive, not a video."),
    "document": ("not-video", "It is a document, not a video."),
    "unknown": ("not-video", "Its bytes are those of no video container that preflight knows."),
}
_HINTS = {
    "playlist": "Download or record the stream it points to into one file.",
    "no-video": "Nothing can be mended: choose the file that has the picture.",
    "not-video": "Choose another file.",
    "no-moov": "Without that index only a repair tool for the camera or program it came from can help.",
    "changing": "Wait until the copy or the recording has ended.",
    "truncated": "Copy or download it again.",
    "damaged": "Copy or download it again.",
    "parser-crash": "Copy or download it again, or convert it with the program it came from.",
    "parser-timeout": "Try again on a less busy machine, or convert it with the program it came from.",
    "parser-memory": "Convert it with the program it came from.",
}


class Prober:
    """Probes one path after the other with one worker process. A context manager; not for several threads at once."""

    def __init__(self, *, timeout: float = TIMEOUT, memory: int = MEMORY) -> None:
        self._timeout = timeout
        self._memory = memory
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the worker now, so that it loads while the caller does something else. Raises ToolMissingError."""
        if self._worker is None:
            self._worker = obtain(timeout=self._timeout, memory=self._memory)

    @property
    def worker(self) -> Worker | None:
        """The worker that is kept for the next file."""
        return self._worker

    def close(self) -> None:
        """End the worker; a later probe starts another."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def ask_tracing(self, path: Path) -> dict[str, Any]:
        """Return the worker's facts on a file, and in `reads` the positions and counts of bytes that it read.

        Raises WorkerDied, ToolMissingError.
        """
        if self._worker is not None and self._worker.owes_other_than(path):
            self.close()
        self.start()
        assert self._worker is not None  # noqa: S101
        try:
            return self._worker.ask(Path(f"{path}{TRACED}"))
        except BaseException:
            self.close()
            raise

    def probe(self, path: Path, *, following: Path | None = None) -> Media | Unreadable:
        """Return what `path` is, or why it can't be read, which is never an exception.

        The worker goes on with `following`, if given, while this answer is judged: it should be probed next.
        Raises ToolMissingError without MediaInfo, and ToolError where it crashes on any file.
        """
        refusal = stat_check.check_status(path)
        if refusal is not None:
            return refusal
        if self._worker is not None and self._worker.owes_other_than(path):
            self.close()
        self.start()
        assert self._worker is not None  # noqa: S101
        is_new = self._worker.is_new
        try:
            facts = self._worker.ask(
                path, following if following and stat_check.check_status(following) is None else None
            )
        except WorkerDied as death:
            self.close()
            if is_new and not death.timed_out:
                _require_sound_parser(self._timeout)
            return died(path, timed_out=death.timed_out, seconds=self._timeout)
        except BaseException:
            # An interrupted conversation would give the next path this one's answer.
            self.close()
            raise
        return _measured(interpret(path, facts))


def _require_sound_parser(timeout: float) -> None:
    """Raise ToolError when a new worker dies on a picture that any MediaInfo reads: then no file is at fault."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sound.gif"
        file.write_bytes(_SOUND_FILE)
        worker = Worker(timeout=timeout)
        try:
            worker.ask(file)
        except WorkerDied as death:
            if death.timed_out:
                return
            raise ToolError(
                "MediaInfo crashes on any file: its library or the Python that runs it is broken.",
                hint="pip install --force-reinstall pymediainfo, and run `preflight doctor`.",
            ) from None
        finally:
            worker.close()


def _measured(subject: Media | Unreadable) -> Media | Unreadable:
    """Fill in a duration that the header does not tell by reading the packets.

    MPEG streams and Ogg have no header that does: MediaInfo goes by the first and the last clock of one stream. A
    large file of these is left at that.
    """
    if isinstance(subject, Unreadable) or subject.video is None:
        return subject
    is_estimate = subject.container in _WITHOUT_HEADER and subject.size <= MAX_MEASURED
    if subject.duration is not None and not is_estimate:
        return subject
    from preflight.probe import transport_duration

    measured = transport_duration.measure(subject.path, subject.container)
    if measured is None:
        return subject
    if measured == 0:
        return replace(subject, streams=tuple(map(_without_frames, subject.streams)))
    return replace(subject, duration=measured)


def _without_frames(stream: Stream) -> Stream:
    return replace(stream, frame_count=0) if isinstance(stream, VideoStream) else stream


def interpret(path: Path, facts: dict[str, Any]) -> Media | Unreadable:
    """Turn the worker's `facts` on `path` into a value."""
    if "errno" in facts:
        return (
            stat_check.special_file(path)
            if facts["errno"] == errno.ENXIO
            else stat_check.from_errno(path, facts["errno"])
        )
    if facts.get("special"):
        return stat_check.special_file(path)
    size = facts.get("size")
    if facts.get("memory"):
        return _refusal(path, "parser-memory", "It could not be read safely: reading it needs too much memory.", size)
    kind = facts["kind"]
    if kind in _NOT_VIDEO:
        reason, detail = _NOT_VIDEO[kind]
        return _refusal(path, reason, detail, size)
    lack = _lack(facts.get("header") or {})
    if lack is not None:
        return _refusal(path, *lack, size)
    if facts.get("changed"):
        return _refusal(path, "changing", "The file changed while it was read.", size)
    media = mediainfo.to_media(path, facts)
    if not media.streams:
        return _refusal(path, "damaged", "Its header is that of a video, but no stream could be read from it.", size)
    return media


def _lack(header: dict[str, Any]) -> tuple[str, str] | None:
    """Return why nothing can be read behind `header`, as a reason and in words; None where something can."""
    if header.get("has_movie") is False:
        if header.get("brand") in codec_names.STILL_BRANDS:
            return _NOT_VIDEO["image"]
        return "no-moov", "The file has no movie header (moov): the recording never finished."
    if header.get("movie_cut"):
        return "truncated", "The file was cut short in its movie header (moov)."
    if header.get("unopenable"):
        return "damaged", "The first bytes of its header are damaged, so that no decoder opens it."
    return None


def _refusal(path: Path, reason: str, detail: str, size: int | None) -> Unreadable:
    return stat_check.unreadable(path, reason, detail, hint=_HINTS[reason], size=size)


def died(path: Path, *, timed_out: bool, seconds: float = TIMEOUT) -> Unreadable:
    """Return the finding for a file on which the parser crashed, or did not finish."""
    if timed_out:
        bounds = f"{CPU_SECONDS} s of computing, {seconds:g} s in all"
        detail = f"It could not be read safely: the parser did not finish in its time ({bounds})."
        return _refusal(path, "parser-timeout", detail, None)
    return _refusal(path, "parser-crash", "It could not be read safely: the parser crashed on it.", None)


class _Pool:
    """Workers kept for the next call of `probe`, by their bounds.

    Any thread may take one: each step on a list or dict is whole by itself, so there is no lock.
    """

    def __init__(self) -> None:
        self._idle: dict[tuple[float, int], list[Prober]] = {}
        atexit.register(self.close)

    @contextmanager
    def lease(self, timeout: float, memory: int) -> Iterator[Prober]:
        idle = self._idle.setdefault((timeout, memory), [])
        try:
            prober = idle.pop()
        except IndexError:
            prober = Prober(timeout=timeout, memory=memory)
        try:
            yield prober
        finally:
            idle.append(prober)

    def close(self) -> None:
        sandbox_process.discard()
        for idle in tuple(self._idle.values()):
            while idle:
                idle.pop().close()


_POOL = _Pool()


def probe(
    path: Path, *, timeout: float = sandbox_process.TIMEOUT, memory: int = sandbox_process.MEMORY
) -> Media | Unreadable:
    """Return what `path` is, read within `timeout` seconds and `memory` bytes of address space.

    Never raises for a path: what can't be read comes back as `Unreadable`. ToolMissingError when MediaInfo is missing.
    The worker process is kept for the next call and ends with this process.
    """
    with _POOL.lease(timeout, memory) as prober:
        return prober.probe(Path(path))


@contextmanager
def pooled_prober() -> Iterator[Prober]:
    """Yield one of the workers that `probe` keeps, for many files one after the other."""
    with _POOL.lease(TIMEOUT, MEMORY) as prober:
        yield prober


def close() -> None:
    """End the worker processes that `probe` keeps."""
    _POOL.close()
