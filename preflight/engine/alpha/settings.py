"""Thresholds of the alpha estimation. Levels are steps of 8-bit samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MatteSettings:
    """Thresholds of `unblend`."""

    least_transmittance: float = 0.12
    """Transmittance up to which nothing of the scene is recovered: noise grows by its inverse."""
    sure_transmittance: float = 0.25
    """Transmittance at or above which the unblended scene is fully trusted."""
    least_confidence: float = 1e-3
    """Bound of the confidence as a divisor: the error of what can't be recovered stays finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FadeSettings:
    """Thresholds of fading text."""

    longest: int = 75
    """Longest fade at each end of a text, frames: 3 s at 25 frames a second."""
    faint: float = 0.2
    """Opacity up to which a frame is a donor for the scene below the text."""
    donors: int = 8
    """Maximum number of such donor frames."""
    full: float = 0.95
    """Opacity at or above which a text counts as fully there."""
    clearly_faded: float = 0.8
    """Opacity that at least one frame must stay below, else the text does not fade."""
    samples: int = 16
    """Number of frames from which the fully visible text is averaged."""
    least_samples: int = 3
    """Minimum number of such frames."""
    sample_contrast: float = 0.85
    """Minimum contrast of such a frame, as a share of the typical contrast."""
    typical_percentile: float = 75
    """Percentile of the frames' contrast that counts as typical."""
    still: float = 8.0
    """Maximum change of a still scene, levels; coding noise stays below."""
    still_percentile: float = 90
    """Percentile of the pixels that has to be still."""
    least_contrast: float = 20.0
    """Minimum distance between a colour of the letters and the scene, levels."""
    mixture_distance: float = 30.0
    """Maximum distance of a colour from the line between two others, for it to be a mixture of them, levels."""
    unmixed_percentile: float = 80.0
    """Percentile of the contrast at or above which a pixel shows a colour of the letters unmixed."""
    noise: float = 2.0
    """Coding error of an area without text, levels, root mean square."""
    noise_slope: float = 7.0
    """Increase of that error per unit of opacity: edges of letters cost bits."""
    most_noise: float = 5.0
    """Maximum of that error."""
    opaque: float = 0.9
    """Opacity at or above which a pixel is inside a letter."""
    rounds: int = 3
    """Alternations between the fit of opacity and of shadow."""
    reweightings: int = 4
    """Iterations of the robust fit of one frame's opacity."""
    parts: int = 3
    """Parts of a text, side by side, whose opacity is compared."""
    uneven: float = 0.2
    """Maximum difference of their opacity; a wipe or typewriter effect exceeds it."""
    least_correlation: float = 0.5
    """Minimum correlation between the observed and the expected contrast, else another text is there."""
    telling_opacity: float = 0.25
    """Opacity at or above which that correlation is asked for; fainter text drowns in noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkSettings:
    """Thresholds of translucent text that stays at its place."""

    least_samples: int = 16
    """Minimum number of frames for the regression."""
    most_samples: int = 48
    """Maximum number of frames."""
    least_variation: float = 5.0
    """Minimum variation of the scene behind a pixel for the pixel to be informative, levels over all channels."""
    opaque_noise: float = 1.0
    """Variation of opaque text by coding, levels."""
    informative: float = 0.25
    """Minimum share of the mark's pixels that are informative."""
    least_ratio: float = 0.3
    """Minimum ratio of the strokes' variation to the scene's. Opaque text has 0.24 at most."""
    least_slope: float = 0.25
    """Minimum slope of the regression over the strokes. Opaque text has 0.1 at most."""
    followed: float = 0.75
    """Minimum share of the strokes' variation that follows the scene; highlighted words vary by themselves."""
    weakest_ratio: float = 0.25
    """Minimum ratio of variation at all but the densest pixels."""
    densest_percent: float = 5
    """Percentage of pixels that may stay below it."""
    predictable: float = 0.5
    """Minimum share of the scene's variation that the interpolation from around reproduces at a pixel."""
    stroke_tint: float = 0.5
    """Tint at or above which a pixel is inside a stroke, as a share of the strongest tint."""
    least_strokes: float = 0.05
    """Minimum share of informative pixels inside strokes."""
    least_one_sign: float = 0.1
    """Minimum share of stroke pixels that are bright (or dark) for these to have a colour of their own."""
    slope_error_factor: float = 8.0
    """Factor on the variance of a pixel's own slope: consecutive frames of a scene are not independent."""
    tint_error: float = 0.1
    """Expected error of the opacity that follows from a pixel's tint."""
    least_color_distance: float = 8.0
    """Lower bound of the distance between a stroke's colour and the scene, levels."""
    neighborhood: float = 12.0
    """Standard deviation of the window in which the scene varies alike, pixels."""
    noise: float = 3.0
    """Error of the observed values and of the matte, levels, root mean square."""
    clear: float = 0.92
    """Transmittance at or above which a pixel does not belong to the mark."""
    least_roughness: float = 10.0
    """Roughness, beyond the surroundings', above which the unblended scene shows letters that were opaque, levels.
    Amplified coding noise stays below 8."""
    roughness_window: int = 5
    """Window of the median filter that roughness is measured against, pixels."""
    middle_gray: float = 128.0
    """Luma that divides bright strokes from dark ones."""
    tint_window: float = 5.0
    """Standard deviation of the window in which a stroke's residual tint is constant, pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxSettings:
    """Thresholds of translucent boxes behind text."""

    explained: float = 0.6
    """Minimum share of the step at an edge that a box explains."""
    least_step: float = 8.0
    """Minimum step at an edge, levels."""
    rougher: float = 2.0
    """Maximum ratio of squared roughness inside to outside."""
    noise: float = 16.0
    """Squared roughness that coding adds, levels squared."""
    least_correlation: float = 0.5
    """Minimum correlation of the scene inside and outside."""
    least_transmittance: float = 0.12
    """Transmittance of the darkest box that is translucent."""
    most_transmittance: float = 0.92
    """Transmittance of the faintest box that is visible."""
    same_transmittance: float = 0.15
    """Maximum difference of transmittance between two edges of one box."""
    same_color: float = 16.0
    """Maximum difference on a scene of medium brightness between two edges of one box, levels."""
    reach_across: float = 6.0
    """Maximum distance of an edge from the ends of a line, text heights."""
    reach_along: float = 1.2
    """Maximum distance of an edge above and below the lines, text heights."""
    letter_gap: int = 3
    """Minimum distance of an edge from the letters, pixels."""
    rim: int = 3
    """Pixels on both sides of an edge that encoders and half-size chroma mix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InkSettings:
    """Thresholds and weights of faint marks of one or two inks. Energies are differences between neighbours, levels."""

    colors: tuple[float, float] = (30.0, 225.0)
    """Luma of the two inks from which the search starts: agencies draw dark letters with a bright outline, or white."""
    opacity: float = 0.15
    """Opacity (0..1) from which it starts, and that is expected where the scene tells nothing."""
    prior: float = 1e3
    """Weight of that expectation, in squared levels over the robust scale."""
    gray: float = 1.0
    """Weight of the expectation that inks are gray, as a share of that of the samples."""
    least_opacity: float = 0.03
    """Opacity of the faintest ink."""
    opaque: float = 0.8
    """Opacity above which no scene can be recovered."""
    most_opacity: float = 0.6
    """Maximum opacity of an ink of a mark that is unblended."""
    levels: int = 3
    """Steps of the share of an ink in a pixel."""
    rounds: int = 5
    """Rounds of the search for the inks, with half shares only."""
    strengths: tuple[float, ...] = (1.4, 2.0)
    """Factors by which stronger inks are tried in the end: soft edges make them look fainter."""
    iterations: int = 20
    """Iterations of the belief propagation in each round: how far a label is carried, pixels."""
    reweightings: int = 5
    """Iterations of the robust fit of the inks."""
    step: float = 12.0
    """Difference of neighbours above which all are alike, levels: it is an edge of the scene."""
    gap: int = 3
    """Width over which the steps at the edges of a mark are measured, pixels."""
    change: float = 0.5
    """Energy of a border between two labels."""
    mark: float = 0.15
    """Energy of a pixel of the mark."""
    forbidden: float = 50.0
    """Energy of a pixel of the mark at the border of the samples."""
    border: int = 3
    """Width of that border, pixels."""
    most_pixels: int = 40_000
    """Maximum number of pixels that are labelled: larger marks are labelled at a smaller size, at which messages reach
    across their strokes."""
    explained: float = 0.15
    """Minimum share of the steps at a mark's edges that the inks explain."""
    noise: float = 2.0
    """Error of the observed values and of the matte, levels, root mean square."""


MATTE = MatteSettings()
FADE = FadeSettings()
WATERMARK = WatermarkSettings()
BOX = BoxSettings()
INK = InkSettings()
