"""Probe a video that is elsewhere: only the ranges that the parsers ask for are read.

The parser sees a sparse file of the same size and notes where it reads. The first place without data is then filled,
and it reads again, until it has seen nothing but what was filled. So the sandbox needs no network, and every byte that
counts was really read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from preflight.model.media import Media, Unreadable
from preflight.probe.prober import died, interpret, pooled_prober
from preflight.probe.sandbox_process import WorkerDied

HEAD_READ = 65_536
"""Bytes read at first from the start of a file: the header of most files fits."""

PLACE_READ = 16_384
"""Bytes read at first from each other place: what MediaInfo takes at a time."""

LONGEST_READ = 4 << 20
"""Bytes read at a time when a place turns out to be long, such as the index of a film."""

NEAR = 262_144
"""Bytes between two places up to which all between them is read as well: a request takes longer than that."""

MOST_READS = 128
"""Reads of one video. A file that sends the parser to more places than that is refused."""


class Ranges:
    """The ranges of a file that were filled, and what was read for them."""

    def __init__(self, size: int, read: Callable[[int, int], bytes], file: Path) -> None:
        self.size = size
        self.bytes_read = 0
        self._read = read
        self._file = file
        self._filled: list[tuple[int, int]] = []

    def first_missing(self, reads: list[tuple[int, int]]) -> int | None:
        """Return the first position of `reads` (position, count; in order) that is not filled, None when all are."""
        for start, count in reads:
            position, end = start, min(start + count, self.size)
            while position < end:
                inside = next((stop for begin, stop in self._filled if begin <= position < stop), None)
                if inside is None:
                    return position
                position = inside
        return None

    def fill(self, position: int) -> None:
        """Read from `position` on, or from the filled range that ends just before it, the more the longer that is."""
        before = next(((begin, stop) for begin, stop in self._filled if 0 <= position - stop <= NEAR), None)
        if before is None:
            start, count = position, HEAD_READ if position == 0 else PLACE_READ
        else:
            start = before[1]
            count = max(position + PLACE_READ - start, min(LONGEST_READ, start - before[0]))
            self._filled.remove(before)
        following = min((begin for begin, _ in self._filled if begin > start), default=self.size)
        data = self._read(start, min(count, following - start))
        with self._file.open("r+b") as file:
            file.seek(start)
            file.write(data)
        self.bytes_read += len(data)
        self._filled.append((before[0] if before else start, start + len(data)))


def probe_ranges(path: Path, size: int, read: Callable[[int, int], bytes]) -> Media | Unreadable:
    """Return what the file of `size` bytes is whose bytes `read` returns (position, count), or why it can't be read.

    `path` is how the file is called. The duration of a stream without an index is the estimate of its clocks, since
    only all packets would tell it. Raises what `read` raises, and ToolMissingError without MediaInfo.
    """
    with tempfile.TemporaryDirectory(prefix="preflight-ranges-") as folder, pooled_prober() as prober:
        file = Path(folder) / "file"
        with file.open("xb") as made:
            made.truncate(size)
        ranges = Ranges(size, read, file)
        for _ in range(MOST_READS):
            try:
                facts = prober.ask_tracing(file)
            except WorkerDied as death:
                return died(path, timed_out=death.timed_out)
            missing = ranges.first_missing([(start, count) for start, count in facts.pop("reads", ())])
            if missing is None:
                return interpret(path, facts)
            ranges.fill(missing)
    return died(path, timed_out=True)
