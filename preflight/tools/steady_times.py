"""Correct the times of single frames that ffmpeg reads wrongly from MPEG program streams. Pure.

A program stream has times for some frames only, and ffmpeg may give one to the frame beside the one it belongs to: a
gap of two frame durations, and within a second two frames at one time. Those between belong on the regular grid.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from preflight.tools.packets import PacketTable

_REACH = 40
"""Packets between a gap and the collision that makes up for it."""
_ALIKE = 0.1
"""Share of a frame duration by which the gap and the collision may differ."""
_MIN_STEP = 0.5
"""Share of a frame duration below which two packets collide, and by which a step must be longer for a gap."""
_MAX_RUNS = 60
"""Runs of wrong times beyond which the stream is taken for an irregular one and left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Packets `first` to `last` (numbers in decoding order), which are `shift` ticks later than they are read."""

    first: int
    last: int
    shift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is wrong with the times of a stream.

    `runs` are decoded and shown at wrong times, `shown` are only shown at wrong ones. `unknown` are packets without a
    presentation time, with its distance to the decoding time.
    """

    runs: tuple[Run, ...] = ()
    shown: tuple[Run, ...] = ()
    unknown: tuple[tuple[int, int], ...] = ()

    def applied(self, table: PacketTable) -> PacketTable:
        """Return `table` with the right times."""
        dts, pts = list(table.decoding_times), list(table.times)
        for run in self.runs:
            for number in range(run.first, run.last + 1):
                dts[number] += run.shift
        for run in (*self.runs, *self.shown):
            for number in range(run.first, run.last + 1):
                pts[number] += run.shift
        for number, delay in self.unknown:
            pts[number] = dts[number] + delay
        return table.retimed(dts, pts)

    def expressions(self) -> tuple[str, str]:
        """Return the presentation and the decoding time in the language of the bit stream filter `setts`."""
        shifts, shown = map(_sum, (self.runs, (*self.runs, *self.shown)))
        if not self.unknown:
            return f"PTS{shown}", f"DTS{shifts}"
        known = "+".join(f"eq(N,{number})" for number, _ in self.unknown)
        rest = "".join(f"+eq(N,{number})*(DTS{shifts}+{delay})" for number, delay in self.unknown)
        return f"not({known})*(PTS{shown}){rest}", f"DTS{shifts}"


def _sum(runs: Iterable[Run]) -> str:
    return "".join(f"+between(N,{run.first},{run.last})*({run.shift})" for run in runs)


def correction(table: PacketTable) -> Correction | None:
    """Return what is wrong with the times of a video stream, None where nothing is or where it can't be told."""
    dts = table.decoding_times
    steps = [b - a for a, b in pairwise(dts)]
    if not steps:
        return None
    usual = statistics.median_low(steps)
    if usual <= 0:
        return None
    runs = _runs(steps, usual)
    if len(runs) > _MAX_RUNS:
        return None
    shown = _shown(Correction(runs=tuple(runs)).applied(table), runs)
    unknown = _unknown(Correction(runs=tuple(runs), shown=shown).applied(table), usual)
    return Correction(runs=tuple(runs), shown=shown, unknown=unknown) if runs or unknown else None


def _runs(steps: list[int], usual: int) -> list[Run]:
    """Return the runs of packets between a gap and a collision, in whichever order they come."""
    odd = [
        (number, step - usual)
        for number, step in enumerate(steps, start=1)
        if abs(step - usual) >= _MIN_STEP * usual and step - usual <= (1 + _MIN_STEP) * usual
    ]
    runs = []
    position = 0
    while position + 1 < len(odd):
        (first, excess), (second, other) = odd[position], odd[position + 1]
        if second - first <= _REACH and abs(excess + other) <= _ALIKE * usual:
            runs.append(Run(first=first, last=second - 1, shift=-excess))
            position += 2
        else:
            position += 1
    return runs


def _shown(table: PacketTable, runs: list[Run]) -> tuple[Run, ...]:
    """Return the packets in front of gaps that share their time: where it is not written, ffmpeg takes the next one."""
    counts = Counter(table.times)
    before = [(run.first - 1, run.shift) for run in runs if run.first]
    return tuple(
        Run(first=number, last=number, shift=shift)
        for number, shift in before
        if counts[table.times[number]] > 1 and not counts[table.times[number] + shift]
    )


def _unknown(table: PacketTable, usual: int) -> tuple[tuple[int, int], ...]:
    """Return the last packet where it has no presentation time: such a one is read as its decoding time."""
    times = list(table.times)
    last = len(times) - 1
    if times[last] != table.decoding_times[last] or times.count(times[last]) == 1:
        return ()
    return ((last, max(times) + usual - table.decoding_times[last]),)
