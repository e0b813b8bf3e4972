"""Thresholds of the tracker, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """How text is followed from sample to sample; a sample is a frame on which the detector runs."""

    motion_frames: int = 4
    """Frames over which text is compared with its surroundings: enough to move, too few to lose features."""
    flank_samples: int = 3
    """Samples before and after text over which the camera motion is measured, so that frames there can be donors."""
    history_samples: int = 3
    """Samples that are looked back for the first frame of text: small text is detected on every other sample only."""
    full_interval: int = 16
    """Samples of which one gets a close detection, for what was missed before and for small print."""
    relearned_after: tuple[int, ...] = (3, 6, 12)
    """Samples after which the strokes of standing text are learnt anew: the scene in them has changed meanwhile."""
    min_letters: int = 2
    """Letters from which on something counts as text; a single one is read into many things."""
    search_width: float = 0.2
    """Share of the frame's width within which text that left its place is searched for on the next sample."""
    search_height: float = 1 / 12
    """Share of the frame's height within which text that left its place is searched for on the next sample."""
    move_gain: float = 0.04
    """Correlation that another place must have more than the old one for standing text to have moved."""
    path_score: float = 0.57
    """Correlation above which text that moves is on the way between two known places."""
    trace_score: float = 0.5
    """Correlation above which a place on a path is taken as measured, not as interpolated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapSettings:
    """How words between two samples are searched for at the place of text that changed."""

    min_run: int = 3
    """Frames without known text in a row that get a detection of their own; words last 4 frames or more."""
    max_probes: int = 8
    """Detections for one place between two samples."""
    text_height: int = 36
    """Height in pixels that text of the place is scaled down to for the detector."""
    row_overlap: float = 0.6
    """Share of the lower one's height that two lines of one place have in common."""
    height_ratio: float = 2.0
    """Ratio of heights up to which two lines belong to one place; a single letter without ascender is half as high."""
    margin: float = 1.0
    """Text heights around a place that are shown to the detector with it."""


TRACKER = TrackerSettings()
GAPS = GapSettings()
