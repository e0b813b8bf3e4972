"""Advisories on how the file is laid out and what it holds beside the video."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Container, Media, StreamKind
from preflight.model.report import Finding
from preflight.rules.advisory import advisory

MANY_STREAMS = 4
"""More than a video, two languages and subtitles."""


def check(media: Media, _: Limits) -> Iterator[Finding]:
    """Yield advisories on brand, order of boxes, index, sound and number of streams."""
    if media.container is Container.MOV and media.extension == "mp4":
        message = "It is a QuickTime file named .mp4: most readers take it, a strict one may not."
        fix = "Rename it to .mov."
        yield advisory("quicktime-brand", message, measured="brand qt", usual="an MP4 brand", fix=fix)
    if media.faststart is False:
        message = "Its index (moov) is behind the data: a reader over HTTP has to fetch the end first."
        yield advisory(
            "moov-at-end", message, measured="moov at the end", usual="moov first", fix="A remux puts it first."
        )
    if media.indexed is False:
        message = "It has no usable index: its length was found by reading on, and seeking in it is slow."
        yield advisory("no-index", message, measured="no index", usual="an index", fix="A remux writes one.")
    if media.video is None:
        return
    if not media.audio:
        yield advisory("no-audio", "There is no sound in it.", measured="no audio stream", usual="one audio stream")
    streams = [s for s in media.streams if s.kind is not StreamKind.COVER]
    if len(streams) > MANY_STREAMS:
        message = f"It holds {len(streams)} streams; the result will keep one video and the sound at most."
        yield advisory("many-streams", message, measured=f"{len(streams)} streams", usual=f"up to {MANY_STREAMS}")
