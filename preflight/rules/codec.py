"""Advisories on codecs and pixels: the service names containers only, but a decoder may not support all codecs."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Finding
from preflight.rules import wording
from preflight.rules.advisory import advisory

USUAL_VIDEO = frozenset({"h264", "mpeg4", "vp8", "vp9"})
"""Video codecs that decoders of the five containers have supported for ten years."""
USUAL_AUDIO = frozenset({"aac", "mp3", "mp2", "opus", "vorbis", "ac3", "eac3"})
"""Audio codecs that decoders of the five containers have supported for ten years."""

_SAFE = "Encode it to 8-bit H.264."


def check(media: Media, _: Limits) -> Iterator[Finding]:
    """Yield advisories on the video's and the sound's codec, bit depth, chroma format and dynamic range."""
    video = media.video
    if video is None:
        return
    safe = wording.command(media, "fix", "--safe")
    if video.codec not in USUAL_VIDEO:
        message = f"Its video codec is {video.codec}; the service's page does not say that it decodes this one."
        yield advisory("codec", message, measured=video.codec, usual="h264", fix=_SAFE, command=safe)
    if video.color.is_hdr:
        message = f"It is HDR ({video.color.transfer}); a result in SDR would look washed out unless it is tone-mapped."
        yield advisory(
            "hdr", message, measured=str(video.color.transfer), usual="SDR (BT.709)", fix=_SAFE, command=safe
        )
    if video.bit_depth is not None and video.bit_depth > 8:
        message = f"Its pixels have {video.bit_depth} bits a component; many decoders take 8 only."
        yield advisory(
            "bit-depth", message, measured=f"{video.bit_depth} bits", usual="8 bits", fix=_SAFE, command=safe
        )
    if video.chroma not in {None, "4:2:0"}:
        message = f"Its chroma format is {video.chroma}; many decoders take 4:2:0 only."
        yield advisory("chroma", message, measured=str(video.chroma), usual="4:2:0", fix=_SAFE, command=safe)
    odd = sorted({sound.codec for sound in media.audio} - USUAL_AUDIO)
    if odd:
        message = f"Its sound is {', '.join(odd)}; the result's container may not hold it as it is."
        yield advisory(
            "audio-codec", message, measured=", ".join(odd), usual="aac", fix="Encode the sound to AAC.", command=safe
        )
