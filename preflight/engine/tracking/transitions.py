"""Does text come or go, at once or little by little, while all else stays? Then it was put on top of that.

A sign comes and goes with its scene: in a dissolve, out of black, into focus, from behind what passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap, Gray
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import Reading
from preflight.engine.media.decode import Frame
from preflight.engine.model.identity import is_same_text
from preflight.engine.tracking import appearance
from preflight.engine.tracking.appearance import AppearanceTemplate

_ACROSS = 96
"""Samples that a scene is told by across its longer side."""
_CHANGED = 12
"""Gray levels from which on a sample has changed, or stands out from most of its picture."""
_MOST, _ALL = 0.4, 0.8
"""Share of what stands out in a picture, and of what is near a text, that changes at most while it stays the same, for
things move; and share from which on next to all of one side has changed, as where something passes."""
_NEAR, _BESIDE = 3, 1
"""Heights of a line from which, and up to which, what is around it is near: up to a plate it may stand on."""
_AT_ONCE, _FEW = 2, 0.06
"""Frames within which text that comes or goes at once does so, and share of a picture that may change meanwhile in any
case: on a card, all there is may come at the same time."""
_LIVELY, _PAIRS = 1.2, 3
"""How many times as much as before a scene may change at once, as in flashing lights, and pairs of frames that tell."""
_WHOLE, _FALL = 0.75, 0.5
"""Share of its most strength from which on a text is whole, and that it loses from one frame to the next at once."""
_SEEN, _FAINT = 0.3, 0.35
"""Strength that a text reaches at least, and the share of it that is left at the far end of a fade at most."""
_BETWEEN, _LEAST = (0.15, 0.85), 2
"""Shares between nothing and all of a text that are a fade's, and frames that have one."""
_UNEVEN = 0.35
"""How unevenly the samples of a text come, from 0 for all at once to 1 for one after another, in a fade at most."""


_MOST_FRAMES = 12
"""Frames at each end on which a text may still be changing."""
_READABLE = 0.5
"""Confidence of the recogniser in a text that is changing."""


