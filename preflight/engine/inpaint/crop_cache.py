"""A ring of cropped frames in a file: written by the decoding process, read by the filling ones, flat in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes, chroma_box
from preflight.engine.media.decode import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class CropLayout:
    """Where the crops of a frame lie: `places` on the picture, `slots` frames before the ring starts over.

    `kept` maps frame and place to the offset of crops that are stored behind the ring for good.
    """

    path: Path
    places: tuple[Box, ...]
    slots: int
    kept: Mapping[tuple[int, int], int]

    @classmethod
    def of(cls, path: Path, places: Iterable[Box], slots: int, kept: Iterable[tuple[int, int]] = ()) -> CropLayout:
        """Lay out a ring, and behind it the crops to be `kept`, each a frame and a place."""
        boxes, apart = tuple(places), sorted(kept)
        sizes = [crop_bytes(boxes[place]) for _, place in apart]
        starts = accumulate(sizes, initial=slots * sum(map(crop_bytes, boxes)))
        return cls(path=path, places=boxes, slots=slots, kept=dict(zip(apart, starts, strict=False)))

    def offset(self, index: int, place: int) -> int:
        """Return where in the file the crop of frame `index` at `place` starts."""
        return self.kept.get((index, place), self.in_ring(index) + sum(map(crop_bytes, self.places[:place])))

    def in_ring(self, index: int) -> int:
        """Return where in the file the crops of frame `index` start as long as the ring holds them."""
        return (index % self.slots) * sum(map(crop_bytes, self.places))


def crop_bytes(box: Box) -> int:
    """Return the size in bytes of a 4:2:0 crop of `box`."""
    return box.area * 3 // 2


def store(file: BinaryIO, layout: CropLayout, frame: Frame) -> None:
    """Write the crops of a frame into its slot."""
    file.seek(layout.in_ring(frame.index))
    for box in layout.places:
        _write(file, frame, box)


def keep(file: BinaryIO, layout: CropLayout, frame: Frame) -> None:
    """Write those crops of a frame that stay."""
    for place, box in enumerate(layout.places):
        if (frame.index, place) in layout.kept:
            file.seek(layout.offset(frame.index, place))
            _write(file, frame, box)


def _write(file: BinaryIO, frame: Frame, box: Box) -> None:
    rows, columns = box.slices
    half = slice(box.y0 // 2, box.y1 // 2), slice(box.x0 // 2, box.x1 // 2)
    file.writelines(plane.tobytes() for plane in (frame.y[rows, columns], frame.u[half], frame.v[half]))


def load(file: BinaryIO, layout: CropLayout, index: int, place: int, region: Box) -> Planes[np.uint8]:
    """Return `region`, which lies in `place`, on frame `index`."""
    box = layout.places[place]
    file.seek(layout.offset(index, place))
    data = np.frombuffer(file.read(crop_bytes(box)), np.uint8)
    luma, chroma = np.split(data, [box.area])
    height, width = box.height // 2, box.width // 2
    inside = region.moved(-box.x0, -box.y0)
    u, v = (plane[chroma_box(inside).slices] for plane in chroma.reshape(2, height, width))
    return Planes(luma.reshape(box.height, box.width)[inside.slices], np.asarray(cv2.merge((u, v)), np.uint8))
