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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualSettings:
    """Thresholds of the check of filled frames."""

    limit: float = 0.4
    """Residual from which on a text counts as left: similarity of readings, or share of the strokes' contrast."""
    read_step: int = 8
    """Frames between two searches for text in the result; every line is searched once in the middle of its time."""
    trace_step: int = 4
    """Frames between two measurements of traces."""
    trace_limit: float = 0.12
    """Share of the strokes' contrast from which on traces count as left."""
    detection_height: float = 32.0
    """Height to which text is scaled for the detector, in pixels."""
    surroundings: float = 1.0
    """Margin around a line that is searched too, in text heights."""
    line_overlap: float = 0.4
    """Share of a found line that must lie on a removed one, or on one that stays, to belong to it."""
    written_score: float = 0.75
    """Confidence of a reading from which on text counts that was not there before."""
    least_height: int = 8
    """Minimum text height at which the shape of strokes is told from that of the scene, in pixels."""
    dense: float = 0.88
    """Share of a line's box above which its mask has no letters' shape. Letters with thick outlines cover up to 0.8."""
    rim: float = 0.1
    """Width of the rim around the letters on which outlines and halos are looked for, in text heights."""
    least_trace: float = 5.0
    """Contrast in the letters' shape that an eye can see on a still scene, in gray levels."""
    significance: float = 4.0
    """Ratio of a trace's contrast to its standard error, above which it is no accident of the scene."""
    least_contrast: float = 20.0
    """Lower bound of the strokes' contrast in the source, in gray levels, so that faint text is not overrated."""


RESIDUAL = ResidualSettings()
"""The settings that the engine uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandSettings:
    """Thresholds of flat bands beside a picture."""

    flat: float = 4.0
    """Maximum deviation inside a row of a band, and of its median from the others', in gray levels."""
    contrast: float = 16.0
    """Minimum difference and deviation of the rows behind a band's edge, in gray levels."""
    least_rows: int = 6
    """Minimum height of a band, and of what is behind its edge, in rows."""
    row_share: float = 0.75
    """Share of a row's pixels that its deviation bounds: the others may show text that was not found."""
    column_step: int = 3
    """Every so many columns are looked at, for speed."""
    margin: int = 3
    """Pixels beside text that are left out, since it tints them."""
    least_visible: float = 0.05
    """Share of a row that must be visible to tell that the band has ended there."""


BANDS = BandSettings()
"""The settings that the engine uses."""
