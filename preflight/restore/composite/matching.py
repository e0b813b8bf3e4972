"""Which frame of the service's file belongs to which frame sent: by content, and by time where it moves little.

A path through the matrix of differences, by dynamic programming with a fixed lag (Viterbi 1967): from frame to frame
the service's file goes on by one frame, by none (one was dropped) or by more (some were inserted).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.restore.composite.frames import Samples

SIGNATURE_WIDTH = 128
"""Samples across of the small picture that stands for a frame."""
SIGNATURE_HEIGHT = 72
"""Samples down of it."""
LAG = 12
"""Frames that are looked at before the match of a frame is settled."""
SEARCH = 6
"""Frames to both sides of the expected one among which the match is searched."""
START_SEARCH = 30
"""The same for the first frames: a service's file may begin late or early."""
START_FRAMES = 36
"""Frames sent that are the first ones."""
JUMP_COST = 0.25
"""Mean gray levels that a dropped or an inserted frame has to explain to be believed."""
NOISE_FACTOR = 3.0
"""Times the usual scatter of the smallest differences that it has to explain at least."""
TIME_COST = 0.02
"""Mean gray levels for each frame by which times differ; decides only where the content doesn't."""
_CAP = 24.0
"""Gray levels at which a difference is cut, so that removed text doesn't outweigh motion."""

Signature = NDArray[np.float32]
_A = TypeVar("_A")
_B = TypeVar("_B")


class Timed(NamedTuple, Generic[_A]):
    """A frame with its number and its time in seconds."""

    number: int
    time: Fraction
    frame: _A
    signature: Signature


@dataclass(frozen=True, slots=True)
class Match(Generic[_A, _B]):
    """A frame that was sent, and the service's frame for it.

    `own` is False where the service has no frame of its own for it, so that it shares a neighbour's. `inserted` counts
    the service's frames that were passed over before it.
    """

    sent: Timed[_A]
    cleaned: Timed[_B]
    own: bool = True
    inserted: int = 0


