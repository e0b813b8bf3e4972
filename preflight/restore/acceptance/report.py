"""What the acceptance test returns: plain values, for records and programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AcceptanceVerdict(StrEnum):
    """Whether a result can be used."""

    ACCEPTED = "accepted"
    REMARKS = "accepted with remarks"
    POOR = "poor"


class Level(StrEnum):
    """How much a finding weighs."""

    REMARK = "remark"
    POOR = "poor"


class Problem(StrEnum):
    """What can be wrong with a result."""

    RESIDUAL_TEXT = "residual text"
    WRITTEN_TEXT = "text that the source does not have"
    CHANGED_OUTSIDE = "change outside the text"
    LOW_QUALITY = "low quality outside the text"
    MISSING_FRAMES = "missing frames"
    EXTRA_FRAMES = "extra frames"
    FROZEN = "frozen pictures"
    TIME_SHIFT = "shift in time"
    PICTURE_SHIFT = "shift of the picture"
    SYNC = "sound out of sync"
    FLICKER = "flicker"
    BIT_RATE = "low bit rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedText:
    """A text that the result should not show: its words, frames and box."""

    text: str
    first: int
    last: int
    box: tuple[int, int, int, int]
    moves: bool = False

    @property
    def height(self) -> int:
        """Height of the line in samples."""
        return max(1, min(self.box[2] - self.box[0], self.box[3] - self.box[1]))

    def is_on(self, index: int, slack: int = 0) -> bool:
        """Return True when a frame shows it, or one that is up to `slack` frames away."""
        return self.first - slack <= index <= self.last + slack


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Frames of the source and a box that a finding is about."""

    first_frame: int
    last_frame: int
    time: float
    """Seconds from the first frame to the first of these frames."""
    box: tuple[int, int, int, int] | None = None
    """Left, top, right and bottom edge in pixels of the source's upright picture; None for the whole picture."""
    text: str = ""
    """What was read there."""
    value: float = 0.0
    """The measure at its worst, in the unit of the finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceFinding:
    """One kind of problem, how much it weighs, and where it was found, worst first."""

    problem: Problem
    level: Level
    reason: str
    """One sentence with the measured value."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceReport:
    """The verdict on a cleaned video, and all measures behind it."""

    verdict: AcceptanceVerdict
    findings: tuple[AcceptanceFinding, ...]
    frames: int
    """Frames of the source that were compared."""
    frame_rate: float
    """Frames of the source a second."""
    size: tuple[int, int]
    """Width and height of the source's upright picture, in pixels."""
    texts: int
    """Lines of text that the result should not show."""
    residual_texts: int
    """Lines of which something is left."""
    outside_psnr: float | None
    """Median over the frames of the luma PSNR outside the text, in dB; None where no frames match."""
    worst_tile_psnr: float | None
    """Luma PSNR of the worst tile outside the text, in dB."""
    missing_frames: int
    extra_frames: int
    frozen_frames: int
    shift: tuple[float, float]
    """Shift of the picture to the right and down, in pixels of the source."""
    time_shift: float
    """Seconds by which the picture comes too late."""
    sync_error: float | None
    """Seconds by which the sound comes later against the picture than in the source; None without sound."""
    flicker: float
    """Mean warping error inside the text regions above that around them, in gray levels."""
    bit_rate: float
    """Bits a second of the cleaned video's file."""
    evidence: tuple[str, ...] = ()
    """Names of the pictures in the evidence folder."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each finding, the heaviest first."""
        return tuple(finding.reason for finding in self.findings)
