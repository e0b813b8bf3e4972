"""Which tracks a removal takes out, by what its options mean."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np

from preflight.engine.classify import classifier, signs
from preflight.engine.classify.classifier import Evidence
from preflight.engine.classify.settings import CLASSIFIER, SELECTION, SIGNS
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import OcrReading
from preflight.engine.media.probe import Source
from preflight.engine.model.course import fit_course
from preflight.engine.model.identity import IDENTITY, is_same_text
from preflight.engine.model.kind import Kind
from preflight.engine.model.known_marks import is_agency, is_platform
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.motion import displacement
from preflight.engine.motion.camera import Motion
from preflight.engine.motion.relative import UNKNOWN
from preflight.model.job import InpaintingBox, PixelBox, RemovalOptions

_MOST = 0.5
"""Share of a thing's parts, by frames and area, that have to have what the thing has."""


class KeptReason(StrEnum):
    """Why a text stays."""

    SCENE = "part of the scene"
    UNCERTAIN = "may be part of the scene"
    SCRIPT = "in a script that was not asked for"
    UNREADABLE = "not recognised as text"
    BRIEF = "on too few frames"


def collect_evidence(
    tracks: Sequence[Track], motion: Motion, size: tuple[int, int], *, block: bool = False
) -> Evidence:
    """Return what is known of one thing over its whole life.

    Args:
        tracks: its parts in order of time.
        motion: the camera motion.
        size: width and height of the frame.
        block: the tracks are the lines of a block that stands, and not parts of one line.
    """
    start, end = tracks[0], max(tracks, key=lambda track: track.last)
    first, last = start.first, end.last
    text = 0.0 if block else signs.displacement_of(tracks, size[0])
    if text:
        scene = displacement.cumulative_displacement(motion, start.line_on(first), first, last)
        begin, finish = start.line_on(first), end.line_on(last)
        way = (finish.x0 + finish.x1 - begin.x0 - begin.x1) / 2, (finish.y0 + finish.y1 - begin.y0 - begin.y1) / 2
        text, moved, apart = max(text, math.hypot(*way)), math.hypot(*scene), math.dist(scene, way)
    else:
        moved = displacement.maximum_displacement(motion, start.box, first, last)
        apart = moved if start.path is None else signs.distance_from_scene(start, motion)
    before, after = start.evidence.match_outside[0], end.evidence.match_outside[1]
    inside = not any(signs.is_cut_off(line, size) for line in (start.line_on(first), end.line_on(last)))
    comes = start.evidence.isolated[0] and before < CLASSIFIER.moved_away and first - 1 not in motion.cuts
    goes = end.evidence.isolated[1] and after < CLASSIFIER.moved_away and last not in motion.cuts
    return Evidence(
        width=size[0],
        frames=last - first + 1,
        scene=moved,
        text=text,
        apart=apart,
        relative=sum((track.evidence.motion for track in tracks), UNKNOWN),
        straight=all(fit_course(track) is not None for track in tracks),
        appears=start.evidence.appears and comes and inside,
        vanishes=end.evidence.vanishes and goes and inside,
        gradual=start.evidence.gradual[0] or end.evidence.gradual[1],
        crosses_cut=any(
            track.first + CLASSIFIER.outlasts <= cut < track.last - CLASSIFIER.outlasts
            for track in tracks
            for cut in motion.cuts
        ),
        ticks=any(track.masks.counter is not None for track in tracks),
        certainty=_mean(tracks, [track.evidence.certainty for track in tracks]),
        outlined=_mean(tracks, [track.evidence.outlined for track in tracks]) > _MOST,
        outside=all(classifier.is_outside(track.line, size) for track in tracks),
        placed=any(classifier.is_placed(track.line, size) for track in tracks),
        slips=_mean(tracks, [track.evidence.slips for track in tracks]) > (_MOST if block else 0.0),
        flat_ground=_mean(tracks, [track.evidence.flat_ground for track in tracks]),
    )


