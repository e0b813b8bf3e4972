"""Pictures of the work for people: before beside after, and what was masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.model.rasterize import changed_mask, chroma_mask
from preflight.engine.model.track import Track
from preflight.errors import ToolError

_MOST = 6
_WIDTH = 640
_RED = (90, 240)
"""Chroma (U, V) of the red that masks are shown in (ITU-R BT.601)."""


def chosen_frames(tracks: list[Track]) -> list[int]:
    """Return frames worth showing: the middles of at most six tracks, spread over the clip."""
    middles = sorted({(track.first + track.last) // 2 for track in tracks})
    return middles[:: -(-len(middles) // _MOST)] if middles else []


@dataclass(slots=True)
class ContactSheet:
    """Collects the same frames before and after, and draws them side by side."""

    wanted: list[int]
    _rows: list[BGR] = field(default_factory=list)

    def add(self, before: Frame, after: Frame) -> None:
        """Take a pair when it is one of the wanted."""
        if before.index in self.wanted:
            height, width = before.y.shape
            size = (_WIDTH, max(2, round(height * _WIDTH / width / 2) * 2))
            self._rows.append(np.hstack([before.shrunk(*size), after.shrunk(*size)]))

    def clear(self) -> None:
        """Begin anew."""
        self._rows.clear()

    def save(self, path: Path) -> None:
        """Write the sheet as PNG. Raises ToolError."""
        if not self._rows:
            return
        done, data = cv2.imencode(".png", np.vstack(self._rows))
        if not done:
            raise ToolError(f"{path.name}: the picture can't be drawn.")
        path.write_bytes(data.tobytes())


def tint_tracks(frames: Iterable[Frame], tracks: list[Track]) -> Iterator[Frame]:
    """Yield the frames with everything that the tracks paint shown in red."""
    for frame in frames:
        height, width = (side // 2 * 2 for side in frame.y.shape)
        half = chroma_mask(changed_mask(tracks, frame.index, Box(0, 0, width, height)))
        u, v = frame.u.copy(), frame.v.copy()
        for plane, value in ((u, _RED[0]), (v, _RED[1])):
            plane[: height // 2, : width // 2][half] = value
        yield Frame(index=frame.index, y=frame.y, u=u, v=v)
