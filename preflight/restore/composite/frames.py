"""Decoded pictures as planes of samples, read from ffmpeg's pipe ahead of their use."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preflight.errors import CancelledError
from preflight.events import Cancel
from preflight.tools import ffmpeg, process

Samples = NDArray[Any]
"""One plane of samples: (height, width), uint8, or uint16 for more than 8 bits."""

_AHEAD = 3
"""Pictures that are read ahead of their use."""
_PATIENCE = 500
"""Hundredths of a second that the end of a reading thread is waited for."""
_PIPE_BYTES = 1 << 20
"""Bytes that a pipe is asked to hold, the most that Linux grants everybody."""
_SUBSAMPLING = {"4:2:0": (2, 2), "4:2:2": (2, 1), "4:4:4": (1, 1)}
"""Luma samples for each chroma sample, across and down."""


class Picture(NamedTuple):
    """One picture: luma and the two chroma planes."""

    y: Samples
    u: Samples
    v: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFormat:
    """Size in samples, bits of a sample and chroma subsampling (`4:2:0`, `4:2:2`, `4:4:4`) of decoded pictures."""

    width: int
    height: int
    depth: int = 8
    chroma: str = "4:2:0"
    full_range: bool = False

    @property
    def subsampling(self) -> tuple[int, int]:
        """Luma samples for each chroma sample, across and down."""
        return _SUBSAMPLING[self.chroma]

    @property
    def name(self) -> str:
        """The pixel format as ffmpeg names it."""
        letter = "j" if self.full_range and self.depth == 8 else ""
        return f"yuv{letter}{self.chroma.replace(':', '')}p{'' if self.depth == 8 else f'{self.depth}le'}"

    @property
    def chroma_size(self) -> tuple[int, int]:
        """Width and height of a chroma plane; odd sides round up."""
        across, down = self.subsampling
        return -(-self.width // across), -(-self.height // down)

    @property
    def size(self) -> int:
        """Bytes of a packed picture."""
        width, height = self.chroma_size
        return (self.width * self.height + 2 * width * height) * (1 if self.depth == 8 else 2)

    def split(self, data: Samples) -> Picture:
        """Return the planes of a packed picture."""
        samples = data if self.depth == 8 else data.view("<u2")
        width, height = self.chroma_size
        luma, chroma = self.width * self.height, width * height
        return Picture(
            samples[:luma].reshape(self.height, self.width),
            samples[luma : luma + chroma].reshape(height, width),
            samples[luma + chroma :].reshape(height, width),
        )


def packed(picture: Picture) -> memoryview:
    """Return the bytes of a picture that `read` gave, with all that was written to its planes since."""
    owner = picture.y.base
    assert owner is not None  # noqa: S101 - its planes are views of one array
    return memoryview(np.ascontiguousarray(owner).data).cast("B")


def read(argv: Sequence[str], form: PictureFormat, *, cancel: Cancel | None = None) -> Generator[Picture, None, None]:
    """Yield the pictures that the ffmpeg `argv` writes to its standard output.

    Raises ToolError when it fails before the first picture, CancelledError.
    """
    with process.start(argv, stdout=process.PIPE, bufsize=0) as running:
        _widen(running)
        waiting: queue.Queue[Samples | None] = queue.Queue(_AHEAD)
        closed = threading.Event()
        reader = threading.Thread(target=_fill, args=(running, form.size, waiting, closed), daemon=True)
        reader.start()
        count = 0
        try:
            while (data := waiting.get()) is not None:
                if cancel is not None and cancel.is_set():
                    raise CancelledError("Stopped on request.")
                yield form.split(data)
                count += 1
            if running.wait() and count == 0:
                raise ffmpeg.failure(running.stderr_tail)
        finally:
            closed.set()
            running.kill()
            for _ in range(_PATIENCE):
                _drain(waiting)
                reader.join(0.01)
                if not reader.is_alive():
                    break


def _fill(running: process.Running, size: int, waiting: queue.Queue[Samples | None], closed: threading.Event) -> None:
    try:
        while not closed.is_set():
            data = np.empty(size, np.uint8)
            view, filled = data.data, 0
            while filled < size:
                got = running.stdout.readinto(view[filled:])  # type: ignore[attr-defined]
                if not got:
                    return
                filled += got
            waiting.put(data)
    except (ValueError, OSError):
        # The pipe was closed, because no more pictures are wanted: before or during the read.
        return
    finally:
        waiting.put(None)


def _drain(waiting: queue.Queue[Samples | None]) -> None:
    while not waiting.empty():
        waiting.get_nowait()


def _widen(running: process.Running) -> None:
    """Let the pipe hold more, where the system can."""
    try:
        import fcntl

        fcntl.fcntl(running.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        return


def decoding(
    program: str, given: Sequence[str], form: PictureFormat, *, filters: str = "", rotate: bool = False
) -> list[str]:
    """Return the argv that decodes the first picture of an input to standard output.

    Args:
        program: ffmpeg.
        given: words that open the input.
        form: format of the pictures.
        filters: filter graph; empty for none.
        rotate: turn the picture upright as players do.
    """
    turned = [] if rotate else ["-noautorotate"]
    chain = ["-vf", filters] if filters else []
    argv = [program, "-v", "error", "-nostdin", *turned, *given, "-map", "0:V:0", *chain]
    return [*argv, "-fps_mode", "passthrough", "-pix_fmt", form.name, "-f", "rawvideo", "pipe:1"]
