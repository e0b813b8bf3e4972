"""702: the header is in order, yet nothing can be shown: encrypted streams, or a video track without a frame.

A size that changes inside the stream is only an advisory: decoders go on, and most players scale.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Code, Finding
from preflight.rules import wording
from preflight.rules.deep_read import size_change


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield findings on encryption, on a video without frames and on several picture sizes in the header.

    Args:
        media: the file's facts.
        limits: the limits to keep.
    """
    limit = f"a video that decodes, in {wording.names(limits.containers)}"
    kinds = tuple(dict.fromkeys(str(stream.kind) for stream in media.streams if stream.encrypted))
    if kinds:
        yield Finding(
            rule="encrypted",
            code=Code.FORMAT,
            message=f"Its {' and '.join(kinds)} is encrypted (DRM); nothing can be shown without the key.",
            measured="encrypted",
            limit=limit,
        )
    video = media.video
    if video is None:
        return
    if video.frame_count == 0:
        yield Finding(
            rule="no-frames",
            code=Code.FORMAT,
            message="Its video stream has no frame: the header stands alone.",
            measured="0 frames",
            limit=limit,
        )
    if video.sizes and not media.reading:
        yield size_change(video.sizes)
