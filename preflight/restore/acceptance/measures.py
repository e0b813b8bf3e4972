"""Everything that the pass over both videos measured, before it is judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from preflight.restore.acceptance.motion_check import FrozenRun
from preflight.restore.acceptance.report import ExpectedText, Place

Box = tuple[int, int, int, int]


@dataclass(slots=True)
class TextTrace:
    """What was measured of one text: traces by frame, readings by frame, flicker by frame, frames without a change."""

    traces: dict[int, float] = field(default_factory=dict)
    readings: dict[int, str] = field(default_factory=dict)
    flicker: dict[int, float] = field(default_factory=dict)
    unchanged: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideChange:
    """A group of tiles outside the text that differs on frames `first`..`last`; `share` is of the picture."""

    first: int
    last: int
    box: Box
    share: float
    psnr: float


@dataclass(slots=True, kw_only=True)
class AcceptanceMeasures:
    """The measures of a whole video. Frames are the source's; boxes are at the size of the source."""

    frames: int = 0
    cleaned_frames: int = 0
    rate: float = 25.0
    texts: list[tuple[ExpectedText, TextTrace]] = field(default_factory=list)
    written: list[Place] = field(default_factory=list)
    outside: list[OutsideChange] = field(default_factory=list)
    outside_psnr: list[float] = field(default_factory=list)
    worst_tile_psnr: float | None = None
    dropped: list[int] = field(default_factory=list)
    """Frames of the source that have no frame of their own in the result, though they differ from their neighbours."""
    frozen: list[FrozenRun] = field(default_factory=list)
    shifts: list[tuple[float, float]] = field(default_factory=list)
    time_shifts: list[float] = field(default_factory=list)
    source_sync: float | None = None
    """Seconds from the first frame to the first sound."""
    cleaned_sync: float | None = None
    source_length: float = 0.0
    cleaned_length: float = 0.0
    bit_rate: float = 0.0
    source_bit_rate: float = 0.0
