"""Memory and processor time of reading a manifest of many lines: neither rows nor futures may be kept.

Usage: python -m benchmarks.manifest_memory [lines ...]. Each count is read in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

from preflight.settings import Settings
from preflight.workflow.source_list import expand_sources

COUNTS = (1_000, 100_000, 1_000_000)
"""Lines of the manifests when none are named."""

MOST_GROWTH = 8.0
"""Peak memory in MiB by which the longest manifest may exceed the shortest one: the noise of the allocator."""


def write(file: Path, count: int) -> None:
    """Write a manifest of `count` objects of a store."""
    with file.open("w", encoding="utf-8") as lines:
        lines.write("source,name\n")
        for number in range(count):
            lines.write(f"s3://bucket/incoming/{number:08}.mp4,video-{number:08}\n")


def read(file: Path, home: Path) -> tuple[int, float, float]:
    """Return how many videos a manifest has, the processor seconds of reading it and the peak memory in MiB."""
    start = time.process_time()
    count = sum(1 for _ in expand_sources([str(file)], Settings(home=home)))
    used = time.process_time() - start
    return count, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print a line for each count, and return 1 when memory grew with it."""
    counts = sorted(int(text) for text in sys.argv[1:]) or list(COUNTS)
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            file = Path(folder, f"{count}.csv")
            write(file, count)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found, used, peak = pool.apply(read, (file, Path(folder)))
            if found != count:
                print(f"{found} of {count} lines were read")
                return 1
            peaks.append(peak)
            print(f"{count:>10,} lines: {peak:6.1f} MiB peak, {1e6 * used / count:6.1f} us of CPU a line", flush=True)
    growth = peaks[-1] - peaks[0]
    print(f"growth: {growth:.1f} MiB (goal {MOST_GROWTH:.0f})")
    return 0 if growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
