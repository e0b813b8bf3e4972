"""Which codecs a container can hold, and how ffmpeg names a file's streams. Pure."""

from __future__ import annotations

from preflight.model.media import Container, Media, Stream, StreamKind

EXTENSIONS = {
    Container.MP4: "mp4",
    Container.MOV: "mov",
    Container.WEBM: "webm",
    Container.AVI: "avi",
    Container.MKV: "mkv",
}
"""The name that the service expects of each container that it takes."""

MP4_PICTURES = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video"})
"""Codecs of pictures that MP4 holds."""
_MP4 = {
    StreamKind.VIDEO: MP4_PICTURES,
    StreamKind.AUDIO: frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "opus", "alac", "flac"}),
    StreamKind.SUBTITLE: frozenset({"mov_text"}),
}
_MOV = {
    StreamKind.VIDEO: _MP4[StreamKind.VIDEO] | {"prores", "mjpeg", "dnxhd", "dvvideo", "qtrle", "cinepak", "svq3"},
    StreamKind.AUDIO: _MP4[StreamKind.AUDIO] - {"opus", "flac"},
    StreamKind.SUBTITLE: _MP4[StreamKind.SUBTITLE],
}
_LOSSLESS_SOUND = frozenset({"flac", "alac", "truehd", "mlp", "wavpack", "tta", "ape", "wmalossless", "dts"})
_LETTERS = {
    StreamKind.VIDEO: "V",
    StreamKind.AUDIO: "a",
    StreamKind.SUBTITLE: "s",
    StreamKind.DATA: "d",
    StreamKind.ATTACHMENT: "t",
}
_MKV_CANNOT = frozenset({"gif", "mov_text", "unknown", ""})
TEXT_SUBTITLES = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})


def _is_pcm(codec: str) -> bool:
    return codec.startswith("pcm")


def holds(container: Container, stream: Stream, own: Container | None = None) -> bool:
    """Return True when packets of `stream`, which come from a file of the kind `own`, can be copied to `container`."""
    if container is own and stream.kind in {StreamKind.VIDEO, StreamKind.AUDIO, StreamKind.SUBTITLE}:
        return True
    if container is Container.MKV:
        kinds = {StreamKind.VIDEO, StreamKind.AUDIO, StreamKind.SUBTITLE, StreamKind.ATTACHMENT}
        return stream.kind in kinds and stream.codec not in _MKV_CANNOT
    if container is Container.MOV and stream.kind is StreamKind.AUDIO and _is_pcm(stream.codec):
        return True
    table = {Container.MP4: _MP4, Container.MOV: _MOV}.get(container, {})
    return stream.codec in table.get(stream.kind, frozenset())


def is_lossless_sound(stream: Stream) -> bool:
    """Return True for sound that an encoder makes several times smaller without being heard."""
    return stream.kind is StreamKind.AUDIO and (_is_pcm(stream.codec) or stream.codec in _LOSSLESS_SOUND)


def is_content(stream: Stream, media: Media) -> bool:
    """Return True for what a viewer sees, hears or reads: no cover, attachment or data, no second picture."""
    return stream is media.video or stream.kind in {StreamKind.AUDIO, StreamKind.SUBTITLE}


def for_remux(media: Media) -> Container | None:
    """Return the container that takes the copied picture and sound of `media`: MP4, else MKV, else None."""
    content = [s for s in media.streams if s is media.video or s.kind is StreamKind.AUDIO]
    for container in (Container.MP4, Container.MKV):
        if all(holds(container, stream) for stream in content):
            return container
    return None


def for_encode(media: Media, allowed: tuple[Container, ...]) -> Container:
    """Return the container for an encoded picture: the source's own where H.264 is at home in it, else MP4."""
    own = media.container
    return own if own in {Container.MP4, Container.MOV, Container.MKV} and own in allowed else Container.MP4


def specifier(source: Media, index: int) -> str:
    """Return ffmpeg's name of a stream: its kind and its number among that kind.

    Plain numbers would not do: readers count hidden streams (chapters, time codes) differently.
    """
    stream = next(s for s in source.streams if s.index == index)
    # To ffmpeg a cover is one of all the videos, and `V` are those that are none.
    kinds = {stream.kind, StreamKind.VIDEO} if stream.kind is StreamKind.COVER else {stream.kind}
    same = [s.index for s in source.streams if s.kind in kinds]
    return f"{_LETTERS.get(stream.kind, 'v')}:{same.index(index)}"
