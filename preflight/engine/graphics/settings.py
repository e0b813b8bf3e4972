"""Thresholds of the detection of watermarks, logos and boxes. Levels are steps of 8-bit samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkDetectorSettings:
    """Thresholds of the detection of watermarks by the median of gradients."""

    long_side: int = 640
    """Longer side of the sampled frames, pixels."""
    most_samples: int = 48
    """Maximum number of sampled frames."""
    least_samples: int = 12
    """Minimum number of sampled frames."""
    coarse_samples: int = 24
    """Number of samples, at half their size, on which candidates are looked for."""
    edge: float = 1.2
    """Minimum steepness of a static edge, levels per pixel. Stock marks of 15% opacity have 2."""
    significance: float = 6.0
    """Minimum steepness of a static edge in standard errors of the median gradient."""
    error_floor: float = 0.15
    """Lower bound of that standard error, levels per pixel: gradients are measured in steps of an eighth."""
    scene_edge: float = 4.0
    """Steepness at or above which a pixel counts as textured, levels per pixel."""
    soft_edge: float = 2.0
    """The same where nothing beside a mark is as steep. Such grain varies by 4 levels, a scene by more."""
    textured: float = 0.02
    """Minimum share of the surroundings of a mark that is textured: only texture tells that the scene moves."""
    corner: float = 0.3
    """Distance of a corner logo's centre from the frame's sides, as a share of them."""
    corner_size: float = 0.25
    """Maximum size of a corner logo, as a share of the frame's sides."""
    widest: float = 0.9
    """Maximum width of any mark, as a share of the frame's."""
    highest: float = 0.4
    """Maximum height of any mark, as a share of the frame's."""
    least_edges: int = 40
    """Minimum number of edge pixels of a corner logo."""
    many_edges: int = 300
    """Minimum number of edge pixels of a mark elsewhere."""
    persistent: float = 0.6
    """Ratio of the median steepness to the mean at or above which an edge of the scene is static."""
    static_around: float = 0.15
    """Maximum share of the textured pixels around a mark whose edges are static too."""
    static_cells: float = 0.3
    """Maximum share of the frame's textured cells with static edges, for a mark outside the corners."""
    cell: int = 16
    """Size of such a cell on the half-size frames, pixels."""
    lively: float = 6.0
    """Minimum variation of the scene around a mark, levels."""
    covers: float = 0.8
    """Maximum variation inside a mark with few edges, as a share of that around it."""
    crisp: float = 4.0
    """Minimum ratio of a mark's median steepness to that beside it. Marks of real clips have 4.9 to 57; of things that
    sway, the median is a soft edge of 2.6 at most."""
    beside: int = 5
    """Distance from the edges up to which that is measured, pixels."""
    always: float = 0.85
    """Minimum share of the samples on which a mark is visible."""
    visible: float = 0.4
    """Minimum share of its usual edges on a sample on which it is visible."""
    most_spots: int = 24
    """Maximum number of candidates that are looked at closely."""
    join: int = 9
    """Maximum gap between the parts of one mark, pixels."""
    around: int = 40
    """Width of the surroundings of a mark, pixels."""
    bar: float = 0.6
    """Minimum share of edge pixels in a row or column at which a black bar ends."""
    bar_spread: float = 6.0
    """Maximum range of the values of a row or column that is part of a black bar, levels."""
    bar_edge: int = 2
    """Width of the soft edge between a bar and the picture, pixels."""
    letters_inside: float = 0.5
    """Minimum share of a text's mask inside a mark that it is a part of."""
    held: float = 0.5
    """Minimum share of a text's line inside the rectangle of a mark that it is a part of."""
    widest_name: float = 0.45
    """Maximum width of a name that has a graphic, as a share of the frame's. Captions are wider."""
    least_samples_beside: int = 8
    """Minimum number of samples of a text for a graphic beside it."""
    reach_beside: float = 4.0
    """Distance from a text within which its graphic lies, text heights."""
    as_steep: float = 0.4
    """Minimum steepness of a graphic's edges, as a share of the median of its name's."""
    even_ground: float = 10.0
    """Difference from the ground's colour at or above which a pixel stands out of it, levels."""
    steady: float = 5.0
    """Maximum variation of a pixel of a graphic on a ground of one colour, levels."""
    most_beside: float = 0.4
    """Maximum share of the surroundings of a name that stands out of a ground of one colour."""
    largest_beside: float = 3.5
    """Maximum size of a graphic on such a ground, text heights."""
    most_growth: float = 4.0
    """Maximum ratio of a text's size with its graphic to that without."""
    same_size: float = 0.12
    """Maximum difference in width between two places of one name, as a share of it."""
    shift: int = 4
    """Maximum distance of a graphic from where its name suggests, pixels."""
    alike: float = 0.6
    """Minimum normalized correlation of a graphic at another place."""
    same_place: float = 0.6
    """Minimum intersection over union of a text and the mark that it is."""
    lasts: float = 0.7
    """Minimum share of the video on which a text stays, for it to be able to explain a mark, which always stays."""
    explained: float = 0.1
    """Maximum share of a mark's strokes that such texts leave uncovered. A mask that misses outlines of translucent
    letters leaves 0.16."""
    rim: int = 2
    """Width of a mark's mask around its strokes, which such a text need not cover, pixels."""
    lost: float = 0.5
    """Mean visibility of a mark while none of its texts is there, at or above which these were lost."""
    nearly_all: float = 0.85
    """Minimum share of a text's line inside the line of a mark, for the mark to have all of its letters."""
    bloated: float = 1.8
    """Ratio of such a text's mask to the mark's at or above which it has the scene behind hollow letters as well."""
    unbroken: float = 0.7
    """Minimum visibility of a mark on nine of ten samples, for texts that follow each other to be pieces of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaintMarkSettings:
    """Thresholds of large text that is read from static edges."""

    side: int = 384
    """Shorter side of the pictures of the edges that the text detector gets, pixels."""
    gains: tuple[float, ...] = (12.0, 25.0)
    """Gray levels of those pictures for a steepness of one level per pixel. Where all edges of 10 levels are black, as
    with the second one, the faintest marks can be read over a still scene."""
    width: float = 0.2
    """Minimum width of such text, as a share of the frame's."""
    height: float = 0.06
    """Minimum height of such text, as a share of the frame's."""
    letters: int = 5
    """Minimum number of letters read."""
    known: float = 0.3
    """Share of its line at or above which it is a text that was found on the frames."""
    samples: int = 16
    """Number of frames from which the matte of a mark is estimated."""
    margin: int = 8
    """Minimum margin around a mark that is looked at with it, pixels."""
    inside: float = 0.5
    """Share of the line of such a text inside its own at or above which that may be a piece of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGroupSettings:
    """Thresholds of lines that stand together on one box, and of the frames that are kept of them."""

    crops: int = 8
    """Frames, evenly spread, from which the median crop of a group is taken."""
    settled: int = 12
    """Frames after text came, and before it goes, on which its box may still come or go already."""
    around: float = 3.0
    """Height above and below the lines that is looked at, text heights."""
    gap: float = 1.2
    """Maximum gap between two lines of one group, heights of the lower one."""
    between: int = 96
    """Maximum number of frames that are kept of a long text away from where its lines come and go."""
    small_height: int = 16
    """Text height on the small frames that are kept, pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxEdgeSettings:
    """Thresholds of the edge of a box, by which its presence on a frame is measured."""

    informative: float = 30
    """Minimum difference between the scene outside an edge and the box for that point to be informative, levels."""
    least_points: int = 12
    """Minimum number of informative points of a box that is only just coming into the frame."""
    slide_frames: int = 5
    """Minimum number of frames in which a box slides over all of its surroundings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxDetectionSettings:
    """Thresholds of the life of a box behind text. Its presence is 1 as usual and 0 when it is gone."""

    full: float = 0.9
    """Presence at or above which a box is there as usual; less is a fade."""
    slides: float = 0.7
    """Minimum presence of a sliding box at its place on that frame."""
    better: float = 0.05
    """Minimum advantage of that place over the place where the box rests, presence."""
    steady: float = 0.6
    """Minimum presence on all but one fifth of the crops; a ground that resembles a box now and then has less."""
    gone: float = 0.15
    """Presence below which an opaque box is gone; chance stays below."""
    gone_translucent: float = 0.25
    """The same for a translucent box."""
    moved: float = 3.0
    """Minimum travel of the scene, pixels on a frame of 640 pixels width, that shows that a box is an overlay."""
    strict_straight: float = 0.9
    """Minimum straightness of a box that was always there in a still scene."""
    strict_even: float = 3.0
    """Maximum unevenness of its colour, levels. No wall is of one colour."""
    held: float = 0.2
    """Minimum share of a line's area that a box behind it holds: a box may hold a part of a line only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjacentGraphicSettings:
    """Thresholds of a bar, an icon or a logo that adjoins a box and came with it. Sizes are those of small frames."""

    steady: float = 12.0
    """Maximum variation of a graphic's pixel while it is there, levels."""
    changed: float = 24
    """Minimum change of a graphic's pixel when it comes or goes, levels."""
    largest: int = 64
    """Maximum size; a line of text is 16 to 32 high."""
    least: int = 20
    """Minimum area, pixels."""
    compact: float = 0.55
    """Minimum share of its bounding box that it covers; a disc covers 0.78."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordHighlightSettings:
    """Thresholds of boxes behind single words of a line."""

    least_line: float = 2.0
    """Minimum length of a line with several words, heights."""
    around: float = 0.8
    """Surroundings of a line that are looked at, text heights."""
    step: int = 6
    """Frames between two on which new colours are looked for: a fifth of a second, as long as a short word."""
    clusters: int = 6
    """Colour clusters of a line and its surroundings."""
    samples: int = 3000
    """Number of pixels that these are found from."""
    same_color: float = 12.0
    """Difference below which two colours are the same, levels."""
    flat: float = 24.0
    """Maximum distance of a box's pixel from its colour, levels."""
    least_height: float = 0.9
    """Minimum height of a box, heights of the line that the detector found."""
    most_height: float = 1.8
    """Maximum height of a box, heights of the line."""
    off_centre: float = 0.3
    """Maximum distance of a box's middle from that of the line, heights of the line."""
    most_covered: float = 0.85
    """Maximum share of a line's length that boxes hold; a plate holds all of it."""
    filled: float = 0.88
    """Minimum share of its rectangle that a box fills; rounded corners take the rest."""
    least_letters: float = 0.06
    """Minimum share of a box that letters cover."""
    most_letters: float = 0.6
    """Maximum share of a box that letters cover."""
    thick: float = 0.25
    """Minimum share of a box's colour that survives an opening of a quarter of the text height."""
    longest_gap: int = 2
    """Maximum number of frames over which a box that is not found is there."""
    same_place: float = 0.8
    """Minimum overlap (intersection over union) of a box with itself on the next frame."""
    margin: int = 4
    """Pixels that coding mixes with a box beside its border."""


DETECTOR = WatermarkDetectorSettings()
HIGHLIGHT = WordHighlightSettings()
FAINT = FaintMarkSettings()
LINE_GROUP = LineGroupSettings()
BOX_EDGE = BoxEdgeSettings()
BOX_DETECTION = BoxDetectionSettings()
ADJACENT = AdjacentGraphicSettings()
