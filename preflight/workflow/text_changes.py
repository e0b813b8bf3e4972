"""How much the box of each text differs between a source and its finished file, and what that says of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.events import Cancel
from preflight.model.text import TextStatus
from preflight.settings import Settings
from preflight.tools import ffmpeg as tool
from preflight.tools import process

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Gray = npt.NDArray[np.uint8]
    """Luma of a frame, height x width."""

SAMPLE_RATE = 4
"""Frames a second that are compared: a caption lasts 0.5 s or longer."""

SAMPLE_SIZE = (640, 360)
"""Width and height of the compared frames, in pixels: small letters still have strokes of a pixel."""

CHANGED = 4.0
"""Mean difference of a box from which its text counts as removed, in gray levels: letters cover a fifth of a box."""

UNCHANGED = 1.5
"""Mean difference of a box below which its text counts as kept, in gray levels: that is coding noise."""

ABOVE_SURROUNDINGS = 2.0
"""Ratio to the difference of the rest of the picture from which a box counts as changed on purpose."""

_UNCERTAIN = ("may be part of the scene", "in a script that was not asked for")
"""Reasons to keep a text that only a person can confirm."""

TimedPlace = tuple[float, float, tuple[float, float, float, float]]
"""Start and end in seconds of the finished file, and a box in 0..1 of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChange:
    """Mean absolute difference of luma in gray levels, inside the box of a text and outside all boxes."""

    inside: float
    outside: float


def is_uncertain(reason: object) -> bool:
    """Return whether a text that was kept for this reason may be part of the scene."""
    return reason in _UNCERTAIN


def status_of(change: TextChange | None, *, is_scene: bool) -> TextStatus:
    """Return what became of a text by its change; None stands for a text on no compared frame."""
    if change is None:
        return TextStatus.KEPT if is_scene else TextStatus.UNCERTAIN
    if change.inside >= CHANGED and change.inside >= ABOVE_SURROUNDINGS * change.outside:
        return TextStatus.REMOVED
    if change.inside < max(UNCHANGED, change.outside) or is_scene:
        return TextStatus.KEPT
    return TextStatus.UNCERTAIN


def measure(
    places: Sequence[TimedPlace],
    source: Path,
    finished: Path,
    *,
    offset: float,
    settings: Settings,
    cancel: Cancel | None = None,
) -> list[TextChange | None]:
    """Return the change of each place, None where no compared frame shows it.

    Args:
        places: Times of the finished file, and boxes.
        source: The video.
        finished: The finished file.
        offset: Where the finished file begins, in seconds of the source.
        settings: `ffmpeg` names another program than the wheel's.
        cancel: Stops the work when it is set.

    Raises:
        ToolError: A file can't be decoded.
        CancelledError: `cancel` was set.
    """
    import numpy as np

    if not places:
        return []
    width, height = SAMPLE_SIZE
    sums = np.zeros((len(places), 3))
    argv = _argv(source, finished, offset, tool.find(settings.ffmpeg))
    number, pending = 0, bytearray()
    size = 2 * width * height

    def receive(chunk: bytes) -> None:
        nonlocal number
        pending.extend(chunk)
        while len(pending) >= size:
            frame = np.frombuffer(bytes(pending[:size]), np.uint8).reshape(2, height, width)
            del pending[:size]
            _add(sums, places, number / SAMPLE_RATE, frame[0], frame[1])
            number += 1

    with process.start(argv, stdout=process.PIPE) as running:
        running.read(receive, lines=False)
        status = running.wait(cancel=cancel)
        if status:
            raise tool.failure(running.stderr_tail, status=status)
    return [
        TextChange(inside=float(inside / count), outside=float(outside / count)) if count else None
        for inside, outside, count in sums
    ]


def _add(sums: npt.NDArray[np.float64], places: Sequence[TimedPlace], time: float, before: Gray, after: Gray) -> None:
    """Add a frame's differences to the sums of the places that it shows."""
    import numpy as np

    shown = [number for number, (start, end, _) in enumerate(places) if start <= time < end]
    if not shown:
        return
    difference = np.abs(before.astype(np.int16) - after)
    rest = np.ones(difference.shape, bool)
    windows = {}
    for number in shown:
        left, top, right, bottom = places[number][2]
        columns = slice(int(left * rest.shape[1]), int(right * rest.shape[1]) + 1)
        rows = slice(int(top * rest.shape[0]), int(bottom * rest.shape[0]) + 1)
        windows[number] = (rows, columns)
        rest[rows, columns] = False
    outside = difference[rest].mean() if rest.any() else 0.0
    for number, window in windows.items():
        if difference[window].size:
            sums[number] += (difference[window].mean(), outside, 1)


def _argv(source: Path, finished: Path, offset: float, program: str) -> list[str]:
    width, height = SAMPLE_SIZE
    chain = f"scale={width}:{height}:flags=area,setsar=1,format=gray"
    graph = f"[0:V:0]{chain}[a];[1:V:0]{chain}[b];[a][b]vstack=shortest=1,fps={SAMPLE_RATE}:round=up[out]"
    argv = [program, *tool.QUIET]
    if offset:
        argv += ["-ss", f"{offset:.6f}"]
    argv += [*tool.INPUT_GUARD, "-i", tool.local(source), *tool.INPUT_GUARD, "-i", tool.local(finished)]
    return [*argv, "-filter_complex", graph, "-map", "[out]", "-f", "rawvideo", "pipe:1"]
