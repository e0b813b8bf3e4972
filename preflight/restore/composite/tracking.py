"""Which changed blocks last: consistent over time, in islands large enough, together with their weak surroundings."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np

from preflight.restore.composite.changes import BlockMask, ChangeEvidence

LOOKAHEAD = 12
"""Frames that are held so that what appears slowly is followed back to its first trace."""
SMALL_ISLAND = 3
"""Blocks of an island that stand out in it, below which it is taken for noise."""
_NEAR = np.ones((5, 5), np.uint8)
"""Blocks that are this near belong to one island."""
_BESIDE = np.ones((3, 3), np.uint8)
_T = TypeVar("_T")


@dataclass(slots=True)
class _Held(Generic[_T]):
    item: _T
    evidence: ChangeEvidence
    changed: BlockMask


def changed_blocks(frames: Iterable[tuple[_T, ChangeEvidence]]) -> Iterator[tuple[_T, BlockMask]]:
    """Yield each frame's item with the blocks that changed in it, `LOOKAHEAD` frames later than they come."""
    held: deque[_Held[_T]] = deque()
    last: BlockMask | None = None
    for item, evidence in frames:
        if held and held[-1].evidence.seeds.shape != evidence.seeds.shape:
            raise ValueError("frames of one size are compared")
        held.append(_Held(item, evidence, evidence.seeds))
        if len(held) >= 2:
            _settle(held, len(held) - 2)
        if len(held) > LOOKAHEAD:
            last = _follow(held, last)
            yield held[0].item, last
            held.popleft()
    if held:
        _settle(held, len(held) - 1)
    while held:
        last = _follow(held, last)
        yield held[0].item, last
        held.popleft()


def _settle(held: deque[_Held[_T]], place: int) -> None:
    """Keep of a frame's seeds those that a neighbour in time has too, in islands large enough."""
    seeds = held[place].evidence.seeds
    earlier = [frame.evidence.seeds for frame in itertools.islice(held, place) if frame.evidence.known][-1:]
    later = [frame.evidence.seeds for frame in itertools.islice(held, place + 1, None) if frame.evidence.known][:1]
    neighbours = [dilated(mask) for mask in (*earlier, *later)]
    if neighbours:
        seeds = seeds & np.logical_or.reduce(neighbours)
    held[place].changed = without_islands(seeds)


def _follow(held: deque[_Held[_T]], last: BlockMask | None) -> BlockMask:
    """Return the changed blocks of the first frame held: its own, and what was or will be changed and is weak here."""
    later = held[-1].changed
    for frame in reversed(held):
        later = _grown(frame, later)
    return later if last is None else later | _grown(held[0], last)


def _grown(frame: _Held[_T], around: BlockMask) -> BlockMask:
    """Return a frame's changed blocks with the weak ones beside them, and those that are changed in a neighbour."""
    own = frame.changed
    if not (own.any() or around.any()):
        return own
    return own | (frame.evidence.weak & (dilated(own) | around))


def dilated(mask: BlockMask) -> BlockMask:
    """Return a mask grown by one block in all directions."""
    return np.asarray(cv2.dilate(mask.view(np.uint8), _BESIDE) > 0, bool)


def without_islands(mask: BlockMask) -> BlockMask:
    """Return a mask without its small islands; what is near each other is one island."""
    if not mask.any():
        return mask
    joined = cv2.dilate(mask.view(np.uint8), _NEAR)
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    sizes = np.bincount(labels[mask], minlength=count)
    kept: BlockMask = mask & (sizes >= SMALL_ISLAND)[labels]
    return kept
