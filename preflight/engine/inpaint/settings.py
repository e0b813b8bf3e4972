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
    confirming_difference: float = 8.0
    """Maximum difference of two frames with different text that show the same beside the letters, in gray levels."""
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
    """Residual at or above which a text counts as left: similarity of readings, or share of the strokes' contrast."""
    read_step: int = 8
    """Frames between two searches for text in the result; every line is searched once in the middle of its time."""
    trace_frames: int = 5
    """Frames in a row of which most must show a trace for it to be seen: a sixth of a second."""
    trace_limit: float = 0.12
    """Share of the strokes' contrast at or above which traces count as left."""
    detection_height: float = 32.0
    """Height to which text is scaled for the detector, in pixels."""
    surroundings: float = 1.0
    """Margin around a line that is searched too, in text heights."""
    line_overlap: float = 0.4
    """Share of a found line that must lie on a removed one, or on one that stays, to belong to it."""
    legible_score: float = 0.6
    """Confidence of a reading below which a person can't read the text either (looked at on lines of real clips)."""
    written_score: float = 0.75
    """Confidence of a reading at or above which text counts that was not there before."""
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
    window: float = 1.0
    """Side of the windows against whose mean contrast is measured, in text heights. With 2 a smooth fill between
    large bright and dark parts of a scene passed for a trace (measured on a real pair)."""
    faint_ratio: float = 0.5
    """Ratio of the opacities of two frames up to which they tell the scene from the text."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionSettings:
    """Thresholds of the fusion of donors with each other and with the spatial fill."""

    most_donors: int = 6
    """Number of donors of a frame: more change nothing visible."""
    most_tries: int = 10
    """Number of frames whose optical flow is computed to find them."""
    largest_error: float = 16.0
    """Median difference outside the text above which two frames show different scenes, in gray levels."""
    largest_gain: float = 25.0
    """Largest difference of brightness that is matched between two frames, in gray levels."""
    disagreement: float = 6.0
    """Difference between the donors' mean and the best of them above which the best counts more, in gray levels."""
    contradiction: float = 16.0
    """The same difference, at or above which the best donor counts alone."""
    certain: float = 0.97
    """Trust in propagated pixels (0..1) at or above which the spatial fill continues from them."""
    error_ratio: float = 2.2
    """Ratio of the root mean square error of a fill to its mean error on the validation band (measured)."""
    fitted_ratio: float = 2.0
    """Squared ratio by which a fill may differ more from what a matte fitted over many frames shows."""
    neighbourhood: float = 4.0
    """Standard deviation of the window in which fill and unblended scene are compared, in pixels."""
    cached_views: int = 64
    """Number of prepared frames that are kept in memory."""


FUSION = FusionSettings()
"""The settings that the engine uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothingSettings:
    """Thresholds of temporal smoothing, by which the previous fill is mixed into the next one."""

    still_motion: float = 0.25
    """Median motion up to which a region counts as still, in pixels."""
    moving_share: float = 0.65
    """Largest share of the previous fill in a moving scene: more lags behind changes of light and blurs."""
    moving_difference: float = 12.0
    """Difference of the two fills at or above which they are not mixed in a moving scene, in gray levels."""
    still_difference: float = 8.0
    """The same in a still scene, where the previous fill is kept as it is."""
    moving_error: float = 8.0
    """Difference around the text at or above which nothing is mixed in a moving scene, in gray levels."""
    still_error: float = 1.0
    """The same in a still scene."""


SMOOTHING = SmoothingSettings()
"""The settings that the engine uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedSettings:
    """Thresholds of the fill by a model that a person brings."""

    most_trust: float = 0.5
    """Trust in propagated pixels (0..1) at or above which the model is not asked: they count more than it would."""
    least_samples: int = 16
    """Minimum number of samples that the model is asked for."""
    rim: int = 3
    """Pixels beside the validation band that are hidden too: so far inside its mask the MI-GAN pipeline still blends
    the given picture in, which would make its error on the band too small."""
    flat_error: float = 1.0
    """Error of the harmonic fill on the validation band up to which it is kept, in gray levels: bands, plates, sky."""
    detail_radius: float = 4.0
    """Standard deviation of the blur that texture is told from the rest by, in pixels."""
    slack: float = 0.2
    """Share of the harmonic fill's squared error by which the model may be worse, since it leaves no smooth spot."""
    doubt: float = 0.1
    """Width of the transition between the two fills, as a share of the harmonic fill's squared error."""
    least_doubt: float = 0.5
    """Lower bound of that width, in squared gray levels."""
    least_share: float = 0.05
    """Share of the model below which the harmonic fill is left alone."""
    patience: int = 4
    """Answers in a row that are no good, after which the model is not asked again in a chunk: it costs seconds."""
    light_radius: float = 8.0
    """Standard deviation of the window in which the model's brightness is matched to the scene, in pixels."""
    still_mean: float = 1.5
    """Mean difference around the hole up to which the last fill is kept, in gray levels (noise of encoders)."""
    change: int = 12
    """Difference of a pixel at or below which it has not changed, in gray levels."""
    changed: float = 0.01
    """Share of changed pixels around the hole up to which the last fill is kept."""
    context: int = 16
    """Least width of the scene that a model is shown beside a hole, in pixels; less at the border of the picture."""
    overlap: int = 64
    """Overlap of the parts of a hole that is too large for the model, over which they are blended, in pixels."""


LEARNED = LearnedSettings()
"""The settings that the engine uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorSettings:
    """Parameters of donor selection."""

    offsets: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
    """Distances that are always considered, in frames; the first clear frames before and after a text are added."""
    raster: int = 4
    """Distance of the points of the hole that are looked up in other frames, in pixels."""
    decay: float = 30.0
    """Distance over which the preference of a frame falls to 1 / e, in frames."""
    largest_distance: float = 40.0
    """Distances are clipped to this, in frames, so that a distant clean frame beats covered neighbours."""
    loyalty: float = 1.3
    """Factor by which a donor of the previous frame is preferred, since changing donors flickers."""


DONORS = DonorSettings()
"""The settings that the engine uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinementSettings:
    """Thresholds of mask refinement by the median of gradients (Dekel et al., CVPR 2017)."""

    least_samples: int = 12
    """Minimum number of frames from which the median is taken."""
    edge_ratio: float = 4.0
    """Minimum ratio of a text's edges to what is left of the scene's."""
    least_slope: float = 2.5
    """Minimum slope of a text edge, in gray levels a pixel."""
    inside_share: float = 0.65
    """Minimum share of all edges that lie on the line, where they are the edges of text."""
    least_cover: float = 0.05
    """Minimum share of the line that letters cover."""
    most_cover: float = 0.85
    """Maximum share of the line that letters cover."""
    rim: int = 2
    """Margin around the strokes that is tinted by them, in pixels."""
    vague_cover: float = 0.85
    """Ratio of mask to line above which the mask holds more than letters."""


REFINEMENT = RefinementSettings()
"""The settings that the engine uses."""
