"""Look on at the places of texts that were lost: what is there tells whether they had gone or could not be seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.tracking import appearance
from preflight.engine.tracking.appearance import AppearanceTemplate

LOOKED_ON = 96
"""Frames for which the place of a lost text is looked at."""


@dataclass(slots=True)
class LostTrack:
    """A text that was lost at one place, and how alike (-1..1) the frames since then are to it."""

    template: AppearanceTemplate
    box: Box
    after: list[float] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """True when there is no more to look at."""
        return len(self.after) == LOOKED_ON

    def look_on(self, frames: Iterable[Frame]) -> None:
        """Take the next frames, up to `LOOKED_ON` in all."""
        for frame in frames:
            if not self.is_over:
                self.after.append(appearance.strength(self.template, frame.color(self.box))[1])