def _mean(tracks: Sequence[Track], values: Sequence[float]) -> float:
    """Return the mean of values that tracks have, each counted by the frames and the area of its track."""
    return float(np.average(values, weights=[track.frames * track.line.area for track in tracks]))


def propagate_labels(tracks: list[Track], motion: Motion, size: tuple[int, int]) -> list[Track]:
    """Return the tracks with their kinds: of each thing over its whole life, then of what stands or goes with it.

    What comes and goes in turn with captions is one of them. The lines of a block, and the places of a mark that jumps,
    are decided together: unless one of them moves with the scene, they are overlay text when one of them is.
    """
    labelled = list[Track]()
    for thing in signs.same_thing(tracks):
        kind = classifier.decide(collect_evidence(thing, motion, size))
        labelled += [replace(track, kind=kind) for track in thing]
    captions = [t for t in labelled if t.kind is Kind.ARTIFICIAL and t.score > SELECTION.score and _lasts(t, None)]
    labelled = [
        replace(track, kind=Kind.ARTIFICIAL)
        if track.evidence.comes_and_goes and any(same_caption_slot(track, caption) for caption in captions)
        else track
        for track in labelled
    ]
    blocks = list[Track]()
    for block in signs.same_block(labelled):
        kinds = {track.kind for track in block}
        if len(kinds) > 1:
            kinds = {
                classifier.decide(collect_evidence(sorted(block, key=lambda t: t.first), motion, size, block=True))
            }
        blocks += [replace(track, kind=kind) for track in block for kind in kinds]
    marks = list[Track]()
    for mark in _places_of_marks(blocks):
        kinds = {track.kind for track in mark}
        shared = Kind.ARTIFICIAL if Kind.ARTIFICIAL in kinds and Kind.NATURAL not in kinds else None
        marks += [track if shared is None else replace(track, kind=shared) for track in mark]
    overlay = [track for track in marks if track.kind is Kind.ARTIFICIAL]
    marks = [
        replace(track, kind=Kind.ARTIFICIAL)
        if track.kind is Kind.UNCERTAIN
        and (is_agency(track.text) or any(_is_platform_beside(track, other) for other in overlay))
        else track
        for track in marks
    ]
    return sorted(marks, key=lambda t: (t.first, t.box.y0, t.box.x0))


def _is_platform_beside(track: Track, other: Track) -> bool:
    """Return True for the name of a platform that stands beside overlay text, as beside a handle, at the same time."""
    shared = min(track.last, other.last) - max(track.first, other.first) + 1
    if not is_platform(track.text) or shared < SELECTION.shared * min(track.frames, other.frames):
        return False
    first = max(track.first, other.first)
    one, two = track.line_on(first), other.line_on(first)
    gaps = max(one.x0, two.x0) - min(one.x1, two.x1), max(one.y0, two.y0) - min(one.y1, two.y1)
    return max(gaps) < min(one.text_height, two.text_height)


def _places_of_marks(tracks: Sequence[Track]) -> list[list[Track]]:
    """Return the tracks in groups: those of one mark that stands at several places, one after another."""
    groups: list[list[Track]] = []
    for track in sorted(tracks, key=lambda t: t.first):
        home = next((group for group in groups if _jumps(group[-1], track)), None)
        if home is None:
            groups.append([track])
        else:
            home.append(track)
    return groups


def _jumps(before: Track, after: Track) -> bool:
    """Return True when a text stands at another place right after it went."""
    standing = not signs.is_moving(before) and not signs.is_moving(after)
    low, high = sorted((before.line.text_height, after.line.text_height))
    follows = 0 < after.first - before.last <= SELECTION.slot_pause and high <= SIGNS.max_scale * low
    return standing and follows and is_same_text(before.text, after.text, IDENTITY.exact_similarity)


def _lasts(track: Track, frames: int | None) -> bool:
    """Return True when a track is long enough; what the clip's ends cut off may be shorter."""
    if frames is not None and (track.first == 0 or track.last == frames - 1):
        return True
    return track.frames >= SELECTION.min_frames


