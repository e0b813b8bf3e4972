"""Lazy camera motion: measured around text only, as soon as a detection is known to be text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from preflight.engine.core.arrays import Gray
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.motion.camera import Motion, proxy

KEPT = 192
"""Frames whose small pictures are kept: as long as text that is learnt anew may take to be read."""


@dataclass(slots=True)
class CameraWindow:
    """The camera motion that is known, and small pictures of the frames on which it may have to be measured."""

    motion: Motion = field(default_factory=Motion)
    small: dict[int, Gray] = field(default_factory=dict)

    def keep(self, frame: Frame) -> None:
        """Keep a small picture of a frame that leaves the tracker's window."""
        if frame.index not in self.small and not {frame.index - 1, frame.index} <= self.motion.steps.keys():
            self.small[frame.index] = proxy(frame)

    def forget(self, index: int) -> None:
        """Drop the picture that is too old when frame `index` leaves the window; called with every frame."""
        self.small.pop(index - KEPT, None)

    def measure(self, first: int, last: int, frames: Sequence[Frame], text: list[Box]) -> None:
        """Measure the motion from frame `first` to `last`, as far back as pictures are kept, beside the boxes `text`.

        `frames` is the tracker's window.
        """
        oldest = frames[0].index - KEPT
        places = [place for place in range(max(first, oldest), last) if place not in self.motion.steps]
        ends = {end for place in places for end in (place, place + 1)}
        for frame in frames:
            if frame.index in ends:
                self.keep(frame)
        for place in places:
            if place in self.small and place + 1 in self.small:
                self.motion.measure(place, self.small[place], self.small[place + 1], text)


def measure_all(motion: Motion, frames: Iterable[Frame], text: list[Box]) -> None:
    """Measure the motion between all `frames` that isn't known yet, beside the boxes `text`."""
    before: tuple[int, Gray] | None = None
    for frame in frames:
        small = proxy(frame)
        if before is not None:
            motion.measure(*before, small, text)
        before = frame.index, small