def signature(luma: Samples) -> Signature:
    """Return the small picture that stands for a frame."""
    small: Signature = cv2.resize(luma, (SIGNATURE_WIDTH, SIGNATURE_HEIGHT), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    return small


def difference(one: Signature, other: Signature) -> float:
    """Return the mean difference of two frames in gray levels, each sample's cut at a cap.

    What both differ by as a whole is no difference: a service may change the brightness. It is the median over the
    samples of their differences; medians of each frame lie far apart where flat areas of a slide tip them over.
    """
    apart = one - other
    return float(np.minimum(np.abs(apart - np.median(apart)), _CAP).mean())


@dataclass(frozen=True, slots=True)
class _Column:
    """The costs of matching one sent frame with the service's frames from number `first` on, and the way back."""

    first: int
    costs: list[float]
    differences: list[float]
    back: list[int]


class Matcher(Generic[_A, _B]):
    """Matches two streams of frames in order. Holds `LAG` frames of the one and a window of the other."""

    def __init__(self, sent: Iterable[Timed[_A]], cleaned: Iterable[Timed[_B]], *, frame: Fraction) -> None:
        self._sent = iter(sent)
        self._cleaned = iter(cleaned)
        self._frame = float(frame)
        self._held: deque[Timed[_B]] = deque()
        self._ended = False
        self._columns: deque[tuple[Timed[_A], _Column]] = deque()
        self._best = 0
        self._smallest: deque[float] = deque(maxlen=48)
        self._last: tuple[int, float] | None = None
        self._settled = 0
        self._added = 0

    def matches(self) -> Iterator[Match[_A, _B]]:
        """Yield a match for every frame sent; none at all where the service's file has no frame."""
        pending: deque[tuple[Timed[_A], int, float]] = deque()
        for frame in self._sent:
            if not self._add(frame):
                return
            if len(self._columns) > LAG:
                pending.append(self._settle())
            # Which of the frames that share one it belongs to is known when all of them are.
            while pending and (pending[-1][1] != pending[0][1] or len(pending) > LAG):
                yield self._match(pending)
        while self._columns:
            pending.append(self._settle())
        while pending:
            yield self._match(pending)

    def _match(self, pending: deque[tuple[Timed[_A], int, float]]) -> Match[_A, _B]:
        """Return the match of the first pending frame, whose successor is known unless it is the last."""
        sent, number, cost = pending.popleft()
        last = self._last
        shared = last is not None and last[0] == number
        smallest = last[1] if shared and last is not None else float("inf")
        # Of frames that share one, it belongs to the most alike.
        own = cost < smallest and not any(other == number and less < cost for _, other, less in pending)
        inserted = 0 if last is None else max(0, number - last[0] - 1)
        self._last = (number, min(cost, smallest))
        while self._held[0].number < number - (START_SEARCH if self._added <= START_FRAMES + LAG else SEARCH):
            self._held.popleft()
        return Match(sent, self._held[number - self._held[0].number], own, inserted)

    def _add(self, frame: Timed[_A]) -> bool:
        """Compute the costs of a frame's matches. Returns False when there is nothing to match with."""
        middle = self._best + 1 if self._columns else 0
        self._added += 1
        reach = START_SEARCH if self._added <= START_FRAMES else SEARCH
        self._read_to(middle + reach)
        if not self._held:
            return False
        last = self._held[-1].number
        middle = min(middle, last)
        first = max(self._held[0].number, middle - reach)
        numbers = range(first, min(last, middle + reach) + 1)
        differences = [difference(frame.signature, self._of(number).signature) for number in numbers]
        self._smallest.append(min(differences))
        own = [
            value + TIME_COST * min(6.0, abs(float(self._of(number).time - frame.time)) / self._frame)
            for number, value in zip(numbers, differences, strict=True)
        ]
        column = _Column(first, own, differences, [0] * len(own))
        if self._columns:
            self._connect(self._columns[-1][1], column)
        self._columns.append((frame, column))
        self._best = first + int(np.argmin(column.costs))
        return True

    def _connect(self, before: _Column, column: _Column) -> None:
        jump = JUMP_COST + NOISE_FACTOR * float(np.std(self._smallest)) if len(self._smallest) > 3 else JUMP_COST
        jump = min(jump, 4 * JUMP_COST)
        # Sums that grow without end lose their digits.
        base = min(before.costs)
        for place in range(len(column.costs)):
            number = column.first + place
            best, chosen = float("inf"), 0
            for earlier, cost in enumerate(before.costs):
                step = number - (before.first + earlier)
                if step < 0:
                    break
                # Frames before the file's first one are not dropped one by one.
                free = step == 1 or (step == 0 and number == 0)
                total = cost - base + (0.0 if free else jump * (1 if step == 0 else step - 1))
                if total < best:
                    best, chosen = total, earlier
            column.costs[place] += best
            column.back[place] = chosen

    def _settle(self) -> tuple[Timed[_A], int, float]:
        """Return the oldest frame with its match on the path that is the best so far."""
        place = int(np.argmin(self._columns[-1][1].costs))
        for at in range(len(self._columns) - 1, 0, -1):
            place = self._columns[at][1].back[place]
        frame, column = self._columns.popleft()
        # A path that is only now the best may have begun behind the frame that was settled before.
        self._settled = max(self._settled, column.first + place)
        return frame, self._settled, column.differences[min(self._settled - column.first, len(column.costs) - 1)]

    def _of(self, number: int) -> Timed[_B]:
        return self._held[number - self._held[0].number]

    def _read_to(self, number: int) -> None:
        while not self._ended and (not self._held or self._held[-1].number < number):
            frame = next(self._cleaned, None)
            if frame is None:
                self._ended = True
            else:
                self._held.append(frame)
