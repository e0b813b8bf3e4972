"""Thresholds of text detection: how often, and how closely, frames are looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """Sizes and rates of detection. A side is the shorter one of the picture that the detector gets, in pixels."""

    sample_seconds: float = 0.4
    """Seconds between two samples; shorter captions are found by the search between samples."""
    max_step: int = 12
    """Frames between two samples."""
    side: int = 416
    """Side of an ordinary detection. Recall of text pixels is 1.000 from 384 on (captions from 16 px at 720p)."""
    close_side: int = 640
    """Side of the close detections, which find small print; one sample in many gets one."""
    coarse_side: int = 256
    """Side of a coarse detection: letters from a thirtieth of the frame's height on are found."""
    surroundings: int = 160
    """Pixels around what a region shows that are detected with it: things that are cut off look like text."""
    max_height: float = 0.45
    """Share of the frame's height at or above which a box is no line of text; slanted lines have high boxes."""
    same_overlap: float = 0.6
    """Share of a line that lies on a known one which it is taken for."""
    max_growth: float = 1.6
    """Ratio of areas up to which a line is a known one."""
    min_height: float = 0.6
    """Ratio of heights at or above which a line is a known one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSettings:
    """When a part of the picture has changed, so that there can be new text."""

    block: int = 8
    """Side in pixels of the blocks that changes are measured in."""
    margin: int = 24
    """Pixels around a change that are detected with it."""
    min_spread: float = 4.5
    """Standard deviation of a change in gray levels; faint small print (20 levels, 10 lines high) makes 6 to 8."""
    max_share: float = 0.7
    """Share of the picture up to which changed regions are detected instead of all of it."""
    max_coarse_share: float = 0.3
    """The same share where the other choice is a coarse detection."""


DETECTION = DetectionSettings()
CHANGES = ChangeSettings()
