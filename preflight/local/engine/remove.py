"""The whole of a removal, in order: scan, fill, encode, report."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO

from preflight.errors import ToolError
from preflight.job import RemovalOptions
from preflight.local.engine import choose, crops, encode, jobs
from preflight.local.engine.frames import Frame, decode, parse_times
from preflight.local.engine.motion import PROXY_WIDTH, Motion
from preflight.local.engine.patches import Spool, paste
from preflight.local.engine.pool import Pool, workers
from preflight.local.engine.report import Quality, describe
from preflight.local.engine.scan import Scan, question, sample_step
from preflight.local.engine.source import Source, inspect
from preflight.local.engine.tracks import Track
from preflight.local.engine.work import Done, Fill

_SCANNED, _FILLED = 0.2, 0.8
Tell = Callable[[float], None]


def remove_text(
    source: Path,
    destination: Path,
    options: RemovalOptions,
    *,
    program: str,
    on_progress: Tell | None = None,
    processes: int | None = None,
) -> dict[str, Any]:
    """Write `source` without its text to `destination` and return a JSON-ready quality report."""
    tell = on_progress or (lambda _: None)
    facts = inspect(source, program)
    beside = encode.companions(facts, program, destination, audio=not options.remove_audio)
    with tempfile.TemporaryDirectory(prefix="preflight-") as name, workers(processes) as pool:
        folder = Path(name)
        tracks, times, motion = scan(facts, program, pool, lambda share: tell(share * _SCANNED))
        chosen = choose.chosen(tracks, options) + choose.asked(options.inpainting_boxes, times, facts)
        quality = Quality()
        with (folder / "patches").open("w+b") as file:
            spool = Spool(file)
            for done in fill(facts, program, pool, folder, chosen, motion, len(times)):
                for patch in done.patches:
                    spool.put(patch)
                quality.add(done)
                tell(_SCANNED + (_FILLED - _SCANNED) * done.job.last / len(times))

            def cleaned() -> Iterator[Frame]:
                for frame in decode(facts, program):
                    tell(_FILLED + (1 - _FILLED) * frame.index / len(times))
                    yield paste(frame, spool.take(frame.index))

            encode.write(cleaned(), times, facts, program, destination, beside)
    tell(1.0)
    return {
        "frames": len(times),
        "rate": round(float(facts.rate), 3),
        "clip": quality.whole(len(times)),
        "tracks": [describe(track, times, facts) | quality.of(track) for track in chosen],
        "kept": [
            describe(t, times, facts) for t in tracks if not any(t.first == c.first and t.box == c.box for c in chosen)
        ],
        "notes": [*_notes(facts), *beside.notes],
    }


def _notes(source: Source) -> list[str]:
    """Return what of the source the result does not keep."""
    notes = []
    if source.deep:
        notes.append(f"picture reduced from {source.pixel_format} to 8-bit 4:2:0")
    if source.interlaced:
        notes.append("interlaced picture turned into whole frames")
    return notes


def scan(source: Source, program: str, pool: Pool, tell: Tell) -> tuple[list[Track], tuple[int, ...], Motion]:
    """Return every track of text in `source`, the time of every frame in units of its time base, and its motion."""
    state = Scan(
        step=sample_step(source.rate),
        size=source.upright,
        finder=lambda frame: pool.submit(question(frame)),
        motion=Motion(scale=PROXY_WIDTH / source.upright[0]),
    )
    expected = float(source.duration * source.rate) if source.duration else 0.0
    with tempfile.TemporaryDirectory(prefix="preflight-") as folder:
        listing = Path(folder) / "times"
        for frame in decode(source, program, times=listing):
            state.feed(frame)
            if expected:
                tell(min(1.0, frame.index / expected))
        times = parse_times(listing.read_text("ascii"))
    if len(times) < state.frames:
        raise ToolError(f"{source.path.name}: {len(times)} timestamps for {state.frames} frames.")
    tracks = [choose.classified(track, state.motion, source.upright[0]) for track in state.finish()]
    return tracks, times[: state.frames], state.motion


def fill(
    source: Source, program: str, pool: Pool, folder: Path, tracks: list[Track], motion: Motion, frames: int
) -> Iterator[Done]:
    """Yield the finished jobs that fill what `tracks` paint, in order of the plan, decoding once."""
    planned = deque(jobs.plan(tracks, motion, frames, *source.upright))
    if not planned:
        return
    ahead = 2 * pool.size
    slots = 2 * jobs.REACH + jobs.LENGTH * (ahead + 2)
    layout = crops.Layout(path=folder / "crops", places=tuple(jobs.places(tracks, *source.upright)), slots=slots)
    running: deque[tuple[jobs.Job, Future[Done]]] = deque()
    with layout.path.open("wb") as file:
        for frame in decode(source, program, stop=planned[-1].known_last + 1):
            # A slot may be written again only when no job that looks at its old frame is under way or planned.
            while running and running[0][0].known_first + slots <= frame.index:
                yield running.popleft()[1].result()
            store(file, layout, frame)
            while planned and planned[0].known_last <= frame.index:
                job = planned.popleft()
                running.append((job, pool.submit(Fill(job=job, layout=layout))))
                while len(running) > ahead:
                    yield running.popleft()[1].result()
    while running:
        yield running.popleft()[1].result()


def store(file: BinaryIO, layout: crops.Layout, frame: Frame) -> None:
    """Store the crops of a frame so that other processes see them."""
    crops.store(file, layout, frame)
    file.flush()
