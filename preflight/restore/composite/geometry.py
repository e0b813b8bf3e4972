"""How a place in the picture that was sent maps to the source's own picture. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from preflight.model.media import VideoStream
from preflight.restore.composite.frames import Picture, Samples


class Area(NamedTuple):
    """A rectangle in samples: columns `x0` up to `x1`, rows `y0` up to `y1`."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and the columns."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def divided(self, across: int, down: int) -> Area:
        """Return the box on a plane with fewer samples; the sides are multiples of the divisors, or the edge."""
        return Area(self.x0 // across, self.y0 // down, -(-self.x1 // across), -(-self.y1 // down))

    def clipped(self, width: int, height: int) -> Area:
        """Return the part inside a picture."""
        return Area(max(0, self.x0), max(0, self.y0), min(width, self.x1), min(height, self.y1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """How players show a stored picture: flipped from left to right where `mirrored`, then turned clockwise."""

    rotation: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, stream: VideoStream) -> Orientation:
        """Return the orientation that a stream's header tells."""
        return cls(rotation=stream.rotation % 360, mirrored=stream.mirrored)

    @property
    def matrix(self) -> tuple[int, int, int, int]:
        """(a, b, c, d) of the display matrix of MP4 (ISO/IEC 14496-12, 8.3.2)."""
        cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[self.rotation]
        return (-cos, -sin, -sin, cos) if self.mirrored else (cos, sin, -sin, cos)

    def shown(self, plane: Samples) -> Samples:
        """Return a view of a stored plane as it is shown: what is written to the view is written to the plane."""
        flipped = plane[:, ::-1] if self.mirrored else plane
        return np.rot90(flipped, -(self.rotation // 90))

    def shown_picture(self, picture: Picture) -> Picture:
        """Return views of the planes of a stored picture."""
        return Picture(*(self.shown(plane) for plane in picture))

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size of a stored picture as it is shown, in samples."""
        return (height, width) if self.rotation % 180 == 90 else (width, height)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What was sent of the source's picture: the `shown` picture's size, what was cropped of it, and the size sent.

    All sizes are (width, height) in samples of the upright picture. The crop is taken from the middle.
    """

    shown: tuple[int, int]
    sent: tuple[int, int]
    crop: tuple[int, int] | None = None

    @property
    def origin(self) -> tuple[int, int]:
        """Left and top edge of the crop; even, as ffmpeg's crop filter rounds for 4:2:0."""
        if self.crop is None:
            return 0, 0
        left, top = ((whole - part) // 2 for whole, part in zip(self.shown, self.crop, strict=True))
        return left & ~1, top & ~1

    @property
    def scale(self) -> tuple[float, float]:
        """Samples sent for each sample of the source, across and down."""
        width, height = self.crop or self.shown
        return self.sent[0] / width, self.sent[1] / height

    def to_source(self, box: Area, *, even: bool = True) -> Area:
        """Return the smallest box of the source that covers a box of the picture sent; its sides are even."""
        (left, top), (across, down) = self.origin, self.scale
        width, height = self.shown
        x0, y0 = int(box.x0 / across + left), int(box.y0 / down + top)
        x1, y1 = int(-(-box.x1 // across) + left), int(-(-box.y1 // down) + top)
        if even:
            x0, y0, x1, y1 = x0 & ~1, y0 & ~1, x1 + x1 % 2, y1 + y1 % 2
        return Area(x0, y0, x1, y1).clipped(width, height)

    def sampling(
        self,
        target: Area,
        given: Area,
        *,
        shift: tuple[float, float],
        chroma: tuple[int, int],
        sent_chroma: int,
    ) -> Samples:
        """Return the 2x3 matrix that takes a sample of `target` in the source to its place in `given` of the sent.

        Args:
            target: box of the source's plane, in its own samples.
            given: box of the sent plane, in its own samples.
            shift: how much farther right and down the sent picture lies, in luma samples of it.
            chroma: luma samples for each sample of the source's plane, across and down.
            sent_chroma: the same of the sent plane, in both directions.
        """
        (left, top), (across, down) = self.origin, self.scale
        rows = []
        for axis, (offset, ratio, moved) in enumerate(((left, across, shift[0]), (top, down, shift[1]))):
            step = ratio * chroma[axis] / sent_chroma
            # Centres of samples lie at halves.
            start = ((target[axis] + 0.5) * chroma[axis] - offset) * ratio / sent_chroma - 0.5
            rows.append((step, start + moved / sent_chroma - given[axis]))
        (sx, tx), (sy, ty) = rows
        return np.array([[sx, 0.0, tx], [0.0, sy, ty]], np.float64)
