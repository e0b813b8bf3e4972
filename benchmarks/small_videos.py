"""What a small video costs besides the service: processor seconds and processes of a run against a small cloud.

The cloud answers at once and runs in this process, about 0.01 s a video of it. Videos are 2 s long, 320 pixels wide, of
different content, and the first one, which loads all modules, is not counted.

Usage: python -m benchmarks.small_videos [videos]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures import clips
from preflight.model.job import Succeeded
from preflight.tools import process
from preflight.workflow.batch import run_many
from preflight.workflow.request import RunRequest
from tests.fake_cloud import FakeCloud


def counted(start: Callable[..., Any]) -> tuple[Callable[..., Any], list[str]]:
    """Return a function that starts processes like `start`, and the list that it adds each program to."""
    started: list[str] = []

    def start_one(argv: Any, **options: Any) -> Any:
        started.append(str(argv[0]))
        return start(argv, **options)

    return start_one, started


def main() -> None:
    """Measure and print, without the composite and with it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    process.start, started = counted(process.start)
    for composite in (False, True):
        measure(count, started, composite=composite)


def measure(count: int, started: list[str], *, composite: bool) -> None:
    """Run `count` videos and print what each cost."""
    with tempfile.TemporaryDirectory() as name, FakeCloud() as cloud:
        folder = Path(name)
        videos = [
            clips.clip(folder / f"{number}.mp4", size=(320, 180 + 2 * number), seconds=2) for number in range(count + 1)
        ]
        settings, request = cloud.settings(folder / "home"), RunRequest(output=folder / "out", composite=composite)
        list(run_many(videos[:1], request=request, settings=settings))
        started.clear()
        spent, begun = os.times(), time.monotonic()
        results = list(run_many(videos[1:], request=request, settings=settings, jobs=2))
        now, seconds = os.times(), time.monotonic() - begun
        if not all(isinstance(result, Succeeded) for result in results):
            raise RuntimeError(results)
        own = (now.user + now.system - spent.user - spent.system) / count
        theirs = (now.children_user + now.children_system - spent.children_user - spent.children_system) / count
        kind = ", composed" if composite else ""
        print(
            f"{count} videos{kind}: {own + theirs:.3f} s of CPU each ({own:.3f} Python, {theirs:.3f} processes), "
            f"{len(started) / count:.1f} processes each, {count / seconds:.1f} videos a second"
        )


if __name__ == "__main__":
    main()
