"""Tuning parameters of inpainting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintSettings:
    """Thresholds of donor verification and of the residual text check."""

    content_tolerance: float = 2.5
    """Ratio of a pixel's difference to the tolerance for misalignment above which it shows other content."""
    content_share: float = 0.12
    """Share of the visible pixels of a window that may differ. Letters of another word cover 0.3 to 0.6 of it."""
    least_visible: float = 0.04
    """Lower bound of the share of a window that is visible, so that few pixels alone don't reject a donor."""
    verifiable_share: float = 0.25
    """Share of a detected line that must be visible on the target to tell whether the line is part of the scene."""
    unexpected_margin: float = 0.6
    """Margin around a detected line for outline, shadow and letters that known text hides, in text heights."""
    detection_height: float = 32.0
    """Height to which text is scaled for the detector, in pixels: it finds letters from 12 to 60 pixels best."""
    least_donors: int = 3
    """Minimum number of donors of a pixel for a vote: of two that disagree, neither is known to be wrong."""
    outlier_difference: float = 20.0
    """Difference to the median of all donors above which a pixel of one is dropped, in gray levels."""
    outlier_margin: int = 2
    """Margin around dropped pixels for the soft edge of what was there, in pixels."""


INPAINT = InpaintSettings()
"""The settings that the engine uses."""
