"""700: the video is too long. The longest of container, video and audio counts, exactly."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Media, StreamKind
from preflight.model.report import Code, Finding
from preflight.rules import wording

_TIMED = frozenset({StreamKind.AUDIO, StreamKind.SUBTITLE, StreamKind.DATA})
"""Kinds of streams that can outlast the video."""


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when the duration is above the limit or is unknown.

    Args:
        media: the file's facts.
        limits: the limits to keep.
    """
    limit = wording.seconds(limits.max_seconds)
    video = media.video
    if media.duration is None and (video is None or video.frame_count == 0):
        # Nothing is shown that could last: that is the finding.
        return
    if media.duration is None:
        yield Finding(
            rule="duration-unknown",
            code=Code.DURATION,
            message="The file does not say how long it is, and reading it did not tell either.",
            measured="unknown",
            limit=limit,
            fix="Remux it, which writes the duration.",
        )
    elif media.duration > limits.max_seconds:
        measured = wording.seconds(media.duration)
        source = wording.source(limits, "max_seconds")
        yield Finding(
            rule="duration",
            code=Code.DURATION,
            message=f"It is {measured} long{_longest(media)}; the limit is {limit} ({source}).",
            measured=measured,
            limit=limit,
            fix=_fix(media, limits),
            command=wording.command(media, "fix"),
        )


def _is_picture_short(media: Media, limits: Limits) -> bool:
    video = media.video
    return video is not None and video.duration is not None and video.duration <= limits.max_seconds


def _longest(media: Media) -> str:
    """Return which stream lasts that long, in brackets, where it is not the video."""
    video = media.video.duration if media.video else None
    others = [s for s in media.streams if s.duration and s.kind in _TIMED]
    longest = max(others, key=lambda stream: stream.duration or 0, default=None)
    if video is None or longest is None or longest.duration is None or longest.duration <= video:
        return ""
    return f" (its {longest.kind} stream; the video is {wording.seconds(video)})"


def _fix(media: Media, limits: Limits) -> str:
    if not _is_picture_short(media, limits):
        return "Split it into segments, or keep one stretch of it with --trim START-END."
    if any(sound.duration and sound.duration > limits.max_seconds for sound in media.audio):
        return "End the sound where the video ends: no picture is lost."
    return "End the other streams where the video ends: no picture is lost."
