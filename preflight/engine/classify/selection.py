"""Which tracks a removal takes out, by what its options mean."""

from __future__ import annotations

import math
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np

from preflight.engine.classify import classifier
from preflight.engine.classify.classifier import Evidence
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import Reading
from preflight.engine.media.probe import Source
from preflight.engine.model.kind import Kind
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.motion import displacement
from preflight.engine.motion.camera import Motion
from preflight.model.job import InpaintingBox, PixelBox, RemovalOptions

_SURE, _SHORT, _FOREIGN = 0.75, 0.85, 0.92
_LEAST_FRAMES = 3
_AMONG_OTHERS = 0.4
"""Confidence in a reading from which on text is believed that takes its turn with others."""
_PAUSE = 12
"""Frames between two texts that take turns."""
_OUTLASTS = 8
"""Frames on both sides of a cut on which text has to be at least: what comes out of black looks cut at first."""
_SOON, _SAME_WORDS = 48, 0.6
"""Frames between two tracks of like words, and how like, for them to be one thing seen twice."""
_SAME_PLACE = 0.5
"""Share of the smaller of two boxes that is common to both when they are one thing."""


def classify_track(track: Track, motion: Motion, size: tuple[int, int]) -> Track:
    """Return the track with its kind, judged by how it and the scene move, come and go."""
    first, last = track.first, track.last
    scene = displacement.cumulative_displacement(motion, track.box_on(first), first, last)
    text = (0.0, 0.0)
    if track.path is not None:
        text = track.path[-1][0] - track.path[0][0], track.path[-1][1] - track.path[0][1]
        apart, moved = math.dist(scene, text), math.hypot(*scene)
    else:
        apart = moved = displacement.maximum_displacement(motion, track.box, first, last)
    evidence = Evidence(
        scene=moved,
        text=math.hypot(*text),
        apart=apart,
        appears=track.evidence.appears and track.evidence.isolated[0] and first - 1 not in motion.cuts,
        vanishes=track.evidence.vanishes and track.evidence.isolated[1] and last not in motion.cuts,
        gradual=any(track.evidence.gradual),
        crosses_cut=any(first + _OUTLASTS <= cut < last - _OUTLASTS for cut in motion.cuts),
        certainty=track.evidence.certainty,
        outlined=track.evidence.outlined,
        drift=track.evidence.motion,
        ticks=track.masks.counter is not None,
        placed=classifier.is_placed(track.line, size),
        width=size[0],
    )
    return replace(track, kind=classifier.decide(evidence))


def propagate_labels(tracks: list[Track], motion: Motion, size: tuple[int, int]) -> list[Track]:
    """Return the tracks with their kinds, judged by themselves first and then by the company they keep.

    What says nothing of itself is taken for what the same words were just before or after: a sign that the camera loses
    and finds again does not come and go as captions do. What comes and goes in turn with captions is one of them, even
    where it seems to move with the scene for a moment, as a word does that pops up.
    """
    judged = [classify_track(track, motion, size) for track in tracks]
    signs = [track for track in judged if track.kind is Kind.NATURAL and track.evidence.motion.together]
    found = [
        replace(track, kind=Kind.NATURAL) if any(_kin(track, sign) for sign in signs) else track for track in judged
    ]
    captions = [t for t in found if t.kind is Kind.ARTIFICIAL and t.score > _SURE and _lasts(t)]
    return [
        replace(track, kind=Kind.ARTIFICIAL)
        if track.evidence.appears
        and track.evidence.vanishes
        and any(same_caption_slot(track, caption) for caption in captions)
        else track
        for track in found
    ]


def _lasts(track: Track) -> bool:
    return track.last - track.first + 1 >= _LEAST_FRAMES


def _kin(track: Track, sign: Track) -> bool:
    """Return True for two tracks of one thing: of the same words, soon after one another, or in one place meanwhile.

    What moves apart from its surroundings is not. While both are seen, the longer one is right, and the one that is
    surer of how it moves.
    """
    if SequenceMatcher(None, track.text, sign.text).ratio() <= _SAME_WORDS:
        return False
    first, last = max(track.first, sign.first), min(track.last, sign.last)
    if first > last:
        return first - last <= _SOON and track.evidence.motion.apart <= track.evidence.motion.together
    if (
        track.last - track.first > sign.last - sign.first
        or track.evidence.motion.apart >= sign.evidence.motion.together
    ):
        return False
    a, b = track.box_on(first), sign.box_on(first)
    return a.common(b) > _SAME_PLACE * min(a.area, b.area)


def is_readable(reading: Reading, language: str) -> bool:
    """Return True when what was read is text; what is short or not in `language` has to be read more surely."""
    letters = sum(letter.isalnum() for letter in reading.text)
    if letters < 2:
        return False
    chinese = sum("\u3400" <= letter <= "\u9fff" for letter in reading.text)
    digits = sum(letter.isdigit() for letter in reading.text)
    own = chinese if language == "zh" else letters - chinese
    if own == 0 and digits < letters:
        return reading.score > (_SHORT if letters >= 4 else _FOREIGN)
    return reading.score > (_SURE if letters >= 4 else _SHORT)


def select_tracks(tracks: list[Track], options: RemovalOptions) -> list[Track]:
    """Return the tracks of text that `options` ask to remove."""
    wanted = [
        track
        for track in tracks
        if _lasts(track) and (track.kind is Kind.ARTIFICIAL or not options.artificial_text_only)
    ]
    sure = [track for track in wanted if is_readable(Reading(track.text, track.score), options.language)]

    def is_text(track: Track) -> bool:
        if any(track is other for other in sure):
            return True
        return (
            bool(track.text) and track.score > _AMONG_OTHERS and any(same_caption_slot(track, other) for other in sure)
        )

    return [track for track in wanted if is_text(track)]


def same_caption_slot(track: Track, other: Track) -> bool:
    """Return True when a text takes another's turn: right before or after it, in its place, as large as it.

    Captions that come word by word have words too short to be read surely on their own.
    """
    if track.path is not None or not 0 < max(track.first - other.last, other.first - track.last) <= _PAUSE:
        return False
    a, b = track.line, other.line
    height = min(a.height, b.height)
    aligned = min(abs(a.x0 - b.x0), abs(a.x1 - b.x1), abs(a.x0 + a.x1 - b.x0 - b.x1) / 2) < height / 3
    level = abs(a.y0 - b.y0) < height / 3 and abs(a.y1 - b.y1) < height / 3
    return aligned and level


def boxes_as_tracks(boxes: tuple[InpaintingBox | PixelBox, ...], times: tuple[int, ...], source: Source) -> list[Track]:
    """Return a track for each box that the options name, whatever it shows, on the frames of its time."""
    width, height = source.upright
    start = times[0] * source.time_base if times else 0
    found = []
    for given in boxes:
        wish = given if isinstance(given, InpaintingBox) else given.normalised(source.displayed)
        frames = [n for n, time in enumerate(times) if wish.start <= float(time * source.time_base - start) < wish.end]
        place = Box(
            math.floor(wish.x1 * width),
            math.floor(wish.y1 * height),
            math.ceil(wish.x2 * width),
            math.ceil(wish.y2 * height),
        )
        if not frames:
            continue
        box = place.padded(0, width, height)
        mask = np.ones((box.height, box.width), np.bool_)
        found.append(
            Track(box=box, line=place, first=frames[0], last=frames[-1], masks=MaskModel(usual=mask), lasting=True)
        )
    return found
