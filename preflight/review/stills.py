"""Single frames of the source and the result: thumbnails, and full-size crops for the zoom."""

from __future__ import annotations

from pathlib import Path

from preflight.errors import ToolError
from preflight.review.subject import Box
from preflight.tools import ffmpeg as tool
from preflight.tools import process

THUMBNAIL_WIDTH = 192
"""Width of a thumbnail in the index, in pixels."""

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def thumbnail(video: Path, time: float, *, ffmpeg: str) -> bytes:
    """Return a small JPEG of the frame at `time` seconds. Raises ToolError."""
    return _frame(video, time, f"scale={THUMBNAIL_WIDTH}:-2", "mjpeg", ("-q:v", "5"), ffmpeg)


def crop(video: Path, time: float, box: Box, *, ffmpeg: str) -> bytes:
    """Return a PNG of a part of the frame at `time` seconds, every pixel as it is. Raises ToolError."""
    left, top, right, bottom = box
    chain = f"crop=w=iw*{right - left:.5f}:h=ih*{bottom - top:.5f}:x=iw*{left:.5f}:y=ih*{top:.5f}:exact=1"
    return _frame(video, time, chain, "png", ("-pix_fmt", "rgb24"), ffmpeg)


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
