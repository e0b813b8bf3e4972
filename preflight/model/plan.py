"""What will be done about a report, as data: printable, costed, and the only input of the one who acts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from preflight.model.limits import DEFAULT_LIMITS, Limits
from preflight.model.media import Container, Media


class Action(StrEnum):
    """The kinds of change, in rising order of loss."""

    RENAME = "rename"
    DROP = "drop"
    REMUX = "remux"
    TRIM_AUDIO = "trim-audio"
    ENCODE_AUDIO = "encode-audio"
    TRIM = "trim"
    SPLIT = "split"
    CROP = "crop"
    SCALE = "scale"
    TRANSCODE = "transcode"
    SHRINK = "shrink"


class Treatment(StrEnum):
    """What happens to one stream."""

    COPY = "copy"
    ENCODE = "encode"
    DROP = "drop"


class Policy(StrEnum):
    """How much may be lost: never a re-encoded video, the least loss, or never more than one file."""

    LOSSLESS = "lossless"
    BALANCED = "balanced"
    ONE_FILE = "one-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change: what, why (the finding's rule), and what is lost by it ('' for nothing)."""

    action: Action
    reason: str
    detail: str
    loss: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """What happens to the stream `index` of the source, why (`note`), and what is lost by it ('' for nothing)."""

    index: int
    treatment: Treatment
    encoder: str | None = None
    note: str = ""
    loss: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEncode:
    """How the picture is encoded: sizes in pixels of the display, rates in bits/s, buffer in bits.

    `size` and `crop` are None when the picture keeps its size; `max_rate` and `buffer` when nothing caps the rate. An
    `average` rate is aimed at in place of the quality `crf`.
    """

    encoder: str = "libx264"
    preset: str = "veryfast"
    crf: int = 20
    size: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    deinterlace: bool = False
    tone_map: bool = False
    max_rate: int | None = None
    buffer: int | None = None
    average: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEncode:
    """How sound is encoded where it is not copied: bit rate in bits/s for each channel."""

    encoder: str = "aac"
    rate_per_channel: int = 80_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An estimate: wall seconds on this machine, bytes of output, and the loss in words."""

    seconds: float = 0.0
    bytes: int = 0
    loss: str = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureQuality:
    """How an encoded picture compares with the source: the mean over its frames, and the best of the worst hundredth.

    `measure` names the scale, `VMAF` (0..100). `predicted` is by samples, otherwise by the file.
    """

    measure: str
    mean: float
    low: float
    frames: int
    predicted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How `source` becomes acceptable under `limits`. No steps: send it as it is. `refusal`: it can't, and why.

    `trim` is the stretch of the source that is kept, `cuts` the times where it is split (the nearest fitting keyframes
    are used), both in seconds of the source; `audio_end` ends sound that outlasts the picture. `target_bytes` is what
    an encoded file may take. `quality` is what the picture is foreseen to have, where that was asked for.
    """

    source: Media | None
    limits: Limits = DEFAULT_LIMITS
    policy: Policy = Policy.BALANCED
    container: Container = Container.MP4
    steps: tuple[Step, ...] = ()
    streams: tuple[StreamPlan, ...] = ()
    video: VideoEncode | None = None
    audio: AudioEncode | None = None
    trim: tuple[Fraction, Fraction] | None = None
    cuts: tuple[Fraction, ...] = ()
    audio_end: Fraction | None = None
    target_bytes: int | None = None
    cost: Cost = Cost()
    refusal: str | None = None
    quality: PictureQuality | None = None

    @property
    def is_empty(self) -> bool:
        """True when the file is sent as it is."""
        return not self.steps and self.refusal is None

    @property
    def actions(self) -> tuple[Action, ...]:
        """What the steps do, in their order."""
        return tuple(step.action for step in self.steps)

    @property
    def key(self) -> str:
        """A text that is equal for plans that send the same content: which changes, which stretch, which cuts.

        The encoder, the preset and all estimates are left out: they change how well, not what.
        """
        if self.is_empty:
            return "as-is"
        picture = (self.video.size, self.video.crop) if self.video else None
        content = {
            "actions": self.actions,
            "picture": picture,
            "trim": self.trim and [str(time) for time in self.trim],
            "cuts": [str(time) for time in self.cuts],
        }
        return json.dumps(content, separators=(",", ":"))
