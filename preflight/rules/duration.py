"""700: the video is too long. The longest of container, video and audio counts, exactly."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Media, StreamKind
from preflight.model.report import Code, Finding
from preflight.rules import wording


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when the duration is above the limit or can't be told."""
    limit = wording.seconds(limits.max_seconds)
    if media.duration is None:
        yield Finding(
            rule="duration-unknown",
            code=Code.DURATION,
            message="The file does not say how long it is, and reading it did not tell either.",
            measured="unknown",
            limit=limit,
            fix="Remux it, which writes the duration (`preflight fix`).",
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
        )


def _only_audio(media: Media, limits: Limits) -> bool:
    video = media.video
    return video is not None and video.duration is not None and video.duration <= limits.max_seconds


def _longest(media: Media) -> str:
    sound = max((s.duration for s in media.audio if s.duration), default=None)
    video = media.video.duration if media.video else None
    if sound is not None and sound == media.duration and video is not None and video < sound:
        return f" (its {StreamKind.AUDIO} stream; the video is {wording.seconds(video)})"
    return ""


def _fix(media: Media, limits: Limits) -> str:
    if _only_audio(media, limits):
        return "Trim the sound to the length of the video (`preflight fix --trim`): no picture is lost."
    return "Trim it (`preflight fix --trim`) or split it into segments (`preflight fix --split`)."
