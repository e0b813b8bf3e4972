"""The stacked proxy: one small video with the source's frame above and the result's below, so both are in step."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.review.subject import ReviewVideo
from preflight.tools import ffmpeg as tool
from preflight.tools import files, process

LONG_SIDE = 960
"""Longest side of each half, in pixels: the width of the stage on a laptop."""

SMALL_LONG_SIDE = 640
"""Longest side of each half for a long video in an offline file, in pixels."""

QUALITY = 26
"""CRF of the proxy: residue of text stays visible at twice its size; 30 hides it (compared by eye)."""

OFFLINE_BYTES = 6_700_000
"""Size of a proxy inside an offline file, in bytes: base64 makes 8.9 MB of it; a page has 10 MB a video, crops too."""

SMALL_ABOVE = 90.0
"""Length of a video at or above which the offline proxy uses the smaller side, in seconds."""

SOUND_RATE = 48_000
"""Bit rate of the proxy's sound, in bit/s."""

ATTEMPTS = 3
"""Encodes after which a proxy that is too large for an offline page is given up."""

_PSNR = re.compile(r"psnr_y:\s*(inf|[\d.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """How a proxy is encoded: the sides of each half in pixels, and the highest bit rate in bit/s, None for any."""

    width: int
    height: int
    max_rate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy and how much each of its frames was changed.

    `changes` has one number a frame: the root mean square difference of source and result over the frame's luma, in
    gray levels; empty for a video that has not been cleaned.
    """

    file: Path
    settings: ProxySettings
    changes: tuple[float, ...]


def choose(size: tuple[int, int], duration: float, *, offline: bool) -> ProxySettings:
    """Return how to encode the proxy of a video of `size` (width, height) pixels and `duration` seconds."""
    long_side = SMALL_LONG_SIDE if offline and duration > SMALL_ABOVE else LONG_SIDE
    scale = min(1.0, long_side / max(size))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in size)
    if not offline:
        return ProxySettings(width=width, height=height, max_rate=None)
    rate = int(OFFLINE_BYTES * 8 / max(1.0, duration)) - SOUND_RATE
    return ProxySettings(width=width, height=height, max_rate=max(40_000, rate))


def make(
    video: ReviewVideo,
    destination: Path,
    *,
    ffmpeg: str,
    offline: bool = False,
    on_progress: Callable[[float], None] | None = None,
    cancel: Cancel | None = None,
) -> Proxy:
    """Make the proxy of a video at `destination`, an MP4. Raises ToolError, DiskFullError, CancelledError."""
    if video.source is None and video.cleaned is None:
        raise ToolError(f"{video.name}: neither the source nor the result is there.", hint="Bring the files back.")
    chosen = choose(video.size, video.duration, offline=offline)
    frames = max(1.0, video.duration * video.rate)
    limit = chosen.max_rate
    with files.scratch(destination.parent) as folder:
        made = folder / "proxy.mp4"
        for _ in range(ATTEMPTS):
            changes: list[float] = []

            def hear(line: str, changes: list[float] = changes) -> None:
                if match := _PSNR.search(line):
                    changes.append(0.0 if match[1] == "inf" else round(255 / 10 ** (float(match[1]) / 20), 3))
                    if on_progress is not None:
                        on_progress(min(1.0, len(changes) / frames))

            done = process.run(_argv(video, chosen, limit, made, ffmpeg), on_line=hear, cancel=cancel)
            if done.status:
                raise tool.failure(done.stderr_tail, status=done.status)
            size = made.stat().st_size
            if limit is None or size <= OFFLINE_BYTES:
                made.replace(destination)
                return Proxy(file=destination, settings=chosen, changes=tuple(changes))
            # The encoder goes over its limit where every frame is new: the excess is taken off.
            limit = int(limit * 0.9 * OFFLINE_BYTES / size)
    raise ToolError(
        f"{video.name} is too long for an offline page: its proxy has {size:,} bytes, the limit is {OFFLINE_BYTES:,}.",
        hint="Open it with `preflight review` without --html.",
    )


def _argv(video: ReviewVideo, chosen: ProxySettings, limit: int | None, made: Path, ffmpeg: str) -> list[str]:
    scale = f"scale={chosen.width}:{chosen.height}:flags=bilinear,setsar=1,format=yuv420p"
    argv = [ffmpeg, *tool.QUIET]
    both = [path for path in (video.source, video.cleaned) if path is not None]
    for path in both:
        if path == video.source and video.offset:
            argv += ["-ss", f"{video.offset:.6f}"]
        argv += [*tool.INPUT_GUARD, "-i", tool.local(path)]
    if len(both) == 2:
        # The same frames of both: those of the result, with the source's frame of that time.
        graph = (
            f"[0:v:0]{scale},split[a][c];[1:v:0]{scale},split[b][d];"
            f"[c][d]psnr=stats_file=-:shortest=1,nullsink;"
            "[a][b]vstack=shortest=1[out]"
        )
    else:
        graph = f"[0:v:0]{scale}[out]"
    argv += ["-filter_complex", graph, "-map", "[out]", "-map", f"{len(both) - 1}:a:0?"]
    argv += ["-c:v", "libx264", "-preset", "superfast", "-crf", str(QUALITY), "-g", "30", "-pix_fmt", "yuv420p"]
    argv += ["-fps_mode", "passthrough"]
    if limit is not None:
        argv += ["-maxrate", str(limit), "-bufsize", str(2 * limit)]
    argv += ["-c:a", "aac", "-ac", "1", "-b:a", str(SOUND_RATE), "-map_metadata", "-1", "-map_chapters", "-1"]
    return [*argv, "-movflags", "+faststart", tool.local(made)]
