"""Builds the report of a removal: a summary of each track, and the quality of its fill."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from preflight.engine.inpaint.fill_model import FillModel
from preflight.engine.inpaint.task import ESCALATION, ChunkResult, is_clean
from preflight.engine.media.probe import Source
from preflight.engine.model.track import Track
from preflight.engine.types import FillQuality, PoorRegion, RemovedText, TextTrackSummary, UsedFillModel


@dataclass(slots=True)
class ReportBuilder:
    """Collects the results of the inpainting chunks and summarises them by track."""

    source: Source
    times: tuple[int, ...]
    _by_chunk: dict[int, ChunkResult] = field(default_factory=dict)

    def add(self, result: ChunkResult) -> None:
        """Add the figures of a finished chunk, in place of earlier ones. Its patches are not kept."""
        self._by_chunk[result.chunk.number] = replace(result, patches=())

    @property
    def _results(self) -> list[ChunkResult]:
        return [result for _, result in sorted(self._by_chunk.items())]

    @property
    def frames_filled(self) -> int:
        """Number of frames with filled pixels."""
        return len({figure.index for result in self._results for figure in result.figures})

    def clip_quality(self) -> FillQuality:
        """Return the quality over the whole clip."""
        return _quality(self._results, 0, len(self.times))

    def used_model(self, model: FillModel | None) -> UsedFillModel | None:
        """Return what a fill model did; None without one."""
        if model is None:
            return None
        figures = [figure for result in self._results for figure in result.figures]
        filled = sum(figure.samples for figure in figures)
        share = sum(figure.learned * figure.samples for figure in figures) / filled if filled else 0.0
        return UsedFillModel(name=model.path.name, digest=model.digest, share=round(share, 3))

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

    def poor_regions(self) -> tuple[PoorRegion, ...]:
        """Return the places that are likely to be noticed, in order of time."""
        found = []
        for result in sorted(self._results, key=lambda result: result.chunk.first):
            smooth = not ESCALATION[result.escalation].donors
            if smooth or not is_clean(result):
                chunk = result.chunk
                found.append(
                    PoorRegion(
                        first_frame=chunk.first,
                        last_frame=chunk.last,
                        box=(chunk.region.x0, chunk.region.y0, chunk.region.x1, chunk.region.y1),
                        reason="whole lines filled smoothly" if smooth else "traces of text",
                    )
                )
        return tuple(found)


def _quality(results: list[ChunkResult], first: int, last: int) -> FillQuality:
    figures = [figure for result in results for figure in result.figures if first <= figure.index <= last]
    filled = sum(figure.samples for figure in figures)
    return FillQuality(
        propagated_share=round(sum(f.share * f.samples for f in figures) / filled, 3) if filled else 0.0,
        validation_error=round(sum(f.error * f.samples for f in figures) / filled, 2) if filled else None,
        residual_text=round(max((result.residual for result in results), default=0.0), 3),
        escalation=max((result.escalation for result in results), default=0),
    )
