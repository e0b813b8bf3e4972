"""702: the container is not taken, the name says another one, or there is no picture in it."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Container, Media, StreamKind
from preflight.model.report import Code, Finding
from preflight.rules import wording

# A name that promises the wider format keeps its promise: MP4 and QuickTime readers are one and the same, and a WebM
# file is a Matroska file. The other way round it is not so: a WebM reader may refuse what else Matroska can hold.
_NAMES: dict[Container, frozenset[str]] = {
    Container.MP4: frozenset({"mp4", "mov"}),
    Container.MOV: frozenset({"mov", "mp4"}),
    Container.WEBM: frozenset({"webm", "mkv"}),
    Container.MKV: frozenset({"mkv"}),
    Container.AVI: frozenset({"avi"}),
}


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield what is wrong with the container, the name and the presence of a picture.

    Args:
        media: the file's facts.
        limits: the limits to keep.
    """
    limit = wording.names(limits.containers)
    if media.video is None:
        yield _no_video(media, limit)
    if media.container not in limits.containers:
        content = "that of another container" if media.container is Container.OTHER else str(media.container)
        yield Finding(
            rule="container",
            code=Code.FORMAT,
            message=f"Its content is {content}; the service takes {limit} ({wording.source(limits, 'containers')}).",
            measured=str(media.container),
            limit=limit,
            fix="Remux it to mp4, or encode what mp4 can't hold." if media.video else None,
            command=wording.command(media, "fix"),
        )
    elif media.extension not in _NAMES.get(media.container, frozenset({str(media.container)})):
        yield _misnamed(media, limit)


def _misnamed(media: Media, limit: str) -> Finding:
    named = f"its name ends in .{media.extension}" if media.extension else "its name has no extension"
    return Finding(
        rule="container-name",
        code=Code.FORMAT,
        message=f"Its content is {media.container}, but {named}; the service sees a URL that ends in the name.",
        measured=f".{media.extension}" if media.extension else "no extension",
        limit=limit,
        fix=f"Rename it to .{media.container}." if media.video else None,
        command=wording.command(media, "fix"),
    )


def _no_video(media: Media, limit: str) -> Finding:
    cover = any(s.kind is StreamKind.COVER for s in media.streams)
    held = "sound and a cover picture" if cover else "sound" if media.audio else "other data"
    return Finding(
        rule="no-video",
        code=Code.FORMAT,
        message=f"There is no video stream in it, only {held}.",
        measured="no video stream",
        limit=f"a video in {limit}",
    )
