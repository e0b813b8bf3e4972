"""Thresholds of the segmentation of text. Levels are steps of 8-bit samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeSettings:
    """Thresholds for the body of the letters."""

    same_color: float = 50
    """Maximum difference in any channel between two pixels of one flat colour after lossy coding, levels."""
    least_color_distance: float = 14
    """Lower bound of that difference on a ground of nearly the letters' colour, levels."""
    steady: float = 35.0
    """Maximum variation of a letter's pixel over the frames, levels."""
    least_contrast: float = 10
    """Minimum contrast of strokes against their ground, levels; coding noise stays below."""
    least_pixels: int = 15
    """Minimum number of pixels of anything like letters."""
    clusters: int = 4
    """Maximum number of colour clusters of stroke-like pixels."""
    large_element: int = 25
    """Minimum size, in pixels, of an element that is a rectangle, because an ellipse takes time by its area."""
    vivid: float = 110
    """Difference between a colour's channels at or above which it is vivid, levels."""
    bleed: int = 3
    """Pixels that vivid letters tint beyond their edge through half-size chroma."""
    gap_factor: float = 0.5
    """Factor on the certainty of what may be the gaps between letters."""
    ground_distance: float = 20
    """Minimum distance of the letters' colour from the most common colour of their line, levels."""
    thin_color: float = 80
    """Maximum difference from the letters' colour of a part that is too thin to reach it in full, levels."""
    longest_thin: float = 0.7
    """Maximum size of a part that is too thin to reach the full colour, text heights."""
    longest_stroke: float = 1.3
    """Maximum length of a stroke, text heights; rims of a box are longer."""
    largest_stray: float = 1.2
    """Maximum size of a stroke outside the found line, text heights."""
    least_columns: float = 0.8
    """Minimum share of the line's columns near a stroke; below it the letters have more than one colour."""
    edge_share: float = 0.4
    """Minimum steepness of a stroke's edge, as a share of the median of the known strokes' edges."""
    scene_edges: float = 0.02
    """Maximum share of the line's surroundings that is as steep, for steep edges inside the line to be letters'."""
    beside: float = 0.5
    """Minimum share of a letter of another colour that stands where no letters of the usual colour are."""
    part_color: float = 45
    """Maximum difference from the colour of the letters or of their outline of a part of them, levels."""
    scene_distance: float = 30
    """Minimum difference from the interpolated scene at which a pixel beside the mask is none of the scene, levels."""
    corner: float = 0.08
    """Distance beyond the mask up to which sharp corners of an outline reach, text heights."""
    hole: float = 0.15
    """Side of a hole in the mask below which it shows nothing of the scene, text heights."""
    stray_contrast: float = 0.35
    """Minimum contrast of such a stroke, as a share of the letters' contrast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaloSettings:
    """Thresholds for outline, shadow, glow and compression halo around letters."""

    reaches: tuple[float, ...] = (0.3, 0.15, 0.08)
    """Maximum widths that are tried in turn, text heights. Glows of real titles have 0.22, thick outlines 0.1."""
    least_reach: int = 4
    """Lower bound of these, pixels."""
    unknown: int = 1
    """Width that is assumed when no halo ends in sight, pixels: what antialiasing mixes."""
    blocks: int = 8
    """Parts of the line, side by side, that are compared."""
    least_blocks: int = 4
    """Minimum number of parts in which the colour can be told from the scene."""
    least_alpha: float = 0.01
    """Minimum opacity of a ring that belongs to the text."""
    standard_errors: float = 2.5
    """Minimum opacity in standard errors of the median over the parts."""
    least_level: float = 2.5
    """Minimum visible difference between the ring and the scene, levels."""
    coded: int = 2
    """Pixels beyond the text that coding mixes with it."""
    changed_reach: float = 0.12
    """Distance beyond the halo up to which pixels that come and go with the text belong to it, text heights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineSettings:
    """Thresholds that tell outlined letters, which are an overlay, from paint on a thing."""

    least_difference: float = 12
    """Minimum difference of an outline from letters and ground, levels."""
    enclosed: float = 0.35
    """Minimum area that an outline encloses, as a share of its own. Letters enclose less."""
    other_color: float = 12
    """Minimum distance of the enclosed colour from all mixtures of outline and ground, levels."""
    counter_difference: float = 40
    """Difference from the scene up to which what an outline encloses is a counter and no letter, levels."""
    least_letter: float = 0.3
    """Minimum height of an enclosed letter, text heights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackingBoxSettings:
    """Thresholds of boxes behind text."""

    flat: float = 18
    """Maximum distance of a box's pixel from the box's colour, levels."""
    steady: float = 12.0
    """Maximum variation of a box's pixel over the frames, levels."""
    least_ground: float = 0.75
    """Minimum share of the ground among the letters that has one steady colour."""
    least_ground_pixels: int = 50
    """Minimum number of pixels of that ground."""
    thick: float = 0.35
    """Minimum share of the box's colour near the letters that survives an opening of a quarter of the text height.
    Outlines that flow together have 0.00, or 0.21 beside a scene of their colour, true boxes at least 0.55 (measured
    on 10 real clips)."""
    straight: float = 0.8
    """Minimum share of the columns of an edge that end in long runs of one row."""
    least_sides: int = 2
    """Minimum number of edges in sight: a box may hold other lines, or cross the frame."""
    appeared: float = 0.7
    """Minimum share of a box that changes when it comes or goes; the rest is of the scene's colour."""
    covered: float = 0.95
    """Minimum share of the letters' rectangle that a box covers."""
    least_inside: float = 0.6
    """Minimum share of what has the letters' colour that is on a flat ground, for the rest to be scene beside it."""
    least_letter: float = 0.3
    """Minimum height of a letter beside a flat ground, as a share of the line's letters."""
    held: float = 0.97
    """Minimum share of the letters that are inside and not at the edge: a box has a margin."""
    shadow: float = 0.08
    """Width of shadows and thin outlines on translucent boxes, text heights."""
    outline: float = 0.12
    """Width of an outline, text heights."""
    gaps: float = 0.08
    """Minimum share of the letters' rectangle that is beyond all outlines."""
    run: float = 0.5
    """Minimum length of a straight stretch, text heights."""
    straight_outline: float = 0.7
    """Minimum share of a whole box's outline that is straight; the rest are rounded corners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RectangleSettings:
    """Thresholds of rectangles behind a line of text or a part of it."""

    outliers: float = 0.004
    """Share of the letters' pixels above and below that may be none of theirs."""
    colors: int = 3
    """Colour clusters of the ground of a line."""
    least_share: float = 0.2
    """Minimum share of the ground that a cluster has."""
    column: float = 0.93
    """Minimum share of the line's rows that a column of the rectangle covers."""
    even: float = 0.9
    """Minimum share of the rectangle beside the letters that has its colour."""
    thick: float = 0.15
    """Minimum share of the rectangle's colour that survives an opening of a quarter of the text height."""
    row: float = 0.6
    """Minimum share of the rectangle's columns that a row covers."""
    least_length: float = 1.5
    """Minimum length, text heights."""
    margin: float = 0.8
    """Maximum margin above and below the letters, text heights."""
    least_margin: int = 2
    """Minimum margin above and below the letters, pixels."""
    sharp: float = 0.5
    """Minimum share of an edge at which the colour ends; along the rest the scene has the same colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSettings:
    """Thresholds of text whose digits change at their place."""

    sparse: float = 0.15
    """Number of letter pixels in a row or column, as a share of the maximum, below which the scene has them."""
    static: float = 20.0
    """Maximum variation of a letter that does not change, levels."""
    least_static: float = 0.15
    """Minimum share of such letters."""
    window: int = 48
    """Frames before and after one in which digits are counted."""
    seldom: float = 0.08
    """Minimum share of these frames on which a pixel belongs to a digit: digits share their strokes."""
    usual: float = 0.5
    """Share of all frames at or above which a pixel belongs to the text on all of them."""


STROKES = StrokeSettings()
HALO = HaloSettings()
OUTLINE = OutlineSettings()
BACKING_BOX = BackingBoxSettings()
RECTANGLE = RectangleSettings()
COUNTER = CounterSettings()
