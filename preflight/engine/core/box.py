"""Boxes on the picture, and what lies inside what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in samples of the upright picture; `x1` and `y1` are outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Width in samples."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Height in samples."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Number of samples inside."""
        return max(0, self.width) * max(0, self.height)

    @property
    def text_height(self) -> int:
        """Height of a line of text that fills the box: its shorter side."""
        return min(self.width, self.height)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rows and columns inside, for an array of the picture."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def common(self, other: Box) -> int:
        """Return the number of samples in both."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0, width) * max(0, height)

    def covers(self, other: Box) -> bool:
        """Return True when `other` lies inside."""
        return self.common(other) == other.area

    def iou(self, other: Box) -> float:
        """Return the share of the union that is common."""
        common = self.common(other)
        return common / (self.area + other.area - common) if common else 0.0

    def united(self, other: Box) -> Box:
        """Return the smallest box around both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def moved(self, dx: int, dy: int) -> Box:
        """Return the box shifted by whole samples."""
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def padded(self, pad: int, width: int, height: int) -> Box:
        """Return the box grown by `pad` on every side, on even corners, inside a `width` x `height` picture."""
        return Box(
            max(0, self.x0 - pad) // 2 * 2,
            max(0, self.y0 - pad) // 2 * 2,
            min(width // 2 * 2, -(-(self.x1 + pad) // 2) * 2),
            min(height // 2 * 2, -(-(self.y1 + pad) // 2) * 2),
        )


def join_words(boxes: Iterable[Box]) -> list[Box]:
    """Join boxes that stand side by side on one line, as words of a caption do."""
    lines: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.x0, b.y0, b.x1, b.y1)):
        for place, line in enumerate(lines):
            height = min(line.height, box.height)
            overlap = min(line.y1, box.y1) - max(line.y0, box.y0)
            alike = max(line.height, box.height) < 1.8 * height
            if alike and overlap > 0.6 * height and box.x0 - line.x1 < 1.2 * height:
                lines[place] = line.united(box)
                break
        else:
            lines.append(box)
    return lines


def margined(line: Box, size: tuple[int, int]) -> Box:
    """Return a line with what may belong to it: outline and shadow all around, a dash or a full stop at its ends."""
    pad, more = int(line.text_height * 0.35) + 4, int(line.text_height * 0.5)
    across, down = (more, 0) if line.width >= line.height else (0, more)
    return Box(line.x0 - across, line.y0 - down, line.x1 + across, line.y1 + down).padded(pad, *size)
