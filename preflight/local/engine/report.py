"""What the engine says of its work: facts of every track, figures of the fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from preflight.local.engine.source import Source
from preflight.local.engine.tracks import Track
from preflight.local.engine.work import Done, FrameFigures


@dataclass(slots=True)
class Quality:
    """Collects the figures of the fill."""

    tracks: list[Track]
    _figures: list[tuple[Done, FrameFigures]] = field(default_factory=list)

    def add(self, done: Done) -> None:
        """Note the figures of a finished job."""
        bare = Done(job=done.job, patches=(), figures=())
        self._figures += [(bare, figure) for figure in done.figures]

    def of(self, track: Track) -> dict[str, Any]:
        """Return the share of a track's samples that came from other frames and the error on the held-out ring."""
        own = [
            figure
            for done, figure in self._figures
            if track.first <= figure.index <= track.last and done.job.region.common(track.reach)
        ]
        samples = sum(figure.samples for figure in own)
        if not samples:
            return {"from_other_frames": 0.0, "validation_error": None}
        return {
            "from_other_frames": round(sum(f.share * f.samples for f in own) / samples, 3),
            "validation_error": round(sum(f.error * f.samples for f in own) / samples, 2),
        }


def describe(track: Track, times: tuple[int, ...], source: Source) -> dict[str, Any]:
    """Return the facts of a track for the report, times in seconds."""
    return {
        "text": track.text,
        "score": round(track.score, 3),
        "kind": str(track.kind),
        "start": round(float(times[track.first] * source.time_base), 3),
        "end": round(float(times[track.last] * source.time_base + 1 / source.rate), 3),
        "first_frame": track.first,
        "last_frame": track.last,
        "box": [track.line.x0, track.line.y0, track.line.x1, track.line.y1],
    }
