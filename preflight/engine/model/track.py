"""A track: one piece of text, where it is, from which frame to which, and which samples it paints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from preflight.engine.alpha.fade import Fade
from preflight.engine.alpha.translucent_box import TranslucentBox
from preflight.engine.core.arrays import BoolMask
from preflight.engine.core.box import Box
from preflight.engine.model.kind import Kind
from preflight.engine.motion.relative import UNKNOWN, Drift
from preflight.engine.motion.template_match import Offset
from preflight.engine.segment.counter import CounterModel

LEGIBLE = 0.75
"""Confidence of the recogniser above which it has read something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Text on frames `first`..`last`, both included. `mask` covers `box`; `line` is the line inside it.

    `path` holds the offsets of text that moves, one a frame;
    `appears` and `vanishes` say that it is known to be off just before and after, `alone` that nothing else of the
    picture changes as it comes and as it goes, `gradual` that it does so little by little. What a
    `lasting` track covers may be there at other times too, so its place is never lent by other frames. `after` tells
    how alike the next frames are.
    `ends` are the first and last frames on which it is not as usual, each with a mask of its own. `scaled` text grows
    or shrinks. `clock` is known of text whose digits change, and `masks` of its frames once they were looked at.
    `fade` tells how it fades, once that was looked at.
    `veil` is a translucent plate that can be taken off, so that only its border, the `mask`, is to be filled; `ground`
    the plate that letters stand on, from which alone they are.
    """

    box: Box
    line: Box
    first: int
    last: int
    mask: BoolMask
    certainty: float
    text: str = ""
    score: float = 0.0
    kind: Kind = Kind.ARTIFICIAL
    appears: bool = False
    vanishes: bool = False
    alone: tuple[bool, bool] = (True, True)
    gradual: tuple[bool, bool] = (False, False)
    path: tuple[Offset, ...] | None = None
    lasting: bool = False
    outlined: bool = False
    drift: Drift = UNKNOWN
    after: tuple[float, ...] = ()
    ends: tuple[tuple[int, BoolMask], ...] = ()
    masks: Mapping[int, BoolMask] = field(default_factory=dict)
    scaled: bool = False
    clock: CounterModel | None = None
    fade: Fade | None = None
    veil: TranslucentBox | None = None
    ground: BoolMask | None = None

    def mask_on(self, index: int) -> BoolMask:
        """Return what the text paints of its box on frame `index`."""
        own = self.masks.get(index)
        return next((mask for end, mask in self.ends if end == index), self.mask) if own is None else own

    @property
    def usual(self) -> tuple[int, int]:
        """The first and the last frame on which the text is as usual."""
        ends = {index for index, _ in self.ends}
        first, last = self.first, self.last
        while first in ends and first < last:
            first += 1
        while last in ends and last > first:
            last -= 1
        return first, last

    def ground_on(self, index: int) -> BoolMask | None:
        """Return the plate that the letters stand on as usual on frame `index`; None without one."""
        whole = self.first <= index <= self.last and all(end != index for end, _ in self.ends)
        return self.ground if whole else None

    def place(self, index: int) -> Box:
        """Return the box on frame `index`, which is one of the track's."""
        return self.box if self.path is None else self.box.moved(*self.path[index - self.first])

    @property
    def is_cleared(self) -> bool:
        """True for what is taken off a frame by that frame alone."""
        return self.veil is not None or self.ground is not None

    @property
    def may_fade(self) -> bool:
        """True for text that can be told to fade: it stays as it is and where it is."""
        changes = self.scaled or self.clock is not None or self.is_cleared
        return bool(self.text) and self.path is None and not self.lasting and not changes

    def until(self, last: int) -> Track:
        """Return the track without what goes beyond frame `last`."""
        if self.last <= last:
            return self
        return replace(self, last=last, path=None if self.path is None else self.path[: last - self.first + 1])

    @property
    def reach(self) -> Box:
        """The box around every place the track has, which may go beyond the picture."""
        if self.path is None:
            return self.box
        across, down = [x for x, _ in self.path], [y for _, y in self.path]
        return self.box.moved(min(across), min(down)).united(self.box.moved(max(across), max(down)))
