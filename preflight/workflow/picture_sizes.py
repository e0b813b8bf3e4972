"""The size of a picture as players show it, and of one that an encoder padded."""

from __future__ import annotations

from preflight.errors import InputError
from preflight.model.media import Media, VideoStream

_MACROBLOCK = 8
"""Samples that encoders round sides up to a multiple of: 8 or 16."""


def picture_of(media: Media) -> VideoStream:
    """Return the video stream of a file. Raises InputError when it has none."""
    if media.video is None:
        raise InputError(f"{media.path} has no picture.")
    return media.video


def upright(video: VideoStream) -> tuple[int, int]:
    """Return width and height in samples of a picture as it is shown, its pixel shape not applied."""
    size = (video.width, video.height)
    return size if video.rotation % 180 == 0 else (size[1], size[0])


def unpadded(shown: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return what a picture of the source's `shown` size is in a file of `size`, whose encoder may have padded it."""
    width, height = size
    if width % _MACROBLOCK or height % _MACROBLOCK:
        return size
    for wanted in (
        shown,
        (width, 2 * round(width * shown[1] / shown[0] / 2)),
        (2 * round(height * shown[0] / shown[1] / 2), height),
    ):
        extra = (width - wanted[0], height - wanted[1])
        if extra != (0, 0) and all(0 <= more < 2 * _MACROBLOCK for more in extra) and not any(n % 2 for n in wanted):
            return wanted
    return size
