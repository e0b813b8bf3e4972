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
    """Letters at or above which something counts as text; a single one is read into many things."""
    search_width: float = 0.2
    """Share of the frame's width within which text that left its place is searched for on the next sample."""
    search_height: float = 1 / 12
    """Share of the frame's height within which text that left its place is searched for on the next sample."""
    unmoved: float = 0.95
    """Correlation of standing text with its place at or above which no other place is looked at."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AppearanceSettings:
    """How text is known again on a frame by its colours and its shape."""

    same_color: int = 36
    """Gray levels in any of blue, green, red by which a pixel of the letters may differ from its usual colour."""
    kept: float = 0.72
    """Share of the usual colour match below which another or no text is there; captions of one style have 0.45."""
    shaped: float = 0.42
    """Correlation below which the letters' colour says nothing: a ground of that colour has it everywhere."""
    min_strength: float = 0.10
    """Share of its usual contrast that text needs to be there."""
    alike: float = 0.55
    """Correlation above which text is there, whatever its contrast."""
    faded: float = 0.6
    """Share of its usual contrast below which text is fading."""
    fall: float = 0.35
    """Share of its contrast that text which goes at once loses from one frame to the next."""
    level: float = 0.03
    """Share of its contrast that varies from frame to frame in a scene that stays."""
    gone_match: float = 0.3
    """Share of the usual colour match up to which the letters may be gone from a still scene."""
    gone_rim: float = 0.5
    """Ratio of the contrast of letters to their rim, to the contrast in their band, below which they are gone; both are
    shares of the usual contrast. It is 1 in a fade."""
    least_rim: float = 20.0
    """Usual contrast of letters to their rim below which it tells nothing, levels."""
    min_match: float = 0.05
    """Least colour match that is taken as usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellingSettings:
    """How strokes are told from a busy scene by reading them."""

    sure: float = 0.5
    """Certainty of strokes from which they are taken without reading them alone."""
    least: float = 0.7
    """Minimum similarity (0..1) of what strokes spell with the reading of the text."""
    certainty: float = 0.25
    """Certainty of strokes that spell the text: letters of one colour, though the scene is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackletSettings:
    """How a tracklet is turned into a track."""

    doubtful: float = 0.3
    """Confidence of the recogniser up to which it has read nothing."""
    max_crops: int = 24
    """Pictures of its samples that a tracklet keeps, thinned evenly."""
    few_crops: int = 5
    """Pictures below which those from its first and last frames are used too."""
    max_letter: float = 1.5
    """Text heights that a letter is wide and high; what is larger than that is the scene in the letters' colour."""
    full_strength: float = 0.75
    """Share of the strongest picture's contrast that those have from which the strokes are learnt."""
    changed: int = 24
    """Gray levels by which a pixel changes where the text comes or goes."""
    fade_tail: int = 2
    """Frames that a fade goes on beyond what can be told from the scene."""
    beyond_outline: int = 2
    """Pixels beyond a text's outline that its antialiasing and the encoder tint."""
    min_ground: float = 0.08
    """Share of a text's box that is ground beyond its outline, for that to be looked at."""
    one_color: int = 8
    """Gray levels in any of blue, green, red that a pixel may differ from the ground's median."""
    same_contrast: float = 0.4
    """Share of a text's contrast below which what matches it is the rest of a fade."""
    slipped: float = 0.65
    """Correlation with the frame right outside its time at or above which text is seen beside its place."""
    min_slip: int = 2
    """Pixels from its place at which it is seen there."""
    close_up: int = 36
    """Height in pixels that the text of a close-up has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StitchingSettings:
    """When two tracks are of one standing text."""

    overlap: float = 0.5
    """Intersection over union of the lines of one text."""
    shift: float = 0.15
    """Text heights by which the places of one standing text may differ, as the detector finds more or less of it."""
    min_shift: float = 3.0
    """Pixels by which they may differ in any case."""
    rival: float = 0.3
    """Share of a text's line that another one covers to be in its place."""
    faint: float = 0.25
    """Mean correlation of the frames between two tracks that show the text: 0.3 to 0.5 with it, 0 to 0.15 without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationSettings:
    """When a detected line is the text of a tracklet."""

    covered: float = 0.6
    """Share of a line that lies where the tracklet's text is."""
    max_area: float = 1.6
    """Ratio of areas up to which a line is the tracklet's."""
    min_height: float = 0.6
    """Ratio of heights at or above which a line at the place of text that was read is taken for it without reading."""
    border: int = 4
    """Pixels from the frame's border at which a line may be cut off by it."""
    letter: float = 0.4
    """Width of a letter as a share of the line's height; text that is typed grows by more."""
    same_shape: float = 0.85
    """Correlation of text that has not grown: a letter's stroke takes half of it."""
    same_place: float = 0.6
    """Intersection over union of two lines when one is the other with digits of other widths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitReadingSettings:
    """When two readings are of a clock, a counter or a timecode."""

    score: float = 0.8
    """Confidence in a reading at or above which its digits are trusted."""
    min_letters: int = 4
    """Letters of a counter; in shorter ones an error of the recogniser is too likely."""
    min_digits: float = 0.2
    """Share of the letters that are digits, for a text to be worth reading again."""
    misread: float = 0.25
    """Share of the letters that may be read differently although they did not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionSettings:
    """How text comes and goes: by a cut, a fade, a wipe or letter by letter, and whether all else stays meanwhile."""

    scene_samples: int = 96
    """Samples across the longer side of the frame by which scenes are compared."""
    changed: int = 12
    """Gray levels at or above which a sample has changed, or stands out from most of its frame."""
    max_change: float = 0.4
    """Share of what stands out in a frame, and of what is near a text, that may change."""
    max_side_change: float = 0.8
    """Share of one side of a text that changes; more is something that passes."""
    near: int = 3
    """Text heights within which the surroundings of a line lie."""
    beside: int = 1
    """Text heights beside a line that belong to it, with a plate that it may stand on."""
    at_once_frames: int = 2
    """Frames within which text that comes or goes by a cut does so."""
    at_once_share: float = 0.06
    """Share of a frame that may change within these frames in any case: on a card, everything may come at once."""
    lively: float = 1.2
    """Ratio of a change to the largest one before by which a scene may change at once, as in flashing lights."""
    min_pairs: int = 3
    """Pairs of frames before that tell how lively a scene is."""
    whole: float = 0.75
    """Share of its largest contrast at or above which a text is whole."""
    fall: float = 0.5
    """Share of its contrast that it loses from one frame to the next when it goes by a cut."""
    min_strength: float = 0.3
    """Contrast, relative to the usual one, that a text reaches before it fades."""
    max_rest: float = 0.35
    """Share of that contrast that is left at the far end of a fade."""
    between: tuple[float, float] = (0.15, 0.85)
    """Contrasts between nothing and all of a text that only a gradual transition has."""
    min_frames: int = 2
    """Frames with such a contrast."""
    max_unevenness: float = 0.35
    """Unevenness of a fade over the pixels of a text, from 0 (all together) to 1 (one after another, as in a wipe)."""
    max_frames: int = 12
    """Frames at each end on which a text may still be changing."""
    readable: float = 0.5
    """Confidence of the recogniser in a text that is changing."""


TRACKER = TrackerSettings()
GAPS = GapSettings()
APPEARANCE = AppearanceSettings()
SPELLING = SpellingSettings()
TRACKLET = TrackletSettings()
STITCHING = StitchingSettings()
ASSOCIATION = AssociationSettings()
COUNTERS = DigitReadingSettings()
TRANSITIONS = TransitionSettings()
