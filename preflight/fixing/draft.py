"""A plan in the making: the facts, the request, what was decided so far, and what the file would be then. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from preflight.fixing import bit_budget
from preflight.model.limits import Limits
from preflight.model.media import AudioStream, Container, Media, Stream, VideoStream
from preflight.model.plan import Action, AudioEncode, Policy, Step, VideoEncode
from preflight.model.report import Report
from preflight.tools import containers

ASSUMED_SOUND_RATE = 192_000
"""Bits/s taken for a sound stream whose rate the file does not tell."""
SOUND = AudioEncode()
MAX_CHANNELS = 8
"""Channels of audio that the encoder takes; what has more is copied or left out."""


class RefusedError(Exception):
    """Carries the reason why nothing that is allowed makes the file pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixRequest:
    """What the person asked for."""

    policy: Policy
    encode: VideoEncode
    trim: tuple[Fraction, Fraction] | None = None
    safe: bool = False


@dataclass(slots=True)
class Draft:
    """Decisions are added in rising order of loss; the properties tell what they lead to."""

    report: Report
    media: Media
    request: FixRequest
    container: Container
    steps: list[Step] = field(default_factory=list)
    video: VideoEncode | None = None
    trim: tuple[Fraction, Fraction] | None = None
    audio_end: Fraction | None = None
    ends_lines: bool = False
    encode_sound: bool = False
    drop_rest: bool = False
    cuts: tuple[Fraction, ...] = ()

    @property
    def limits(self) -> Limits:
        """The limits to keep."""
        return self.report.limits

    @property
    def picture(self) -> VideoStream:
        """The video stream. Raises RefusedError when there is none."""
        if self.media.video is None:
            raise RefusedError(f"{self.media.path} has no video stream, so there is no picture to remove text from.")
        return self.media.video

    @property
    def whole(self) -> Fraction:
        """The length of the source in seconds, without sound that is going to be cut off; 0 when unknown."""
        if self.audio_end is not None:
            return max(self.audio_end, self.picture.duration or Fraction(0))
        return self.media.duration or Fraction(0)

    @property
    def seconds(self) -> Fraction:
        """How much of the source is kept."""
        return self.trim[1] - self.trim[0] if self.trim else self.whole

    @property
    def target(self) -> Container:
        """The container of the result."""
        if self.video is None:
            return self.container
        return containers.for_encode(replace(self.media, container=self.container), self.limits.containers)

    @property
    def copied_bytes(self) -> int:
        """What the result takes while the picture is copied."""
        size = Fraction(self.media.size)
        if self.drop_rest:
            size = min(size, Fraction(self.content_bytes or self.media.size))
        if self.encode_sound:
            size -= sum(self.saved_by_sound(stream) for stream in self.media.audio)
        # Sound that is cut off behind the picture is not counted as saved: its rate is not known to the byte.
        share = self.seconds / self.media.duration if self.trim and self.media.duration else Fraction(1)
        return int(size * min(share, Fraction(1)))

    @property
    def content_bytes(self) -> int | None:
        """What picture and sound alone take, or None when the file does not tell all their rates."""
        content = [s for s in self.media.streams if containers.is_content(s, self.media)]
        rates = [s.bit_rate for s in content]
        length = self.media.duration
        if length is None or any(rate is None for rate in rates):
            return None
        bits = sum((Fraction(rate or 0) for rate in rates), Fraction(0)) * length
        return int(bits / 8) + bit_budget.mux_bytes(length, self.picture.frame_rate, len(self.media.audio))

    @property
    def sound_bytes(self) -> int:
        """What the sound of the result takes in the longest segment."""
        seconds = self.longest
        return int(sum((Fraction(self.sound_rate(s)) * seconds / 8 for s in self.media.audio), Fraction(0)))

    @property
    def longest(self) -> Fraction:
        """The length of the longest segment, in seconds."""
        if not self.cuts:
            return self.seconds
        start = self.trim[0] if self.trim else Fraction(0)
        edges = [start, *self.cuts, start + self.seconds]
        return max(b - a for a, b in pairwise(edges))

    def drops(self, stream: Stream) -> bool:
        """Return True when the sound of `stream` can be neither copied to the result nor decoded."""
        copied = containers.can_hold(self.target, stream, self.media.container)
        channels = getattr(stream, "channels", None) or 0
        return not copied and (not containers.can_be_decoded(stream) or channels > MAX_CHANNELS)

    def encodes(self, stream: Stream) -> bool:
        """Return True when the sound of `stream` is encoded in the result."""
        if not containers.can_be_decoded(stream) or self.drops(stream):
            return False
        if self.encode_sound and containers.is_lossless_sound(stream):
            return True
        if (
            self.request.safe
            and stream.codec != SOUND.encoder
            and (getattr(stream, "channels", None) or 0) <= MAX_CHANNELS
        ):
            return True
        return not containers.can_hold(self.target, stream, self.media.container)

    def sound_rate(self, stream: AudioStream) -> int:
        """Return the bits/s of a sound stream in the result."""
        if self.encodes(stream):
            return SOUND.rate_per_channel * (stream.channels or 2)
        return stream.bit_rate or ASSUMED_SOUND_RATE

    def saved_by_sound(self, stream: AudioStream) -> Fraction:
        """Return the bytes that encoding an uncompressed sound stream saves over the whole length."""
        if not containers.is_lossless_sound(stream) or stream.bit_rate is None:
            return Fraction(0)
        left = SOUND.rate_per_channel * (stream.channels or 2)
        return max(Fraction(0), Fraction(stream.bit_rate - left) * (self.media.duration or 0) / 8)

    def add(self, action: Action, reason: str, detail: str, loss: str = "") -> None:
        """Append a step."""
        self.steps.append(Step(action=action, reason=reason, detail=detail, loss=loss))

    def keep_all_sound(self) -> None:
        """Take back that sound is cut off behind the picture."""
        self.audio_end = None
        self.steps = [step for step in self.steps if step.action is not Action.TRIM_AUDIO]

    def encode(self, reason: str, **changes: Any) -> None:
        """Encode the picture, with `changes` to how. Raises RefusedError where the policy forbids it."""
        if self.request.policy is Policy.LOSSLESS:
            raise RefusedError(
                f"{self.media.path} can't pass without encoding its picture again ({reason}), "
                "which --policy lossless forbids."
            )
        self.video = replace(self.video or self.request.encode, **changes)
