"""Track stitching: joins tracks of the same words at the same place, and resolves overlaps at their ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from preflight.engine.core.arrays import BoolMask
from preflight.engine.core.box import Box
from preflight.engine.model.identity import IDENTITY, anchor_shift, is_same_text
from preflight.engine.model.track import Track, TrackEvidence
from preflight.engine.tracking.settings import STITCHING


def stitch_tracks(tracks: list[Track], gap: int) -> list[Track]:
    """Return the tracks with those joined that are of one text, in order of time.

    Text over a busy scene is lost and found again; each part alone would end too early or have too small a mask.

    Args:
        tracks: tracks in any order.
        gap: frames between two tracks of one text. Longer gaps are closed where their frames correlate with the text,
            as when a scene of its colour passes behind translucent text.
    """
    result: list[Track] = []
    for track in sorted(tracks, key=lambda t: (t.first, t.last)):
        for place, other in enumerate(result):
            if _is_one_text(other, track, gap):
                result[place] = _joined(other, track)
                break
        else:
            result.append(track)
    return result


def _is_one_text(a: Track, b: Track, gap: int) -> bool:
    if any(t.scaled or t.path is not None for t in (a, b)):
        return False
    if not (b.first <= a.last + gap + 1 or _stays(a, b.first)):
        return False
    if a.line.iou(b.line) < STITCHING.overlap or _has_moved(a.line, b.line):
        return False
    return is_same_text(a.text, b.text, IDENTITY.exact_similarity)


def _has_moved(a: Box, b: Box) -> bool:
    """Return True when a line stands elsewhere than before: it is on something that moves."""
    return anchor_shift([a, b]) > max(STITCHING.min_shift, STITCHING.shift * min(a.text_height, b.text_height))


def _stays(track: Track, index: int) -> bool:
    """Return True when the frames from the end of a track to frame `index` show its text, if faintly."""
    between = track.evidence.later_similarity[: index - track.last - 1]
    return len(between) == index - track.last - 1 and sum(between) > STITCHING.faint * len(between)


def _joined(a: Track, b: Track) -> Track:
    """Return one track of two, of which `a` is the earlier."""
    read = max(a, b, key=lambda t: t.score)
    ends = max(a, b, key=lambda t: t.last)
    box = a.box.united(b.box)
    plates = None
    if a.masks.plate is not None and b.masks.plate is not None:
        plates = _on(box, a.box, a.masks.plate) & _on(box, b.box, b.masks.plate)
    at_ends = (
        (index, _on(box, t.box, mask))
        for t in (a, b)
        for index, mask in t.masks.at_ends
        if not _has_usual_mask(index, a, b)
    )
    return replace(
        read,
        box=box,
        line=a.line.united(b.line),
        first=a.first,
        last=ends.last,
        readings=a.readings + b.readings,
        masks=replace(
            read.masks,
            usual=_on(box, a.box, a.masks.usual) | _on(box, b.box, b.masks.usual),
            at_ends=tuple(at_ends),
            plate=plates,
        ),
        evidence=TrackEvidence(
            certainty=max(a.evidence.certainty, b.evidence.certainty),
            outlined=a.evidence.outlined or b.evidence.outlined,
            appears=a.evidence.appears,
            vanishes=ends.evidence.vanishes,
            isolated=(a.evidence.isolated[0], ends.evidence.isolated[1]),
            gradual=(a.evidence.gradual[0], ends.evidence.gradual[1]),
            match_outside=(a.evidence.match_outside[0], ends.evidence.match_outside[1]),
            slips=a.evidence.slips or b.evidence.slips,
            flat_ground=max(a.evidence.flat_ground, b.evidence.flat_ground),
            text_probability=max(a.evidence.text_probability, b.evidence.text_probability),
            motion=a.evidence.motion + b.evidence.motion,
            later_similarity=ends.evidence.later_similarity,
        ),
    )


def _has_usual_mask(index: int, *tracks: Track) -> bool:
    """Return True when one of the tracks is as usual on frame `index`."""
    return any(t.steady_frames[0] <= index <= t.steady_frames[1] for t in tracks)


def _on(whole: Box, box: Box, mask: BoolMask) -> BoolMask:
    """Return a mask of `box` as one of the larger box `whole`."""
    result = np.zeros((whole.height, whole.width), bool)
    result[box.moved(-whole.x0, -whole.y0).slices] = mask
    return result


def resolve_overlaps(tracks: list[Track]) -> list[Track]:
    """Return the tracks without those first and last frames on which another text stands at their place."""
    return [_without_rivals(track, [other for other in tracks if other is not track]) for track in tracks]


def _without_rivals(track: Track, others: list[Track]) -> Track:
    if not track.masks.at_ends:
        return track
    rivals = [
        other.steady_frames for other in others if other.line.common(track.line) > STITCHING.rival * track.line.area
    ]

    def is_own(index: int) -> bool:
        return track.first <= index <= track.last and not any(start <= index <= end for start, end in rivals)

    first, last = track.steady_frames
    while is_own(first - 1):
        first -= 1
    while is_own(last + 1):
        last += 1
    at_ends = tuple(end for end in track.masks.at_ends if first <= end[0] <= last)
    return replace(track.with_masks(at_ends=at_ends), first=first, last=last)
