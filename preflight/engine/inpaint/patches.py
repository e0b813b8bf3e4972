"""Filled samples on their way from the filling processes to the encoder."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes
from preflight.engine.media.decode import Frame
from preflight.engine.model.rasterize import chroma_mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """The new samples of `region` on frame `index`: packed masks of luma and of chroma, and the values under them."""

    index: int
    region: Box
    luma_mask: bytes
    chroma_mask: bytes
    y: bytes
    u: bytes
    v: bytes


def cut(index: int, region: Box, filled: Planes[np.uint8], hole: BoolMask) -> Patch:
    """Return the patch of a filled region; only what `hole` marks is taken."""
    tinted = chroma_mask(hole)
    return Patch(
        index=index,
        region=region,
        luma_mask=np.packbits(hole).tobytes(),
        chroma_mask=np.packbits(tinted).tobytes(),
        y=filled.luma[hole].tobytes(),
        u=filled.chroma[..., 0][tinted].tobytes(),
        v=filled.chroma[..., 1][tinted].tobytes(),
    )


def paste(frame: Frame, patches: list[Patch]) -> Frame:
    """Return the frame with the patches' samples; all other samples are the frame's own, bit by bit."""
    if not patches:
        return frame
    y, u, v = frame.y.copy(), frame.u.copy(), frame.v.copy()
    for patch in patches:
        box = patch.region
        hole = _unpacked(patch.luma_mask, box.height, box.width)
        y[box.slices][hole] = np.frombuffer(patch.y, np.uint8)
        half = _unpacked(patch.chroma_mask, box.height // 2, box.width // 2)
        place = slice(box.y0 // 2, box.y1 // 2), slice(box.x0 // 2, box.x1 // 2)
        u[place][half] = np.frombuffer(patch.u, np.uint8)
        v[place][half] = np.frombuffer(patch.v, np.uint8)
    return Frame(index=frame.index, y=y, u=u, v=v)


def _unpacked(packed: bytes, height: int, width: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    return bits.reshape(height, width).astype(bool)


@dataclass(slots=True)
class Spool:
    """Patches on disk, found again by frame, so that memory does not grow with the video."""

    file: BinaryIO
    _where: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def put(self, *patches: Patch) -> None:
        """Keep patches."""
        for patch in patches:
            data = pickle.dumps(patch, protocol=pickle.HIGHEST_PROTOCOL)
            self.file.seek(0, 2)
            self._where.setdefault(patch.index, []).append((self.file.tell(), len(data)))
            self.file.write(data)

    @property
    def frames(self) -> frozenset[int]:
        """The frames that have patches."""
        return frozenset(self._where)

    def take(self, index: int) -> list[Patch]:
        """Return the patches of frame `index`."""
        found = []
        for offset, size in self._where.get(index, ()):
            self.file.seek(offset)
            found.append(pickle.loads(self.file.read(size)))  # noqa: S301 - written by this process
        return found
