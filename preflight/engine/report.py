"""Builds the report of a removal: a summary of each track, and the quality of its fill."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from preflight.engine.inpaint.task import ChunkResult
from preflight.engine.media.probe import Source
from preflight.engine.model.track import Track
from preflight.engine.types import FillQuality, PoorRegion, RemovedText, TextTrackSummary


@dataclass(slots=True)
class ReportBuilder:
    """Collects the results of the inpainting chunks and summarises them by track."""

    source: Source
    times: tuple[int, ...]
    _results: list[ChunkResult] = field(default_factory=list)

    def add(self, result: ChunkResult) -> None:
        """Add the figures of a finished chunk. Its patches are not kept."""
        self._results.append(replace(result, patches=()))

    @property
    def frames_filled(self) -> int:
        """Number of frames with filled pixels."""
        return len({figure.index for result in self._results for figure in result.figures})

    def clip_quality(self) -> FillQuality:
        """Return the quality over the whole clip."""
        return _quality(self._results, 0, len(self.times))

    def removed(self, track: Track) -> RemovedText:
        """Return the summary of a removed track and the quality of its fill."""
        own = [
            result
            for result in self._results
            if result.chunk.first <= track.last
            and result.chunk.last >= track.first
            and result.chunk.region.common(track.extent)
        ]
        return RemovedText(track=self.summary(track), quality=_quality(own, track.first, track.last))

    def summary(self, track: Track, kept_because: str = "") -> TextTrackSummary:
        """Return the facts of a track, with times in seconds, and why it is kept if it is."""
        base = self.source.time_base
        return TextTrackSummary(
            text=track.text,
            score=round(track.score, 3),
            kind=str(track.kind),
            start=round(float(self.times[track.first] * base), 3),
            end=round(float(self.times[track.last] * base + 1 / self.source.rate), 3),
            first_frame=track.first,
            last_frame=track.last,
            box=(track.line.x0, track.line.y0, track.line.x1, track.line.y1),
            moves=track.path is not None,
            kept_because=kept_because,
        )

    def poor_regions(self, limit: float) -> tuple[PoorRegion, ...]:
        """Return the places whose residual text exceeds `limit` (0..1), in order of time."""
        poor = sorted(
            (result for result in self._results if result.left > limit), key=lambda result: result.chunk.first
        )
        return tuple(
            PoorRegion(
                first_frame=result.chunk.first,
                last_frame=result.chunk.last,
                box=(result.chunk.region.x0, result.chunk.region.y0, result.chunk.region.x1, result.chunk.region.y1),
                residual_text=round(result.left, 3),
            )
            for result in poor
        )


def _quality(results: list[ChunkResult], first: int, last: int) -> FillQuality:
    figures = [figure for result in results for figure in result.figures if first <= figure.index <= last]
    filled = sum(figure.samples for figure in figures)
    return FillQuality(
        propagated_share=round(sum(f.share * f.samples for f in figures) / filled, 3) if filled else 0.0,
        validation_error=round(sum(f.error * f.samples for f in figures) / filled, 2) if filled else None,
        residual_text=round(max((result.left for result in results), default=0.0), 3),
        mask_widening=max((result.widened for result in results), default=0),
    )
