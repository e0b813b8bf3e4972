"""The lost-track buffer: what the places of lost texts look like afterwards tells whether these had gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.tracking import appearance
from preflight.engine.tracking.appearance import AppearanceTemplate

WATCHED_FRAMES = 96
"""Frames for which the place of a lost text is watched."""


@dataclass(slots=True)
class LostTrack:
    """A text that was lost at one place, and the correlation (-1..1) of the frames since then with it."""

    template: AppearanceTemplate
    box: Box
    after: list[float] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """True when all frames have been watched."""
        return len(self.after) == WATCHED_FRAMES

    def watch(self, frames: Iterable[Frame]) -> None:
        """Take the next frames, up to `WATCHED_FRAMES` in all."""
        for frame in frames:
            if not self.is_over:
                self.after.append(appearance.strength(self.template, frame.color(self.box))[1])
