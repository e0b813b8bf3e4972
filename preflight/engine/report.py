"""What the engine says of its work: facts of every track, figures of the fill."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from preflight.engine.inpaint.task import Done
from preflight.engine.media.probe import Source
from preflight.engine.model.track import Track


@dataclass(slots=True)
class Quality:
    """Collects the figures of the fill, job by job."""

    _done: list[Done] = field(default_factory=list)

    def add(self, done: Done) -> None:
        """Note the figures of a finished job."""
        self._done.append(replace(done, patches=()))

    def of(self, track: Track) -> dict[str, Any]:
        """Return a track's share of samples from other frames, its error on the held-out ring and what is legible."""
        own = [
            done
            for done in self._done
            if done.job.first <= track.last and done.job.last >= track.first and done.job.region.common(track.extent)
        ]
        return self._figures(own, track.first, track.last)

    def whole(self, frames: int) -> dict[str, Any]:
        """Return the figures of the whole clip of `frames` frames."""
        touched = {figure.index for done in self._done for figure in done.figures}
        return {"frames_touched": len(touched)} | self._figures(self._done, 0, frames)

    @staticmethod
    def _figures(jobs: list[Done], first: int, last: int) -> dict[str, Any]:
        figures = [figure for done in jobs for figure in done.figures if first <= figure.index <= last]
        samples = sum(figure.samples for figure in figures)
        return {
            "from_other_frames": round(sum(f.share * f.samples for f in figures) / samples, 3) if samples else 0.0,
            "validation_error": round(sum(f.error * f.samples for f in figures) / samples, 2) if samples else None,
            "residual_ocr": round(max((done.left for done in jobs), default=0.0), 3),
            "mask_widened": max((done.widened for done in jobs), default=0),
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
        "moves": track.path is not None,
    }
