"""Does text come or go, at once or little by little, while all else stays? Then it was put on top of that.

A sign comes and goes with its scene: in a dissolve, out of black, into focus, from behind what passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import dropwhile, takewhile
from typing import NamedTuple

import cv2
import numpy as np

from preflight.local.engine import presence
from preflight.local.engine.frames import Frame
from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Mask, Picture, Plane32
from preflight.local.engine.presence import Signature

_ACROSS = 96
"""Samples that a scene is told by across its longer side."""
_CHANGED = 12
"""Gray levels from which on a sample has changed, or stands out from most of its picture."""
_MOST = 0.4
"""Share of what stands out in a picture, and of what is near a text, that changes at most while it stays the same:
other captions come at the same time, and things move."""
_NEAR, _BESIDE = 3, 1
"""Heights of a line from which, and up to which, what is around it is near: up to a plate it may stand on."""
_WHOLE = 0.75
"""Share of its most strength from which on a text is whole."""
_SEEN, _FAINT = 0.3, 0.35
"""Strength that a text reaches at least, and the share of it that is left at the far end of a fade at most."""
_BETWEEN, _LEAST = (0.15, 0.85), 2
"""Shares between nothing and all of a text that are a fade's, and frames that have one."""
_UNEVEN = 0.35
"""How unevenly the samples of a text come, from 0 for all at once to 1 for one after another, in a fade at most."""


class Scene(NamedTuple):
    """A few gray samples of a whole picture, every so many each way."""

    samples: Picture
    step: int

    @classmethod
    def of(cls, frame: Frame) -> Scene:
        """Return what a frame shows."""
        step = max(1, max(frame.y.shape) // _ACROSS)
        return cls(frame.y[::step, ::step].copy(), step)

    def around(self, line: Box, heights: int) -> Mask:
        """Return the samples that are nearer to a line than so many of its heights."""
        pad = heights * line.text_height
        mask = np.zeros(self.samples.shape, bool)
        rows, columns = ((a - pad, b + pad) for a, b in ((line.y0, line.y1), (line.x0, line.x1)))
        mask[tuple(slice(max(0, a // self.step), max(0, -(-b // self.step))) for a, b in (rows, columns))] = True
        return mask


class Moment(NamedTuple):
    """What one frame shows: at a text's place, in colour, and as a whole."""

    look: Picture
    scene: Scene


def alone(known: Signature, line: Box, way: Mapping[int, Moment]) -> dict[int, Moment]:
    """Return the moments of a `way`, out of a text's time, from where it is last whole until anything else changes."""
    if not way:
        return {}
    strengths = {index: presence.strength(known, moment.look)[0] for index, moment in way.items()}
    whole = [index for index, strength in strengths.items() if strength >= _WHOLE * max(strengths.values())][-1]
    beyond = dropwhile(lambda item: item[0] != whole, way.items())
    return dict(takewhile(lambda item: stays(way[whole].scene, item[1].scene, line), beyond))


def is_fade(known: Signature, run: Mapping[int, Moment]) -> bool:
    """Return True when a text that is whole at the start of a `run` grows fainter over it, all of it together."""
    looks = [moment.look for moment in run.values()]
    shares = [presence.strength(known, look)[0] for look in looks]
    gone = int(np.argmin(shares)) if shares else 0
    if not gone or shares[0] < _SEEN or shares[gone] > _FAINT * shares[0]:
        return False
    return _is_even(known.band, looks[: gone + 1])


def stays(before: Scene, after: Scene, line: Box) -> bool:
    """Return True when neither the whole picture nor what is near a text changes much, its own place aside.

    A picture that has nothing but text on one colour stays in any case.
    """
    changed = cv2.absdiff(before.samples, after.samples) > _CHANGED
    own = before.around(line, _BESIDE)
    common = int(np.median(before.samples))
    telling = cv2.absdiff(before.samples, np.full_like(before.samples, common)) > _CHANGED
    places = telling & ~own, before.around(line, _NEAR) & ~own
    return all((changed & place).sum() <= _MOST * place.sum() for place in places)


def _is_even(band: Mask, looks: Sequence[Picture]) -> bool:
    """Return True when the samples of a text, there on the first look and gone on the last, go all together.

    What is uncovered or typed leaves a share of its samples as they are and takes the others: that is as uneven as can
    be.
    """
    gone = looks[-1][band].astype(np.float32)
    whole: Plane32 = looks[0][band] - gone
    all_of_it = max(1.0, float((whole * whole).sum()))
    uneven = []
    for look in looks[1:-1]:
        part = look[band] - gone
        share = float((part * whole).sum()) / all_of_it
        if _BETWEEN[0] < share < _BETWEEN[1]:
            uneven.append(float(((part - share * whole) ** 2).sum()) / all_of_it / (share * (1 - share)))
    return len(uneven) >= _LEAST and float(np.median(uneven)) < _UNEVEN
