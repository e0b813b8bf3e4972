"""Filled samples on their way from the filling processes to the encoder."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes, chroma_box
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
    opacity: float = 1.0
    """Weight against an earlier patch of the same pixels, 0..1."""


def cut(index: int, region: Box, filled: Planes[np.uint8], hole: BoolMask, opacity: float = 1.0) -> Patch:
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
        opacity=opacity,
    )


def paste(frame: Frame, patches: list[Patch]) -> Frame:
    """Return the frame with the patches' pixels; all other pixels are the frame's own, bit by bit.

    A patch that is not opaque is blended with the earlier patches, never with the frame.
    """
    if not patches:
        return frame
    planes = [frame.y.copy(), frame.u.copy(), frame.v.copy()]
    filled = [np.zeros(plane.shape, bool) for plane in planes]
    for patch in patches:
        box = patch.region
        hole = _unpacked(patch.luma_mask, box.height, box.width)
        half = _unpacked(patch.chroma_mask, box.height // 2, box.width // 2)
        small = chroma_box(box).slices
        for number, (place, mask, data) in enumerate(
            ((box.slices, hole, patch.y), (small, half, patch.u), (small, half, patch.v))
        ):
            values, before = np.frombuffer(data, np.uint8), planes[number][place]
            if patch.opacity < 1:
                share = np.where(filled[number][place][mask], patch.opacity, 1.0)
                values = np.rint(before[mask] + share * (values - before[mask].astype(np.float64))).astype(np.uint8)
            before[mask] = values
            filled[number][place][mask] = True
    y, u, v = planes
    return Frame(index=frame.index, y=y, u=u, v=v)


def _unpacked(packed: bytes, height: int, width: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    return bits.reshape(height, width).astype(bool)


@dataclass(slots=True)
class Spool:
    """Patches on disk, found again by frame, so that memory does not grow with the video."""

    file: BinaryIO
    _where: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)

    def put(self, *patches: Patch, chunk: int = 0) -> None:
        """Keep the patches of a chunk, in place of those that it had before."""
        for patch in patches:
            data = pickle.dumps(patch, protocol=pickle.HIGHEST_PROTOCOL)
            self.file.seek(0, 2)
            self._where.setdefault(patch.index, {})[chunk] = self.file.tell(), len(data)
            self.file.write(data)

    @property
    def frames(self) -> frozenset[int]:
        """The frames that have patches."""
        return frozenset(self._where)

    def take(self, index: int) -> list[Patch]:
        """Return the patches of frame `index`, in the order of their chunks."""
        found = []
        for _, (offset, size) in sorted(self._where.get(index, {}).items()):
            self.file.seek(offset)
            found.append(pickle.loads(self.file.read(size)))  # noqa: S301 - written by this process
        return found
