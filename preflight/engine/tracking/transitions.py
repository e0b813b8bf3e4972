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
from preflight.engine.detect.ocr import OcrReading
from preflight.engine.media.decode import Frame
from preflight.engine.model.identity import is_same_text
from preflight.engine.tracking import appearance
from preflight.engine.tracking.appearance import AppearanceTemplate
from preflight.engine.tracking.settings import TRANSITIONS


class Scene(NamedTuple):
    """A few gray samples of a whole picture, every so many each way."""

    samples: Gray
    step: int

    @classmethod
    def of(cls, frame: Frame) -> Scene:
        """Return what a frame shows."""
        step = max(1, max(frame.y.shape) // TRANSITIONS.scene_samples)
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

    crop: BGR
    scene: Scene


def isolated_frames(
    known: AppearanceTemplate, line: Box, others: Sequence[Box], way: Mapping[int, Moment]
) -> dict[int, Moment]:
    """Return the moments at one end of a text, outwards, from where it is last whole until anything else changes.

    Args:
        known: the template of the text.
        line: its line.
        others: lines of other texts, whose change is none of the scene, since captions come together.
        way: moments by frame index, from inside the text's time outwards.
    """
    if not way:
        return {}
    strengths = [appearance.strength(known, moment.crop)[0] for moment in way.values()]
    there = _there(strengths)
    scenes = [moment.scene for moment in way.values()][there.start :]
    around = _Surroundings.of(scenes[len(there) - 1], line, others)
    beyond = list(way.items())[there.stop - 1 :]
    left = takewhile(lambda ahead: around.stays(scenes[: len(there) + ahead], len(there) - 1), range(len(beyond)))
    return dict(beyond[ahead] for ahead in left)


def loses_contrast(known: AppearanceTemplate, run: Mapping[int, Moment]) -> bool:
    """Return True when a text that is whole at the start of a `run` of frames loses most of its contrast at once."""
    shares = [appearance.strength(known, moment.crop)[0] for moment in run.values()]
    return any(before - after > TRANSITIONS.fall * shares[0] > 0 for before, after in pairwise(shares))


def is_fade(known: AppearanceTemplate, run: Mapping[int, Moment]) -> bool:
    """Return True when a text that is whole at the start of a `run` of frames fades over it, evenly over its pixels."""
    crops = [moment.crop for moment in run.values()]
    shares = [appearance.strength(known, crop)[0] for crop in crops]
    gone = int(np.argmin(shares)) if shares else 0
    if not gone or shares[0] < TRANSITIONS.min_strength or shares[gone] > TRANSITIONS.max_rest * shares[0]:
        return False
    return _is_even(known.band, crops[: gone + 1])


def _there(strengths: Sequence[float]) -> range:
    """Return the positions of pictures that show a text, up to the last on which it is whole.

    A picture counts as whole too when the text goes at once after it: on another ground it may have less contrast.
    """
    most = max(strengths)
    falls = [before - after > TRANSITIONS.fall * most for before, after in pairwise([*strengths, strengths[-1]])]
    whole = max(place for place, share in enumerate(strengths) if share >= TRANSITIONS.whole * most or falls[place])
    since = max((place + 1 for place in range(whole) if strengths[place] < TRANSITIONS.min_strength * most), default=0)
    return range(since, whole + 1)


class _Surroundings(NamedTuple):
    """What has to stay while a text comes or goes: parts of the frame, and how many samples of each may change."""

    parts: tuple[BoolMask, ...]
    most: tuple[float, ...]

    @classmethod
    def of(cls, scene: Scene, line: Box, others: Sequence[Box]) -> _Surroundings:
        """Return the details of the whole frame, and what is near a line, above it and below it."""
        own = np.logical_or.reduce([scene.around(text, TRANSITIONS.beside) for text in (line, *others)])
        common = int(np.median(scene.samples))
        telling = (cv2.absdiff(scene.samples, np.full_like(scene.samples, common)) > TRANSITIONS.changed) & ~own
        near = scene.around(line, TRANSITIONS.near) & ~own
        above, below = near.copy(), near.copy()
        above[line.y0 // scene.step :] = below[: -(-line.y1 // scene.step)] = False
        for side in (above, below):
            side[:, : line.x0 // scene.step] = side[:, -(-line.x1 // scene.step) :] = False
        most = (
            TRANSITIONS.max_change * telling.sum(),
            TRANSITIONS.max_change * near.sum(),
            TRANSITIONS.max_side_change * above.sum(),
            TRANSITIONS.max_side_change * below.sum(),
        )
        return cls((telling, near, above, below), most)

    def stays(self, scenes: Sequence[Scene], whole: int) -> bool:
        """Return True when the last scene is like that with the `whole` text, or changes as it did before."""
        span = len(scenes) - 1 - whole
        if span <= 0:
            return True
        counts = self._changed(scenes[whole], scenes[-1])
        most = np.array(self.most)
        if span <= TRANSITIONS.at_once_frames:
            most[0] = max(most[0], TRANSITIONS.at_once_share * self.parts[0].size)
            pairs = zip(scenes[: whole + 1], scenes[span : whole + 1], strict=False)
            before = [self._changed(*pair) for pair in pairs]
            if len(before) >= TRANSITIONS.min_pairs:
                most = np.maximum(most, TRANSITIONS.lively * np.max(before, axis=0))
        return bool((counts <= most).all())

    def _changed(self, before: Scene, after: Scene) -> NDArray[np.int64]:
        changed = cv2.absdiff(before.samples, after.samples) > TRANSITIONS.changed
        return np.array([(changed & part).sum() for part in self.parts], np.int64)


def _is_even(band: BoolMask, crops: Sequence[BGR]) -> bool:
    """Return True when the pixels of a text, there on the first picture and gone on the last, fade together.

    A wipe or typewriter effect removes some pixels completely and leaves the others, which is maximally uneven.
    """
    gone = crops[-1][band].astype(np.float32)
    whole: FloatMap = crops[0][band] - gone
    all_of_it = max(1.0, float((whole * whole).sum()))
    uneven = []
    for crop in crops[1:-1]:
        part = crop[band] - gone
        share = float((part * whole).sum()) / all_of_it
        if TRANSITIONS.between[0] < share < TRANSITIONS.between[1]:
            uneven.append(float(((part - share * whole) ** 2).sum()) / all_of_it / (share * (1 - share)))
    return len(uneven) >= TRANSITIONS.min_frames and float(np.median(uneven)) < TRANSITIONS.max_unevenness


def readable_frames(
    crops: Mapping[int, BGR], start: int, step: int, text: str, read: Callable[[BGR], OcrReading]
) -> Iterator[int]:
    """Yield the frames from `start` on, in steps of 1 or -1, on whose pictures `text` can be read.

    On those the text is there but not as usual: it pops up, grows, is typed, or fades.
    """
    for index in range(start, start + step * TRANSITIONS.max_frames, step):
        crop = crops.get(index)
        if crop is None:
            return
        reading = read(crop)
        if reading.score < TRANSITIONS.readable or not is_same_text(reading.text, text):
            return
        yield index
