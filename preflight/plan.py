"""What will be done about a report, as data: printable, costed, and the only input of the one who acts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from preflight.media import Container, Media


class Action(StrEnum):
    """The kinds of change, in rising order of loss."""

    RENAME = "rename"
    DROP = "drop"
    REMUX = "remux"
    ENCODE_AUDIO = "encode-audio"
    TRIM = "trim"
    SPLIT = "split"
    CROP = "crop"
    SCALE = "scale"
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
    """What happens to the stream `index` of the source."""

    index: int
    treatment: Treatment
    encoder: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEncode:
    """How the picture is encoded: sizes in pixels, rates in bits/s. None means untouched or not capped."""

    encoder: str = "libx264"
    preset: str = "veryfast"
    crf: int = 20
    size: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    deinterlace: bool = False
    tone_map: bool = False
    max_rate: int | None = None
    buffer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An estimate: wall seconds on this machine, bytes of output, and the loss in words."""

    seconds: float = 0.0
    bytes: int = 0
    loss: str = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How `source` becomes acceptable. No steps: send it as it is. `refusal`: it can't, and why."""

    source: Media | None
    container: Container = Container.MP4
    steps: tuple[Step, ...] = ()
    streams: tuple[StreamPlan, ...] = ()
    video: VideoEncode | None = None
    trim: tuple[Fraction, Fraction] | None = None
    cuts: tuple[Fraction, ...] = ()
    target_bytes: int | None = None
    cost: Cost = Cost()
    refusal: str | None = None

    @property
    def is_empty(self) -> bool:
        """True when the file is sent as it is."""
        return not self.steps and self.refusal is None
