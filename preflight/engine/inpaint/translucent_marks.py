"""Translucent watermarks of a chunk: fitting of their alpha matte, and unblending of the scene behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from preflight.engine.alpha.matte import AlphaMatte, Unblended
from preflight.engine.alpha.settings import WATERMARK
from preflight.engine.alpha.watermark_matte import WatermarkSample, fit_watermark, unblend_watermark
from preflight.engine.core.arrays import BoolMask, YCbCr
from preflight.engine.inpaint.chunk_plan import CHUNK_FRAMES, SEARCH_RADIUS, InpaintChunk
from preflight.engine.model.rasterize import rasterize
from preflight.engine.model.track import Track

_COMING = 4
"""Frames after a text came and before it goes on which it may not be as usual."""
_LEAST_HEIGHT = 28
"""Minimum height of a line whose strokes have an inside: thinner ones are mixed with the scene by their edges and
by coding, so they look translucent when they are not, and filling them loses little."""


def sample_frames(track: Track, chunk: InpaintChunk) -> list[int]:
    """Return the frames of the chunk from which the matte of a text that stays is fitted."""
    first, last = track.first + _COMING, track.last - _COMING
    frames = range(max(first, chunk.search_first), min(last, chunk.search_last) + 1)
    # On one raster where there are many, so that neighbouring chunks fit the same frames and agree.
    step = max(1, -(-min(CHUNK_FRAMES + 2 * SEARCH_RADIUS, len(frames)) // WATERMARK.most_samples))
    return [index for index in frames if index % step == 0]


@dataclass(slots=True)
class TranslucentMark:
    """A still track in a chunk's region that may be translucent."""

    track: Track
    chunk: InpaintChunk
    matte: AlphaMatte | None = None

    @property
    def place(self) -> tuple[slice, slice]:
        """Where the track's box lies in the region."""
        return self.track.box.moved(-self.chunk.region.x0, -self.chunk.region.y0).slices

    def learn(self, region_at: Callable[[int], YCbCr]) -> bool:
        """Fit the matte from the chunk's frames; return False when the track isn't translucent."""
        chunk, track = self.chunk, self.track
        if track.masks.matte is not None:
            self.matte = track.masks.matte
            return True
        if track.line.text_height < _LEAST_HEIGHT:
            return False
        samples = [
            WatermarkSample(region_at(index)[self.place], self._others(index)) for index in sample_frames(track, chunk)
        ]
        self.matte = fit_watermark(samples, track.masks.usual)
        return self.matte is not None

    def lifted(self, index: int, seen: YCbCr) -> tuple[BoolMask, Unblended] | None:
        """Return the mask of the track's unblended pixels on frame `index` and their scene; None for no pixel.

        While a text fades or comes little by little, it is not what was learnt.
        """
        first, last = self.track.steady_frames
        fade = self.track.masks.fade
        if self.matte is None or not first <= index <= last or (fade is not None and index in fade.opacity):
            return None
        own = self.track.masks.usual & ~self._others(index)
        return own, unblend_watermark(seen[self.place], self.matte, own)

    def _others(self, index: int) -> BoolMask:
        others = [track for track in self.chunk.tracks if track is not self.track]
        return rasterize(others, index, self.track.box, hidden=True)
