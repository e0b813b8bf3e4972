"""Pairs the frames of the source with those of the result: by time, unless the motion of the scene says otherwise.

The matching of the composite looks for the most alike frame and passes over those that show something else. Here those
are what is looked for, so a frame is paired with the one at its time; only a scene that moves can shift the pairs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction

from preflight.restore.composite.frames import Picture
from preflight.restore.composite.matching import Match, Signature, Timed, difference

SEARCH = 8
"""Frames to both sides of the one at the same time among which a better partner is searched."""

AHEAD = 6
"""Frames that are looked ahead at before the shift of a frame is settled."""

MIN_MOTION = 0.35
"""Mean difference of two frames of the source, gray levels, at or above which they tell whether pairs are shifted."""

MIN_MOVING = 3
"""Moving frames among those looked at at or above which a shift can be told."""

BETTER = 0.6
"""Share of the present difference that another shift has to reach."""

MIN_GAIN = 0.15
"""Gray levels of mean difference that it has to gain."""

_Frame = Timed[Picture]


class Pairing:
    """Pairs two streams of frames; holds some frames of each."""

    def __init__(self, source: Iterator[_Frame], cleaned: Iterator[_Frame], cleaned_times: Sequence[Fraction]) -> None:
        self._source, self._cleaned, self._times = source, cleaned, cleaned_times
        self._held: deque[_Frame] = deque()
        self._waiting: deque[tuple[_Frame, float]] = deque()
        self._before: Signature | None = None
        self._shift = 0
        self._last = -1

    def matches(self) -> Iterator[Match[Picture, Picture]]:
        """Yield a pair for every frame of the source; none at all where the result has no frame."""
        for frame in self._source:
            motion = 0.0 if self._before is None else difference(self._before, frame.signature)
            self._before = frame.signature
            self._waiting.append((frame, motion))
            if len(self._waiting) > AHEAD:
                yield from self._settle()
        while self._waiting:
            yield from self._settle()

    def _settle(self) -> Iterator[Match[Picture, Picture]]:
        frame = self._waiting[0][0]
        self._read_to(self._due(self._waiting[-1][0]) + self._shift + SEARCH)
        if not self._held:
            self._waiting.popleft()
            return
        self._shift += self._correction()
        self._waiting.popleft()
        partner = self._at(self._due(frame) + self._shift)
        while self._held[0].number < partner.number - 2 * SEARCH:
            self._held.popleft()
        own, self._last = partner.number != self._last, partner.number
        yield Match(frame, partner, own)

    def _due(self, frame: _Frame) -> int:
        """Return the number of the result's frame at the time of a frame."""
        if len(self._times) < 2:
            return frame.number
        at = bisect_left(self._times, frame.time)
        if at == len(self._times):
            # As if the result went on: a shift is counted from there.
            return at - 1 + round((frame.time - self._times[-1]) / (self._times[-1] - self._times[-2]))
        near = [number for number in (at - 1, at) if 0 <= number < len(self._times)]
        return min(near, key=lambda number: abs(self._times[number] - frame.time), default=frame.number)

    def _correction(self) -> int:
        """Return by how many frames the pairs are shifted from here on, by the motion of the frames ahead."""
        moving = [frame for frame, motion in self._waiting if motion >= MIN_MOTION]
        if len(moving) < MIN_MOVING:
            return 0
        present = self._cost(moving, 0)
        steps = sorted(range(-SEARCH, SEARCH + 1), key=abs)
        best = min(steps, key=lambda step: self._cost(moving, step))
        gained = self._cost(moving, best)
        return best if gained < BETTER * present and present - gained > MIN_GAIN else 0

    def _cost(self, moving: Sequence[_Frame], step: int) -> float:
        numbers = [self._due(frame) + self._shift + step for frame in moving]
        pairs = zip(moving, numbers, strict=True)
        return sum(difference(frame.signature, self._at(number).signature) for frame, number in pairs) / len(moving)

    def _at(self, number: int) -> _Frame:
        place = min(max(0, number - self._held[0].number), len(self._held) - 1)
        return self._held[place]

    def _read_to(self, number: int) -> None:
        while not self._held or self._held[-1].number < number:
            frame = next(self._cleaned, None)
            if frame is None:
                return
            self._held.append(frame)
