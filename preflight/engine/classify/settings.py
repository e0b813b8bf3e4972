"""Thresholds of the decision whether text is overlay text or scene text, and of what is removed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSettings:
    """How the evidence of one text is weighed. Distances are pixels at a frame width of 640."""

    min_motion: float = 3.0
    """Distance that the scene must move under standing text to tell the two apart; less is jitter."""
    drift_error: float = 0.02
    """Pixels a frame, at a width of 640, by which the sum of camera steps is off."""
    min_relative: float = 6.0
    """Distance that standing text must be seen against its surroundings: more than one measurement counts for."""
    parallax: float = 0.35
    """Share of the scene's way by which text that goes with it may come apart from it."""
    far: float = 15.0
    """Distance of text that moves exactly as the scene does, which then decides alone."""
    exact: float = 0.1
    """Share of its way by which text that decides alone may come apart from the scene."""
    seen_through: float = 0.1
    """Co-motion up to this share of the relative motion is ignored: it comes from scene content seen through text."""
    settled: float = 0.8
    """Share of its frames on which text is at one place, for it to stand there in spite of its path."""
    styled: float = 0.3
    """Certainty of a flat fill above which outlined text, or text at the place of captions, counts as overlay text."""
    vague: float = 0.2
    """Certainty of a flat fill up to which text that seems to come or go may only have been lost by the tracker."""
    drawn: float = 0.5
    """Certainty of a flat fill above which text that stands near the border of the frame, where marks and titles do,
    counts as overlay text: paint is shaded and worn."""
    drawn_inside: float = 0.6
    """The same for text that stands elsewhere: letters on the wall of a studio have 0.57, titles 0.6 or more."""
    moved_away: float = 0.45
    """Correlation with the frame outside its time at or above which text didn't come or go, but moves."""
    flat_ground: float = 0.85
    """Share of the pixels beside the letters that have one colour, as on slides, cards and boxes."""
    plain: float = 0.4
    """Certainty of a flat fill above which text on a ground of one colour counts as overlay text."""
    caption_center: float = 0.03
    """Share of the frame's width by which a caption may be off the middle, counted on both sides."""
    title_bottom: float = 0.25
    """Share of the frame's height above which titles and upper marks stand."""
    caption_top: float = 0.66
    """Share of the frame's height below which captions stand."""
    outlasts: int = 8
    """Frames on both sides of a cut on which text has to be: what comes out of black looks cut at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignSettings:
    """How the tracks of one thing are joined over losses, scale changes and occlusion."""

    max_gap: int = 48
    """Frames between two tracks of one thing."""
    max_step: float = 1.5
    """Text heights between the places of two tracks of one thing where one ends and the other starts."""
    min_shift: float = 0.3
    """Text heights by which the places of one thing differ when it has moved."""
    min_path: float = 3.0
    """Pixels at a frame width of 640 that a path spans when its text moves."""
    min_pixels: float = 6.0
    """Pixels at a frame width of 640 by which they differ; less is the detector's jitter."""
    max_scale: float = 1.6
    """Ratio of line heights up to which two tracks can be one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSettings:
    """How lines are found that belong together and are decided together."""

    line_gap: float = 1.2
    """Text heights between two lines of one block."""
    height_ratio: float = 2.2
    """Ratio of the line heights of one block."""
    shared: float = 0.5
    """Share of the shorter one's frames on which two lines of one block are both there."""
    aligned: float = 0.35
    """Text heights by which the left edges, the middles or the right edges of a block's lines may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionSettings:
    """What is text, and long enough to be removed."""

    score: float = 0.75
    """Confidence of the recogniser for four letters or more."""
    short_score: float = 0.85
    """Confidence for fewer letters, and for four or more of a language that was not asked for."""
    foreign_score: float = 0.92
    """Confidence for fewer than four letters of a language that was not asked for."""
    long_text: int = 4
    """Letters at or above which a reading is not short."""
    min_letters: int = 2
    """Letters of a text; a single one is read into many things."""
    slot_score: float = 0.4
    """Confidence for text that follows, precedes or stands beside text that is removed."""
    min_frames: int = 5
    """Frames of a text inside the clip that no other text precedes or follows at its place."""
    slot_pause: int = 12
    """Frames between two texts that follow one another at one place."""
    shared: float = 0.5
    """Share of the shorter one's frames on which the name of a platform and the text beside it are both there."""
    likely_score: float = 0.6
    """Confidence for four letters or more that are likely, whatever the certainty of their fill."""
    unread_frames: int = 6
    """Frames of text that the recogniser can't read."""
    unread_probability: float = 0.7
    """Mean probability of the detector, at a second scale, for text that the recogniser can't read."""
    unread_certainty: float = 0.3
    """Certainty of the flat fill of text that the recogniser can't read."""


CLASSIFIER = ClassifierSettings()
SIGNS = SignSettings()
BLOCKS = BlockSettings()
SELECTION = SelectionSettings()
