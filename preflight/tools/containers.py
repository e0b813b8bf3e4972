"""Which codecs a container can hold, and how ffmpeg names a file's streams. Pure."""

from __future__ import annotations

from preflight.model.media import AudioStream, Container, Media, Stream, StreamKind

EXTENSIONS = {
    Container.MP4: "mp4",
    Container.MOV: "mov",
    Container.WEBM: "webm",
    Container.AVI: "avi",
    Container.MKV: "mkv",
}
"""The name that the service expects of each container that it takes."""

MP4_PICTURES = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video"})
"""Video codecs that MP4 holds and players play from it."""
_PCM_MKV = frozenset(
    f"pcm_{form}" for form in ("u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f64le")
)
"""Forms of uncompressed audio that Matroska has names for."""
_MP4_AUDIO = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "opus", "alac", "flac", "dts"})
MOV_PICTURES = MP4_PICTURES - {"av1", "vp9"} | {"prores", "mjpeg", "dnxhd", "dvvideo", "qtrle", "cinepak"}
"""Video codecs that QuickTime holds."""
_MKV_AUDIO = _PCM_MKV | {
    "aac", "mp3", "mp2", "mp1", "ac3", "eac3", "opus", "vorbis", "alac", "flac", "dts", "truehd", "mlp", "wavpack",
    "tta", "amr_nb", "amr_wb", "wmav1", "wmav2", "wmapro", "cook", "cooker",
}  # fmt: skip
_HELD = {
    Container.MP4: {
        StreamKind.VIDEO: MP4_PICTURES,
        StreamKind.AUDIO: _MP4_AUDIO,
        StreamKind.SUBTITLE: frozenset({"mov_text"}),
        StreamKind.COVER: frozenset({"mjpeg", "png"}),
    },
    Container.MOV: {
        StreamKind.VIDEO: MOV_PICTURES,
        StreamKind.AUDIO: _MP4_AUDIO - {"opus", "flac"},
        StreamKind.SUBTITLE: frozenset({"mov_text"}),
    },
    Container.MKV: {
        StreamKind.AUDIO: _MKV_AUDIO,
        StreamKind.SUBTITLE: frozenset(
            {"subrip", "ass", "ssa", "webvtt", "text", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}
        ),
    },
    Container.WEBM: {
        StreamKind.VIDEO: frozenset({"vp8", "vp9", "av1"}),
        StreamKind.AUDIO: frozenset({"opus", "vorbis"}),
        StreamKind.SUBTITLE: frozenset({"webvtt"}),
    },
}
"""Codecs that each muxer takes and that decode from its files; a test tries every pair. MKV takes nearly all video."""
_MKV_VIDEO_REFUSED = frozenset({"gif", "qtrle", "svq1", "svq3", "apng", "webp", "rv20", "unknown", ""})
"""Video codecs that Matroska can't carry, or that don't decode from it."""
_MIN_MP3_RATE = 16_000
"""Hz below which MP3 is MPEG-2.5, which the MP4 muxer refuses."""
_DECODED = _MKV_AUDIO | frozenset(
    {
        "aac_latm",
        "wmalossless", "wmavoice", "ape", "nellymoser", "speex", "gsm", "ra_144", "ra_288", "sipr", "atrac3", "qdm2",
        "qdmc", "mace3", "mace6", "qcelp", "evrc", "adpcm", "pcm_s8", "pcm_f32be", "pcm_f64be", "pcm_alaw", "pcm_mulaw",
    }
)  # fmt: skip
"""Audio codecs that ffmpeg decodes, so that their sound can be encoded anew."""
_WITHOUT_TIMES = frozenset({Container.AVI, Container.MPEG_PS, Container.OTHER})
"""Containers in which packets may have no presentation time."""
_START_CODES = frozenset({Container.MPEG_TS, Container.MPEG_PS, Container.AVI, Container.OTHER})
"""Containers that delimit the units of a packet by start codes; the others write their lengths."""
_FRAMED = frozenset({"h264", "hevc", "vvc", "aac", "av1"})
"""Codecs whose packets differ between the two kinds of container."""
EXPERIMENTAL = frozenset({"flac"})
"""Codecs of audio that the MP4 muxer of ffmpeg 5 takes only with `-strict -2`."""
TIME_CODE = "tmcd"
"""The time code track of QuickTime, which the MP4 and QuickTime muxers write from the file's metadata."""
_LOSSLESS_SOUND = frozenset({"flac", "alac", "truehd", "mlp", "wavpack", "tta", "ape", "wmalossless", "dts"})
_LETTERS = {
    StreamKind.VIDEO: "V",
    StreamKind.AUDIO: "a",
    StreamKind.SUBTITLE: "s",
    StreamKind.DATA: "d",
    StreamKind.ATTACHMENT: "t",
}
TEXT_SUBTITLES = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})


def _is_pcm(codec: str) -> bool:
    return codec.startswith("pcm")


def can_hold(container: Container, stream: Stream, own: Container | None = None) -> bool:
    """Return True when packets of `stream`, which come from a file of the kind `own`, can be copied to `container`."""
    if stream.kind is StreamKind.VIDEO and (container is own or container is Container.MKV):
        return container is own or stream.codec not in _MKV_VIDEO_REFUSED
    if stream.kind is StreamKind.AUDIO and container is own and container in {Container.MOV, Container.AVI}:
        # These muxers write what they don't know under the tag that it came with.
        return True
    if isinstance(stream, AudioStream) and container is Container.MP4 and stream.codec == "mp3":
        return (stream.sample_rate or _MIN_MP3_RATE) >= _MIN_MP3_RATE
    if stream.kind is StreamKind.AUDIO and _is_pcm(stream.codec) and container in {Container.MOV, own}:
        return True
    if stream.kind is StreamKind.ATTACHMENT:
        return container is Container.MKV
    return stream.codec in _HELD.get(container, {}).get(stream.kind, frozenset())


def can_be_decoded(stream: Stream) -> bool:
    """Return True for audio whose codec ffmpeg decodes: known, or a kind of PCM or ADPCM."""
    return stream.codec in _DECODED or stream.codec.startswith(("pcm", "adpcm"))


def reading_options(container: Container) -> dict[str, str]:
    """Return the input options for files that tell when a packet is decoded but not always when it is shown.

    ffmpeg then finds the presentation times by the order of the frames.
    """
    return {"fflags": "+genpts"} if container in _WITHOUT_TIMES else {}


def is_reframed(codec: str, source: Container, target: Container) -> bool:
    """Return True for packets that a copy into another container delimits in another way."""
    return codec in _FRAMED and source in _START_CODES and source is not target


def is_lossless_sound(stream: Stream) -> bool:
    """Return True for sound that an encoder makes several times smaller without being heard."""
    return stream.kind is StreamKind.AUDIO and (_is_pcm(stream.codec) or stream.codec in _LOSSLESS_SOUND)


def is_content(stream: Stream, media: Media) -> bool:
    """Return True for what a viewer sees, hears or reads: no cover, attachment or data, no second picture."""
    return stream is media.video or stream.kind in {StreamKind.AUDIO, StreamKind.SUBTITLE}


def for_remux(media: Media) -> Container | None:
    """Return the container that takes the copied video and audio of `media`: MP4, else MKV, else None.

    Audio that none of them takes counts for neither: it is encoded, or left out where nobody knows its codec.
    """
    content = [
        stream
        for stream in media.streams
        if stream is media.video or (stream.kind is StreamKind.AUDIO and can_hold(Container.MKV, stream))
    ]
    for container in (Container.MP4, Container.MKV):
        if all(can_hold(container, stream) for stream in content):
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
