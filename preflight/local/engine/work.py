"""What a worker process does: find text on a picture, fill a job."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from preflight.local.engine import crops, models
from preflight.local.engine.fill import Filler
from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Picture
from preflight.local.engine.jobs import WARM_UP, Job
from preflight.local.engine.masks import paint
from preflight.local.engine.patches import Patch, cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Find lines of text on `picture`, in places of a picture of `size`."""

    picture: Picture
    size: tuple[int, int]

    def run(self) -> list[Box]:
        """Return the lines."""
        return models.find_lines(self.picture, self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFigures:
    """How the fill of one frame went: filled samples, share from other frames, error on the held-out ring."""

    index: int
    samples: int
    share: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished job: its patches and figures, one of each a frame."""

    job: Job
    patches: tuple[Patch, ...]
    figures: tuple[FrameFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Fill a job from the crops in a layout's file."""

    job: Job
    layout: crops.Layout

    def run(self) -> Done:
        """Return the filled samples of every frame of the job."""
        job = self.job
        holes: dict[int, np.ndarray] = {}

        def hole(index: int) -> np.ndarray:
            if index not in holes:
                holes[index] = np.packbits(paint(job.tracks, index, job.region))
            size = job.region.height, job.region.width
            return np.unpackbits(holes[index], count=size[0] * size[1]).reshape(size).astype(bool)

        def state(index: int) -> int:
            return hash(tuple(n for n, track in enumerate(job.tracks) if track.first <= index <= track.last))

        nothing = hash(())
        patches, figures = [], []
        with self.layout.path.open("rb") as file:
            filler = Filler(
                known=range(job.known_first, job.known_last + 1),
                color=lambda index: crops.load(file, self.layout, index, job.place, job.region),
                hole=hole,
                state=lambda index: 0 if state(index) == nothing else state(index),
                motion=job.motion,
                corner=(job.region.x0, job.region.y0),
            )
            for index in range(max(job.known_first, job.first - WARM_UP), job.last + 1):
                own = hole(index)
                if not own.any():
                    continue
                filled = filler.fill(index)
                if index >= job.first:
                    patches.append(cut(index, job.region, filled.color, own))
                    figures.append(
                        FrameFigures(index=index, samples=int(own.sum()), share=filled.share, error=filled.error)
                    )
        return Done(job=job, patches=tuple(patches), figures=tuple(figures))
