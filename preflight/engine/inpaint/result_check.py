"""Checks the filled frames of a chunk: each for traces of letters, some and the doubtful ones for legible text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from preflight.engine.core.arrays import YCbCr
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import Planes, bgr_from_planes
from preflight.engine.inpaint.chunk_plan import InpaintChunk
from preflight.engine.inpaint.residual_check import RemovedLine, lasting, legibility, stroke_residue
from preflight.engine.inpaint.settings import RESIDUAL
from preflight.engine.model.rasterize import MAX_WIDENING, place_mask
from preflight.engine.model.track import Track


@dataclass(frozen=True, slots=True)
class _Read:
    """A filled frame with the lines that were removed from it, by number of their track, and text that stays."""

    filled: Planes[np.uint8]
    lines: dict[int, RemovedLine]
    kept: list[Box]


class ResultCheck:
    """Checks each filled frame of a chunk for traces, and reads some of them, also the most doubtful ones."""

    def __init__(self, chunk: InpaintChunk, shown: Callable[[int], Planes[np.uint8]]) -> None:
        """Check a chunk, whose frames `shown` returns."""
        self._chunk, self._shown = chunk, shown
        self.unblended: set[int] = set()
        """Identities of the tracks under which the scene was recovered."""
        self._legibility: dict[int, float] = {}
        self._residue: dict[int, list[float]] = {}
        self._doubtful: dict[int, tuple[float, _Read]] = {}

    def add(self, index: int, filled: Planes[np.uint8], source: Planes[np.uint8]) -> None:
        """Check frame `index`."""
        chunk = self._chunk
        on = [(n, t) for n, t in enumerate(chunk.tracks) if t.text and t.is_on(index)]
        if not on:
            return
        corner = -chunk.region.x0, -chunk.region.y0
        lines = {
            number: RemovedLine(
                track.line_on(index).moved(*corner),
                place_mask(chunk.region, track.box_on(index), track.mask_on(index)),
                track.text,
                *self._fainter(track, index),
                unblended=id(track) in self.unblended,
            )
            for number, track in on
        }
        kept = [track.line_on(index).moved(*corner) for track in chunk.kept if track.is_on(index)]
        reading = _Read(filled, lines, kept)
        regular = (index - chunk.first) % RESIDUAL.read_step == RESIDUAL.read_step // 2
        if regular or any(index == (max(t.first, chunk.first) + min(t.last, chunk.last)) // 2 for _, t in on):
            self._read(reading)
        after, before = filled.to_ycbcr(), source.to_ycbcr()
        for number, track in on:
            if track.widening >= MAX_WIDENING:
                # Where whole lines are filled, letters leave no traces.
                continue
            trace = stroke_residue(after, before, lines[number])
            self._residue.setdefault(number, []).append(trace)
            if trace > self._doubtful.get(number, (0.0, reading))[0]:
                self._doubtful[number] = trace, reading

    def _read(self, reading: _Read) -> None:
        """Search a frame for legible text."""
        filled = reading.filled
        color = bgr_from_planes(filled.luma, filled.chroma[..., 0], filled.chroma[..., 1])
        values = legibility(color, tuple(reading.lines.values()), reading.kept)
        for number, value in zip(reading.lines, values, strict=True):
            self._legibility[number] = max(self._legibility.get(number, 0.0), value)

    def _fainter(self, track: Track, index: int) -> tuple[YCbCr | None, float]:
        """Return the region where a fading text is faintest, and its opacity there as a share of that on a frame."""
        fade = track.masks.fade
        if fade is None or not fade.faintest:
            return None, 0.0
        faint = fade.faintest[0]
        return self._shown(faint).to_ycbcr(), fade.opacity[faint] / max(0.01, fade.opacity.get(index, 1.0))

    def left(self) -> tuple[float, ...]:
        """Return how much of each track is left.

        Traces count that last: they exceed the limit on most of a few frames in a row. The frame on which a text has
        the strongest trace is read too.
        """
        for reading in {id(reading): reading for _, reading in self._doubtful.values()}.values():
            self._read(reading)
        # Traces count from a smaller share on than similarity of readings does.
        factor = RESIDUAL.limit / RESIDUAL.trace_limit
        traces = {number: min(1.0, factor * lasting(values)) for number, values in self._residue.items()}
        return tuple(
            max(self._legibility.get(number, 0.0), traces.get(number, 0.0)) for number in range(len(self._chunk.tracks))
        )