def is_readable(reading: OcrReading, language: str) -> bool:
    """Return True when what was read is text; what is short or not in `language` has to be read more surely."""
    letters = sum(letter.isalnum() for letter in reading.text)
    if letters < SELECTION.min_letters:
        return False
    chinese = sum("\u3400" <= letter <= "\u9fff" for letter in reading.text)
    digits = sum(letter.isdigit() for letter in reading.text)
    own = chinese if language == "zh" else letters - chinese
    # A Chinese character says as much as two letters.
    short = letters + chinese < SELECTION.long_text
    if own == 0 and digits < letters:
        return reading.score > (SELECTION.foreign_score if short else SELECTION.short_score)
    return reading.score > (SELECTION.short_score if short else SELECTION.score)


def is_unread_text(track: Track) -> bool:
    """Return True for text of a script that the recogniser doesn't know, by the detector and by how it is drawn."""
    return (
        not is_known_script(track)
        and track.evidence.text_probability > SELECTION.unread_probability
        and (track.evidence.certainty > SELECTION.unread_certainty or _is_likely(track))
        and track.frames >= SELECTION.unread_frames
        and not signs.is_moving(track)
    )


def _is_likely(track: Track) -> bool:
    letters = sum(letter.isalnum() for letter in track.text)
    return track.score > SELECTION.likely_score and letters >= SELECTION.long_text


def is_known_script(track: Track) -> bool:
    """Return True when the recogniser read letters with confidence, so that it knows the script."""
    letters = [letter for letter in track.text if unicodedata.category(letter)[0] in "LN"]
    return track.score > SELECTION.score and len(letters) >= SELECTION.min_letters


def select_tracks(
    tracks: list[Track], options: RemovalOptions, *, frames: int | None = None, any_script: bool = False
) -> list[Track]:
    """Return the tracks of text that a removal takes out.

    Args:
        tracks: all tracks, with their kinds.
        options: `language` and `artificial_text_only` are used.
        frames: length of the clip, whose ends may cut text short; None when it isn't known.
        any_script: text of any script is wanted, not only what the recogniser knows.
    """
    wanted = [track for track in tracks if track.kind is Kind.ARTIFICIAL or not options.artificial_text_only]
    languages = ("en", "zh") if any_script else (options.language,)
    certain = [
        track
        for track in wanted
        if _lasts(track, frames)
        and (
            any(is_readable(OcrReading(track.text, track.score), language) for language in languages)
            or (any_script and is_unread_text(track))
        )
    ]

    def is_text(track: Track) -> bool:
        if any(track is other for other in certain):
            return True
        if not any_script and (not track.text or track.score <= SELECTION.slot_score):
            return False
        near = (other for other in certain if same_caption_slot(track, other) or signs.is_same_block(track, other))
        return any(True for _ in near) and track.frames > 1

    return [track for track in wanted if is_text(track)]


def reason_kept(track: Track, options: RemovalOptions, *, frames: int | None = None) -> KeptReason:
    """Return why a track that wasn't selected stays."""
    if options.artificial_text_only and track.kind is Kind.NATURAL:
        return KeptReason.SCENE
    if options.artificial_text_only and track.kind is Kind.UNCERTAIN:
        return KeptReason.UNCERTAIN
    if not _lasts(track, frames):
        return KeptReason.BRIEF
    return KeptReason.SCRIPT if is_unread_text(track) else KeptReason.UNREADABLE


def same_caption_slot(track: Track, other: Track) -> bool:
    """Return True when a text takes another's turn: right before or after it, in its place, as large as it.

    Captions that come word by word have words too short to be read surely on their own.
    """
    if (
        signs.is_moving(track)
        or not 0 < max(track.first - other.last, other.first - track.last) <= SELECTION.slot_pause
    ):
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
        masks = MaskModel(usual=np.ones((box.height, box.width), np.bool_))
        found.append(Track(box=box, line=place, first=frames[0], last=frames[-1], masks=masks, lasting=True))
    return found
