"""What the page shows of a video, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from preflight.model.text import TextStatus
from preflight.restore.acceptance.report import AcceptanceVerdict

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge, each 0..1 of the displayed picture."""


class RedoEffect(StrEnum):
    """What a redo did to a text."""

    NO = ""
    FILLED = "filled again"
    PUT_BACK = "put back"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewText:
    """One text of a video: `number` counts from 1 in the order of the record; times in seconds of the result."""

    number: int
    words: str
    status: TextStatus
    start: float
    end: float
    box: Box
    severity: float = 0.0
    """How likely it is to need a person, 0 (fine) to 1."""
    weaknesses: tuple[str, ...] = ()
    note: str = ""
    redone: RedoEffect = RedoEffect.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakSpot:
    """A place and time that a person should see; `box` is None when it is about the whole picture."""

    start: float
    end: float
    reason: str
    severity: float
    box: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewVideo:
    """A video to review: its files, its texts and where it may be weak.

    `cleaned` is None before a run. `offset` is where the result begins in the source, in seconds, after a trim.
    """

    identifier: str
    name: str
    source: Path | None
    cleaned: Path | None
    record: Path | None
    size: tuple[int, int]
    """Width and height of the displayed picture, in pixels."""
    rate: float
    """Frames per second."""
    duration: float
    """Length of the result, in seconds."""
    offset: float = 0.0
    texts: tuple[ReviewText, ...] = ()
    texts_known: bool = True
    """False for a result of a service that reports no texts: the source has to be searched."""
    weak_spots: tuple[WeakSpot, ...] = ()
    verdict: AcceptanceVerdict | None = None
    """What the acceptance test said; None for a result that was not verified."""
    has_redone_boxes: bool = False
    """True when a redo filled or protected boxes that are not those of texts."""
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> float:
        """The worst of its texts and weak spots, 1 for a poor verdict."""
        if self.verdict is AcceptanceVerdict.POOR:
            return 1.0
        texts = (text.severity for text in self.texts)
        return max((*texts, *(spot.severity for spot in self.weak_spots)), default=0.0)


class RowKind(StrEnum):
    """What a line of the index is about."""

    RESULT = "result"
    NEW = "new"
    """A video that was not run yet."""
    JOB = "job"
    """A job without a result."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """A line of the index: a result, a video without one, or a job that did not lead to one, with its next step."""

    identifier: str
    name: str
    state: str
    """The verdict of a result, `not verified` without one, or the state of a job."""
    severity: float
    kind: RowKind = RowKind.RESULT
    removed: int = 0
    kept: int = 0
    texts_known: bool = True
    duration: float = 0.0
    """Seconds of video."""
    jobs: int = 0
    """Paid jobs, one a segment."""
    decision: str = ""
    """`accept`, `reject` or empty."""
    error: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What all rows of an index add up to. `cost` is None when no price is set."""

    videos: int
    """Videos with a result."""
    new: int
    """Videos that were not run yet."""
    attention: int
    """Results that nobody has decided about and that are poor or have a weak spot."""
    failed: int
    jobs: int
    minutes: float
    cost: float | None
    accepted: int
    rejected: int
