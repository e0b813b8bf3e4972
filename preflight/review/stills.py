"""Single frames of a video: thumbnails of the index, and full-size crops for the zoom."""

from __future__ import annotations

from pathlib import Path

from preflight.errors import ToolError
from preflight.review.subject import Box
from preflight.tools import ffmpeg as tool
from preflight.tools import process

THUMBNAIL_WIDTH = 192
"""Width of a thumbnail in the index, in pixels."""

CROP_QUALITY = "2"
"""`-q:v` of a crop's JPEG, the best but one: its own coding noise must not be taken for the video's."""

SMALLEST_CROP = 16
"""Shortest side of a crop, in pixels."""


def thumbnail(video: Path, time: float, *, ffmpeg: str) -> bytes:
    """Return a small JPEG of the frame at `time` seconds. Raises ToolError."""
    return _frame(video, time, f"scale={THUMBNAIL_WIDTH}:-2", "mjpeg", ("-q:v", "5"), ffmpeg)


def crop(video: Path, time: float, box: Box, *, ffmpeg: str) -> bytes:
    """Return a PNG of a part of the frame at `time` seconds, in the pixels of the file. Raises ToolError.

    Args:
        video: The source or the result.
        time: In seconds of the file; the first frame at or behind it is taken.
        box: The part, in 0..1 of the picture.
        ffmpeg: The program.
    """
    left, top, right, bottom = box
    # Wide pixels become square first, so that the box of a player's picture is that of the file.
    size = f"w=max({SMALLEST_CROP}\\,iw*{right - left:.5f}):h=max({SMALLEST_CROP}\\,ih*{bottom - top:.5f})"
    chain = (
        f"scale=w='if(gt(sar,1),iw*sar,iw)':h='if(lt(sar,1)*gt(sar,0),ih/sar,ih)',setsar=1,"
        f"crop={size}:x=iw*{left:.5f}:y=ih*{top:.5f}:exact=1"
    )
    return _frame(video, time, chain, "png", ("-compression_level", "1", "-pix_fmt", "rgb24"), ffmpeg)


def small_crop(video: Path, time: float, box: Box, *, ffmpeg: str) -> bytes:
    """Return what `crop` does as a JPEG, for pages whose size is limited. Raises ToolError."""
    left, top, right, bottom = box
    chain = f"crop=w=iw*{right - left:.5f}:h=ih*{bottom - top:.5f}:x=iw*{left:.5f}:y=ih*{top:.5f}"
    return _frame(video, time, chain, "mjpeg", ("-q:v", CROP_QUALITY), ffmpeg)


def _frame(video: Path, time: float, chain: str, codec: str, options: tuple[str, ...], ffmpeg: str) -> bytes:
    """Return the frame at `time`, or the last one before it: a seek behind the last keyframe may yield none."""
    for start in (time, max(0.0, time - 10), 0.0):
        argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error", *tool.INPUT_GUARD]
        argv += ["-ss", f"{max(0.0, start):.6f}", "-i", tool.local(video), "-map", "0:V:0", "-vf", f"{chain},setsar=1"]
        argv += ["-frames:v", "1", "-c:v", codec, *options, "-f", "image2pipe", "pipe:1"]
        done = process.run(argv, timeout=60)
        if done.status == 0 and done.stdout:
            return done.stdout
    raise ToolError(f"{video.name} has no frame at {time:.3f} s.", hint="Check it with `preflight check --deep`.")
