"""What a finished file has to hold: the frames of the cleaned segments and the source's own sound and subtitles."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from preflight.events import Cancel
from preflight.model.job import Fixed
from preflight.model.media import Container, Media, Stream, StreamKind
from preflight.tools import containers, proof
from preflight.tools.packets import Listing
from preflight.tools.proof import KeptStream

_MAX_DENOMINATOR = 10**6
"""Of the fractions that segment times, which are floats, stand for."""


def is_kept(stream: Stream, source: Media, target: Container, *, keep_audio: bool) -> bool:
    """Return True for sound and subtitles of the source that the finished file can hold."""
    wanted = stream.kind is StreamKind.SUBTITLE or (stream.kind is StreamKind.AUDIO and keep_audio)
    return wanted and containers.can_hold(target, stream, source.container)


def promises(
    picture: Path,
    video: Listing,
    fixed: Fixed,
    target: Container,
    *,
    offset: Fraction,
    keep_audio: bool,
    ffmpeg: str,
    cancel: Cancel | None = None,
) -> list[KeptStream]:
    """Return the streams of the finished file: the `video` of `picture`, later by `offset` seconds, and the source's.

    All times are those of the finished file, so that a shift between sound and video is noticed. Raises ToolError.
    """
    source = fixed.source
    head = video.heads[0]
    later = round(offset / head.time_base)
    made = [
        KeptStream(
            name="the video",
            kind=StreamKind.VIDEO,
            head=head,
            expected=video.of(0).shifted(later),
            copied=True,
            reframed=True,
            matrix=proof.display_matrix(picture, Container(picture.suffix[1:].lower())),
        )
    ]
    kept = [stream for stream in source.streams if is_kept(stream, source, target, keep_audio=keep_audio)]
    if not kept:
        return made
    names = [containers.specifier(source, stream.index) for stream in kept]
    listing = proof.reference(source.path, source.container, names, ffmpeg=ffmpeg, cancel=cancel)
    return [*made, *(_source_stream(stream, number, listing, fixed, target) for number, stream in enumerate(kept))]


def _source_stream(stream: Stream, number: int, listing: Listing, fixed: Fixed, target: Container) -> KeptStream:
    head = listing.heads[number]
    start, end = Fraction(0), None
    if fixed.plan.trim is not None:
        start = Fraction(fixed.segments[0].start).limit_denominator(_MAX_DENOMINATOR)
        end = fixed.plan.trim[1]
    earlier = round(start / head.time_base)
    kept = proof.packets_between(listing.of(number), head.time_base, start=start, end=end)
    return KeptStream(
        name=f"{stream.kind} stream {number + 1}",
        kind=stream.kind,
        head=head,
        expected=kept.shifted(-earlier),
        copied=True,
        reframed=fixed.source.container is not target,
        uncompressed=stream.codec.startswith("pcm"),
    )
