"""A ring of cropped frames in a file: written by the decoding process, read by the filling ones, flat in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from preflight.local.engine.frames import Frame
from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the crops of a frame lie: `places` on the picture, `slots` frames before the ring starts over."""

    path: Path
    places: tuple[Box, ...]
    slots: int

    def offset(self, index: int, place: int) -> int:
        """Return where in the file the crop of frame `index` at `place` starts."""
        return (index % self.slots) * sum(map(crop_bytes, self.places)) + sum(map(crop_bytes, self.places[:place]))


def crop_bytes(box: Box) -> int:
    """Return the size in bytes of a 4:2:0 crop of `box`."""
    return box.area * 3 // 2


def store(file: BinaryIO, layout: Layout, frame: Frame) -> None:
    """Write the crops of a frame into its slot."""
    file.seek(layout.offset(frame.index, 0))
    for box in layout.places:
        rows, columns = box.slices
        half = slice(box.y0 // 2, box.y1 // 2), slice(box.x0 // 2, box.x1 // 2)
        file.writelines(plane.tobytes() for plane in (frame.y[rows, columns], frame.u[half], frame.v[half]))


def load(file: BinaryIO, layout: Layout, index: int, place: int, region: Box) -> Picture:
    """Return luma and full-size chroma of `region`, which lies in `place`, on frame `index`."""
    box = layout.places[place]
    file.seek(layout.offset(index, place))
    data = np.frombuffer(file.read(crop_bytes(box)), np.uint8)
    area = box.area
    y = data[:area].reshape(box.height, box.width)
    u, v = (
        data[area + k * area // 4 : area + (k + 1) * area // 4].reshape(box.height // 2, box.width // 2) for k in (0, 1)
    )
    inside = region.moved(-box.x0, -box.y0)
    half = slice(inside.y0 // 2, inside.y1 // 2), slice(inside.x0 // 2, inside.x1 // 2)
    size = (region.width, region.height)
    chroma = [cv2.resize(plane[half], size, interpolation=cv2.INTER_LINEAR) for plane in (u, v)]
    picture: Picture = np.dstack([y[inside.slices], *chroma])
    return picture
