"""The whole of a removal, in order: scan, fill, encode, report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from preflight.errors import ToolError
from preflight.job import RemovalOptions
from preflight.local.engine import encode, spatial
from preflight.local.engine.frames import Frame, decode, parse_times
from preflight.local.engine.models import Reading
from preflight.local.engine.scan import Scan, sample_step
from preflight.local.engine.source import Source, inspect
from preflight.local.engine.tracks import Track, believable

_SCAN_SHARE = 0.3


def remove_text(
    source: Path,
    destination: Path,
    options: RemovalOptions,
    *,
    program: str,
    on_progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Write `source` without its text to `destination` and return a JSON-ready quality report."""
    tell = on_progress or (lambda _: None)
    facts = inspect(source, program)
    tracks, times = scan(facts, program, lambda share: tell(share * _SCAN_SHARE))
    wanted = [track for track in tracks if believable(Reading(track.text, track.score))]
    beside = encode.companions(facts, program, destination, audio=not options.remove_audio)

    def cleaned() -> Iterator[Frame]:
        for frame in decode(facts, program):
            tell(_SCAN_SHARE + (1 - _SCAN_SHARE) * frame.index / max(1, len(times)))
            yield spatial.fill(frame, [track for track in wanted if track.first <= frame.index <= track.last])

    encode.write(cleaned(), times, facts, program, destination, beside)
    tell(1.0)
    return {
        "frames": len(times),
        "tracks": [describe(track, times, facts) for track in wanted],
        "notes": list(beside.notes),
    }


def scan(source: Source, program: str, tell: Callable[[float], None]) -> tuple[list[Track], tuple[int, ...]]:
    """Return every track of text in `source` and the time of every frame, in units of its time base."""
    state = Scan(step=sample_step(source.rate), size=source.upright)
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
    return state.finish(), times[: state.frames]


def describe(track: Track, times: tuple[int, ...], source: Source) -> dict[str, Any]:
    """Return the facts of a track for the report, times in seconds."""
    return {
        "text": track.text,
        "score": round(track.score, 3),
        "kind": str(track.kind),
        "start": round(float(times[track.first] * source.time_base), 3),
        "end": round(float(times[track.last] * source.time_base + 1 / source.rate), 3),
        "first_frame": track.first,
        "last_frame": track.last,
        "box": [track.line.x0, track.line.y0, track.line.x1, track.line.y1],
    }
