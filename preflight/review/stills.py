"""Thumbnails of the index."""

from __future__ import annotations

from pathlib import Path

from preflight.errors import ToolError
from preflight.tools import ffmpeg as tool
from preflight.tools import process

THUMBNAIL_WIDTH = 192
"""Width of a thumbnail in the index, in pixels."""


def thumbnail(video: Path, time: float, *, ffmpeg: str) -> bytes:
    """Return a small JPEG of the frame at `time` seconds. Raises ToolError."""
    return _frame(video, time, f"scale={THUMBNAIL_WIDTH}:-2", "mjpeg", ("-q:v", "5"), ffmpeg)


def _frame(video: Path, time: float, chain: str, codec: str, options: tuple[str, ...], ffmpeg: str) -> bytes:
    """Return the frame at `time`, or the last one before it: a seek behind the last keyframe may yield none."""
    for start in (time, max(0.0, time - 10), 0.0):
        argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error", *tool.INPUT_GUARD]
        argv += ["-ss", f"{max(0.0, start):.3f}", "-i", tool.local(video), "-map", "0:V:0", "-vf", f"{chain},setsar=1"]
        argv += ["-frames:v", "1", "-c:v", codec, *options, "-f", "image2pipe", "pipe:1"]
        done = process.run(argv, timeout=60)
        if done.status == 0 and done.stdout:
            return done.stdout
    raise ToolError(f"{video.name} has no frame at {time:.3f} s.", hint="Check it with `preflight check --deep`.")