class Scene(NamedTuple):
    """A few gray samples of a whole picture, every so many each way."""

    samples: Gray
    step: int

    @classmethod
    def of(cls, frame: Frame) -> Scene:
        """Return what a frame shows."""
        step = max(1, max(frame.y.shape) // _ACROSS)
        return cls(frame.y[::step, ::step].copy(), step)

    def around(self, line: Box, heights: int) -> BoolMask:
        """Return the samples that are nearer to a line than so many of its heights."""
        pad = heights * line.text_height
        mask = np.zeros(self.samples.shape, bool)
        rows, columns = ((a - pad, b + pad) for a, b in ((line.y0, line.y1), (line.x0, line.x1)))
        mask[tuple(slice(max(0, a // self.step), max(0, -(-b // self.step))) for a, b in (rows, columns))] = True
        return mask


class Moment(NamedTuple):
    """What one frame shows: at a text's place, in colour, and as a whole."""

    look: BGR
    scene: Scene


def alone(known: AppearanceTemplate, line: Box, others: Sequence[Box], way: Mapping[int, Moment]) -> dict[int, Moment]:
    """Return the moments of a `way`, out of a text's time, from where it is last whole until anything else changes.

    Other texts tell nothing, since captions come together.
    """
    if not way:
        return {}
    strengths = [appearance.strength(known, moment.look)[0] for moment in way.values()]
    there = _there(strengths)
    scenes = [moment.scene for moment in way.values()][there.start :]
    around = _Around.of(scenes[len(there) - 1], line, others)
    beyond = list(way.items())[there.stop - 1 :]
    left = takewhile(lambda ahead: around.stays(scenes[: len(there) + ahead], len(there) - 1), range(len(beyond)))
    return dict(beyond[ahead] for ahead in left)


def falls(known: AppearanceTemplate, run: Mapping[int, Moment]) -> bool:
    """Return True when a text that is whole at the start of a `run` loses most of its strength at once."""
    shares = [appearance.strength(known, moment.look)[0] for moment in run.values()]
    return any(before - after > _FALL * shares[0] > 0 for before, after in pairwise(shares))


def is_fade(known: AppearanceTemplate, run: Mapping[int, Moment]) -> bool:
    """Return True when a text that is whole at the start of a `run` grows fainter over it, all of it together."""
    looks = [moment.look for moment in run.values()]
    shares = [appearance.strength(known, look)[0] for look in looks]
    gone = int(np.argmin(shares)) if shares else 0
    if not gone or shares[0] < _SEEN or shares[gone] > _FAINT * shares[0]:
        return False
    return _is_even(known.band, looks[: gone + 1])


def _there(strengths: Sequence[float]) -> range:
    """Return the places of looks with a text, up to the last with all of it.

    That is also one from which it goes at once: on another ground it may be weaker than before.
    """
    most = max(strengths)
    falls = [before - after > _FALL * most for before, after in pairwise([*strengths, strengths[-1]])]
    whole = max(place for place, share in enumerate(strengths) if share >= _WHOLE * most or falls[place])
    since = max((place + 1 for place in range(whole) if strengths[place] < _SEEN * most), default=0)
    return range(since, whole + 1)


class _Around(NamedTuple):
    """What has to stay while a text comes or goes: parts of a picture, and how many samples of each may change."""

    parts: tuple[BoolMask, ...]
    most: tuple[float, ...]

    @classmethod
    def of(cls, scene: Scene, line: Box, others: Sequence[Box]) -> _Around:
        """Return the whole picture, what is near a line, above it and below it."""
        own = np.logical_or.reduce([scene.around(text, _BESIDE) for text in (line, *others)])
        common = int(np.median(scene.samples))
        telling = (cv2.absdiff(scene.samples, np.full_like(scene.samples, common)) > _CHANGED) & ~own
        near = scene.around(line, _NEAR) & ~own
        above, below = near.copy(), near.copy()
        above[line.y0 // scene.step :] = below[: -(-line.y1 // scene.step)] = False
        for side in (above, below):
            side[:, : line.x0 // scene.step] = side[:, -(-line.x1 // scene.step) :] = False
        most = _MOST * telling.sum(), _MOST * near.sum(), _ALL * above.sum(), _ALL * below.sum()
        return cls((telling, near, above, below), most)

    def stays(self, scenes: Sequence[Scene], whole: int) -> bool:
        """Return True when the last of some scenes is like that with the `whole` text, or changes as it did before."""
        span = len(scenes) - 1 - whole
        if span <= 0:
            return True
        counts = self._changed(scenes[whole], scenes[-1])
        most = np.array(self.most)
        if span <= _AT_ONCE:
            most[0] = max(most[0], _FEW * self.parts[0].size)
            pairs = zip(scenes[: whole + 1], scenes[span : whole + 1], strict=False)
            before = [self._changed(*pair) for pair in pairs]
            if len(before) >= _PAIRS:
                most = np.maximum(most, _LIVELY * np.max(before, axis=0))
        return bool((counts <= most).all())

    def _changed(self, before: Scene, after: Scene) -> NDArray[np.int64]:
        changed = cv2.absdiff(before.samples, after.samples) > _CHANGED
        return np.array([(changed & part).sum() for part in self.parts], np.int64)


def _is_even(band: BoolMask, looks: Sequence[BGR]) -> bool:
    """Return True when the samples of a text, there on the first look and gone on the last, go all together.

    What is uncovered or typed leaves a share of its samples as they are and takes the others: that is as uneven as can
    be.
    """
    gone = looks[-1][band].astype(np.float32)
    whole: FloatMap = looks[0][band] - gone
    all_of_it = max(1.0, float((whole * whole).sum()))
    uneven = []
    for look in looks[1:-1]:
        part = look[band] - gone
        share = float((part * whole).sum()) / all_of_it
        if _BETWEEN[0] < share < _BETWEEN[1]:
            uneven.append(float(((part - share * whole) ** 2).sum()) / all_of_it / (share * (1 - share)))
    return len(uneven) >= _LEAST and float(np.median(uneven)) < _UNEVEN


def readable_frames(
    looks: Mapping[int, BGR], start: int, step: int, text: str, read: Callable[[BGR], Reading]
) -> Iterator[int]:
    """Yield the frames from `start` on, one `step` (1 or -1) after another, on whose looks `text` can be read.

    On those the text is there but not as usual: it pops up, grows, is typed, or fades.
    """
    for index in range(start, start + step * _MOST_FRAMES, step):
        look = looks.get(index)
        if look is None:
            return
        reading = read(look)
        if reading.score < _READABLE or not is_same_text(reading.text, text):
            return
        yield index
