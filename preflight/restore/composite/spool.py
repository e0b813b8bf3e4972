"""The regions that were changed, frame by frame, in a scratch file: the service's samples and the mask of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from preflight.restore.composite.frames import Picture, Samples
from preflight.restore.composite.geometry import Area


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRegion:
    """A changed region of one frame.

    `box` is in luma samples of the picture sent, with even sides. `picture` are the service's samples inside it (8-bit
    4:2:0), `mask` (bool, of the box's size) what of it was changed, `shift` as of `Alignment`.
    """

    box: Area
    picture: Picture
    mask: Samples
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Entry:
    place: int
    box: Area
    shift: tuple[float, float]


class RegionSpool:
    """Regions by the number of their frame. They are read in any order and as often as wanted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: dict[int, list[_Entry]] = {}

    @property
    def frames(self) -> frozenset[int]:
        """The numbers of the frames with changed regions."""
        return frozenset(self._entries)

    def put(self, frame: int, regions: Iterable[ChangedRegion]) -> None:
        """Add the regions of a frame."""
        for region in regions:
            self._file.seek(0, 2)
            self._entries.setdefault(frame, []).append(_Entry(self._file.tell(), region.box, region.shift))
            for plane in region.picture:
                self._file.write(np.ascontiguousarray(plane).tobytes())
            self._file.write(np.packbits(region.mask).tobytes())

    def get(self, frame: int) -> list[ChangedRegion]:
        """Return the regions of a frame."""
        return [self._read(entry) for entry in self._entries.get(frame, ())]

    def _read(self, entry: _Entry) -> ChangedRegion:
        width, height = entry.box.x1 - entry.box.x0, entry.box.y1 - entry.box.y0
        half = (height // 2, width // 2)
        self._file.seek(entry.place)
        planes = [self._plane(shape) for shape in ((height, width), half, half)]
        packed = np.frombuffer(self._file.read(-(-width * height // 8)), np.uint8)
        mask = np.unpackbits(packed, count=width * height).reshape(height, width).astype(bool)
        return ChangedRegion(box=entry.box, picture=Picture(*planes), mask=mask, shift=entry.shift)

    def _plane(self, shape: tuple[int, int]) -> Samples:
        return np.frombuffer(self._file.read(shape[0] * shape[1]), np.uint8).reshape(shape)
