"""Group lines of text to cues: lines of one block that come and go together are one subtitle."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from preflight.model.text import ScreenText, TextRole

MAX_EDGE_DIFFERENCE = 1
"""Frames by which the first or last frames of two lines of one cue may differ: the edge of the fainter one is uncertain
by one frame."""

MAX_LINE_GAP = 1.0
"""Vertical gap between two lines of one block, in heights of the lower one."""

MIN_COMMON_WIDTH = 0.3
"""Share of the narrower line's width that two lines of one block have in common."""

SAME_LINE = 0.5
"""Share of the lower height by which two pieces overlap vertically when they are on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CueLine:
    """One line of a cue, with its language (`zh`, `en` or empty) and colour (`#RRGGBB`)."""

    text: str
    language: str
    box: tuple[int, int, int, int]
    color: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Text that is shown together, in reading order."""

    first_frame: int
    last_frame: int
    start: Fraction
    end: Fraction
    lines: tuple[CueLine, ...]
    role: TextRole
    removed: bool | None = None

    @property
    def text(self) -> str:
        """All lines, separated by line breaks."""
        return "\n".join(line.text for line in self.lines)

    @property
    def confidence(self) -> float:
        """Confidence of the least certain line, 0..1."""
        return min(line.confidence for line in self.lines)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The smallest box around all lines."""
        left, top, right, bottom = zip(*(line.box for line in self.lines), strict=True)
        return min(left), min(top), max(right), max(bottom)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its lines, each once, in reading order."""
        return tuple(dict.fromkeys(line.language for line in self.lines))

    def only(self, language: str) -> Cue | None:
        """Return the cue with the lines of one language alone; None when it has none."""
        lines = tuple(line for line in self.lines if line.language == language)
        return replace(self, lines=lines) if lines else None


def select_cues(
    texts: Sequence[ScreenText], roles: Collection[TextRole] = (TextRole.CAPTION,), *, language: str | None = None
) -> tuple[Cue, ...]:
    """Group the texts of the given roles to cues.

    Args:
        texts: lines of text in any order.
        roles: the roles that are wanted.
        language: lines of this language only (`zh` or `en`); None for all.

    Returns:
        The cues in order of time; at one time from top to bottom.
    """
    wanted = [t for t in texts if t.role in roles and t.text and (language is None or t.language == language)]
    groups: list[list[ScreenText]] = []
    for text in sorted(wanted, key=lambda t: (t.first_frame, t.box[1], t.box[0])):
        home = next((group for group in groups if any(_is_together(text, other) for other in group)), None)
        if home is None:
            groups.append([text])
        else:
            home.append(text)
    cues = [_cue(group) for group in groups]
    return tuple(sorted(cues, key=lambda cue: (cue.first_frame, cue.box[1], cue.box[0])))


def _is_together(a: ScreenText, b: ScreenText) -> bool:
    edges = max(abs(a.first_frame - b.first_frame), abs(a.last_frame - b.last_frame)) <= MAX_EDGE_DIFFERENCE
    return edges and a.role is b.role and a.removed == b.removed and not a.moves and not b.moves and _is_near(a, b)


def _is_near(a: ScreenText, b: ScreenText) -> bool:
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.box, b.box
    height = min(ay1 - ay0, by1 - by0)
    if min(ay1, by1) - max(ay0, by0) > SAME_LINE * height:
        return max(ax0, bx0) - min(ax1, bx1) < 2 * MAX_LINE_GAP * height
    common = min(ax1, bx1) - max(ax0, bx0)
    narrow = min(ax1 - ax0, bx1 - bx0)
    return max(ay0, by0) - min(ay1, by1) < MAX_LINE_GAP * height and common > MIN_COMMON_WIDTH * narrow


def _cue(group: Sequence[ScreenText]) -> Cue:
    first = min(group, key=lambda text: text.first_frame)
    last = max(group, key=lambda text: text.last_frame)
    return Cue(
        first_frame=first.first_frame,
        last_frame=last.last_frame,
        start=first.start,
        end=last.end,
        lines=_in_reading_order(group),
        role=first.role,
        removed=first.removed,
    )


def _in_reading_order(group: Sequence[ScreenText]) -> tuple[CueLine, ...]:
    """Return the lines from top to bottom, pieces of one line from left to right; columns from right to left."""
    if all(_is_column(text) for text in group):
        rows = [[text] for text in sorted(group, key=lambda t: -t.box[2])]
    else:
        rows = []
        for text in sorted(group, key=lambda t: (t.box[1] + t.box[3], t.box[0])):
            if rows and _is_same_row(rows[-1][0], text):
                rows[-1].append(text)
            else:
                rows.append([text])
    return tuple(line for row in rows for line in _joined(sorted(row, key=lambda t: t.box[0])))


def _is_column(text: ScreenText) -> bool:
    left, top, right, bottom = text.box
    return bottom - top > right - left and len(text.text) > 1


def _is_same_row(a: ScreenText, b: ScreenText) -> bool:
    height = min(a.box[3] - a.box[1], b.box[3] - b.box[1])
    return min(a.box[3], b.box[3]) - max(a.box[1], b.box[1]) > SAME_LINE * height


def _joined(row: Sequence[ScreenText]) -> list[CueLine]:
    """Return the pieces of one row; neighbours of one language become one line."""
    lines: list[CueLine] = []
    for text in row:
        line = CueLine(
            text=text.text, language=text.language, box=text.box, color=text.color, confidence=text.confidence
        )
        if lines and lines[-1].language == line.language:
            before = lines.pop()
            (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = before.box, line.box
            line = replace(
                before,
                text=f"{before.text} {line.text}",
                box=(min(ax0, bx0), min(ay0, by0), max(ax1, bx1), max(ay1, by1)),
                confidence=min(before.confidence, line.confidence),
            )
        lines.append(line)
    return lines
