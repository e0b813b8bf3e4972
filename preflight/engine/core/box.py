"""Axis-aligned boxes in pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_HEIGHT_RATIO = 1.8
"""Ratio of two words' heights up to which they may stand on one line. A word without ascenders has half the height."""
_LINE_OVERLAP = 0.6
"""Minimum vertical overlap of two words of one line, as a share of the lower one's height."""
_WORD_GAP = 1.2
"""Maximum gap between two words of one line, in heights of the lower one."""
_OUTLINE_MARGIN = 0.35
"""Margin on every side for outline, shadow and glow, in text heights."""
_LEAST_MARGIN = 4
"""Margin that is added to it for small text, in pixels."""
_END_MARGIN = 0.5
"""Further margin at both ends of a line for punctuation that the detector leaves out, in text heights."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright frame; `x1` and `y1` are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return max(0, self.width) * max(0, self.height)

    @property
    def text_height(self) -> int:
        """Height of a line of text that fills the box: the shorter side, for vertical text the width."""
        return min(self.width, self.height)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rows and columns inside, for an array of the frame."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def common(self, other: Box) -> int:
        """Return the number of pixels of the intersection."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0, width) * max(0, height)

    def covers(self, other: Box) -> bool:
        """Return True when `other` lies inside."""
        return self.common(other) == other.area

    def iou(self, other: Box) -> float:
        """Return the intersection over the union, 0..1."""
        common = self.common(other)
        return common / (self.area + other.area - common) if common else 0.0

    def united(self, other: Box) -> Box:
        """Return the smallest box around both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def moved(self, dx: int, dy: int) -> Box:
        """Return the box shifted by whole pixels."""
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def padded(self, pad: int, width: int, height: int) -> Box:
        """Return the box grown by `pad` pixels on every side to even corners, clipped to a `width` x `height` frame."""
        return Box(
            max(0, self.x0 - pad) // 2 * 2,
            max(0, self.y0 - pad) // 2 * 2,
            min(width // 2 * 2, -(-(self.x1 + pad) // 2) * 2),
            min(height // 2 * 2, -(-(self.y1 + pad) // 2) * 2),
        )


def join_words(boxes: Iterable[Box]) -> list[Box]:
    """Join boxes that stand side by side on one line, as the words of a caption do."""
    lines: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.x0, b.y0, b.x1, b.y1)):
        for place, line in enumerate(lines):
            height = min(line.height, box.height)
            overlap = min(line.y1, box.y1) - max(line.y0, box.y0)
            similar = max(line.height, box.height) < _HEIGHT_RATIO * height
            if similar and overlap > _LINE_OVERLAP * height and box.x0 - line.x1 < _WORD_GAP * height:
                lines[place] = line.united(box)
                break
        else:
            lines.append(box)
    return lines


def with_margin(line: Box, size: tuple[int, int]) -> Box:
    """Return a line's box with room for outline and shadow all around, and for a dash or a full stop at its ends.

    Args:
        line: box of the letters.
        size: width and height of the frame, to which the result is clipped.
    """
    pad, more = int(line.text_height * _OUTLINE_MARGIN) + _LEAST_MARGIN, int(line.text_height * _END_MARGIN)
    across, down = (more, 0) if line.width >= line.height else (0, more)
    return Box(line.x0 - across, line.y0 - down, line.x1 + across, line.y1 + down).padded(pad, *size)
