"""First pass over a video: look for text on sampled frames and follow it to its exact first and last frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from preflight.local.engine import models, presence, tracks
from preflight.local.engine.frames import Frame
from preflight.local.engine.geometry import Box, join_words
from preflight.local.engine.tracks import Sighting, Track

SAMPLE_SECONDS = 0.4
"""Between two looks for text; shorter captions are found by looking into the gaps between captions."""
MAX_STEP = 12
SHORT_SIDE = 480

Finder = Callable[[Frame], list[Box]]


def sample_step(rate: Fraction) -> int:
    """Return how many frames apart text is looked for."""
    return max(1, min(MAX_STEP, round(float(rate) * SAMPLE_SECONDS)))


def find_text(frame: Frame) -> list[Box]:
    """Return the lines of text on a frame, without boxes that are as large as the picture."""
    height, width = frame.y.shape
    size = models.detection_size(width, height, SHORT_SIDE)
    lines = join_words(models.find_lines(frame.shrunk(*size), (width, height)))
    return [box for box in lines if box.text_height < 0.35 * height]


@dataclass(slots=True)
class Scan:
    """What the first pass has found so far."""

    step: int
    size: tuple[int, int]
    finder: Finder = find_text
    window: deque[Frame] = field(default_factory=deque)
    live: list[Sighting] = field(default_factory=list)
    done: list[Track] = field(default_factory=list)
    frames: int = 0
    judged: int = -1

    def feed(self, frame: Frame) -> None:
        """Take the next frame; samples are judged one step late, so that both sides of them are known."""
        self.window.append(frame)
        self.frames = frame.index + 1
        if len(self.window) > 3 * self.step + 1:
            self.window.popleft()
        if frame.index % self.step == 0 and frame.index >= self.step:
            self._judge(frame.index - self.step)

    def finish(self) -> list[Track]:
        """Judge what is left and return every track, in order of appearance."""
        end = self.frames - 1
        for index in sorted({*range(max(0, self.judged) + self.step, end + 1, self.step), end} if end >= 0 else ()):
            if index > self.judged:
                self._judge(index)
        for sighting in self.live:
            self._close(sighting, None)
        self.live = []
        return sorted(self.done, key=lambda t: (t.first, t.box.y0, t.box.x0))

    def _frame(self, index: int) -> Frame:
        return self.window[index - self.window[0].index]

    def _near(self, index: int, reach: int) -> Iterator[Frame]:
        oldest, newest = self.window[0].index, self.window[-1].index
        for place in range(max(oldest, index - reach), min(newest, index + reach) + 1):
            yield self._frame(place)

    def _judge(self, index: int) -> None:
        self.judged = index
        frame = self._frame(index)
        still: list[Sighting] = []
        for sighting in self.live:
            look = frame.color(sighting.box)
            if sighting.signature is not None and presence.is_there(sighting.signature, look):
                sighting.seen_last = max(sighting.seen_last, index)
                sighting.keep(index, look)
                still.append(sighting)
            else:
                self._close(sighting, index)
        self.live = still
        for line in self.finder(frame):
            if not any(_covers(sighting, line) for sighting in self.live):
                self._open(line, index)

    def _open(self, line: Box, index: int) -> None:
        pad = int(line.text_height * 0.35) + 4
        box = line.padded(pad, *self.size)
        sighting = Sighting(line=line, box=box, seen_first=index, seen_last=index)
        sighting.edges = {f.index: f.color(box) for f in self._near(index, 2 * self.step) if f.index <= index}
        near = {f.index: f.color(box) for f in self._near(index, 2)}
        tracks.learn(sighting, list(near.values()))
        known = sighting.signature
        if known is None:
            return
        for place, look in near.items():
            if place == index or presence.is_there(known, look):
                sighting.keep(place, look)
        self.live.append(sighting)

    def _close(self, sighting: Sighting, index: int | None) -> None:
        for frame in self.window:
            if frame.index >= sighting.seen_last and (index is None or frame.index <= index):
                sighting.edges[frame.index] = frame.color(sighting.box)
        track = tracks.settle(sighting)
        if track is not None:
            self.done.append(track)


def _covers(sighting: Sighting, line: Box) -> bool:
    common = sighting.box.common(line)
    return common > 0.6 * line.area and line.area < 1.6 * sighting.line.area
